//! `httpd-host new`: a project for a handler, in any language that there is an SDK for. Everything
//! that goes into it is in the program; nothing is fetched or built, and nothing here knows the
//! host that will serve it.

mod cargo;
mod embedded;
mod language;
mod name;
mod npm;
mod project;
mod write;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

pub(crate) use language::{Lane, Language};
pub(crate) use name::Name;

use write::Written;

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: Name,
    pub(crate) language: Language,
    pub(crate) lane: Lane,
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Other arguments would do.
    #[error("{0}")]
    Arguments(String),
    /// The system refused something.
    #[error("{0}")]
    System(String),
}

impl Wanted {
    /// What the arguments say.
    ///
    /// # Errors
    /// What is wrong with them, and what would be right.
    pub(crate) fn parse(
        name: &OsStr,
        language: Option<&OsStr>,
        lane: Option<&OsStr>,
    ) -> Result<Wanted, String> {
        let language = language.ok_or_else(|| format!("new needs --lang {}", Language::CHOICE))?;
        let language = Language::parse(&language.to_string_lossy())?;
        let lane = lane.map_or(Ok(Lane::Lean), |lane| Lane::parse(&lane.to_string_lossy()))?;
        let name = Name::parse(&name.to_string_lossy(), language)?;
        Ok(Wanted {
            name,
            language,
            lane,
        })
    }
}

/// Writes the project to a new folder of its name, below this one, and returns what to tell the
/// user.
///
/// # Errors
/// When the folder is there and not empty, or cannot be written: then nothing is left of it.
pub(crate) fn create(wanted: &Wanted, below: &Path) -> Result<String, Refusal> {
    let files = project::files(wanted).map_err(Refusal::System)?;
    let name = wanted.name.as_str();
    match write::write(&below.join(name), &files) {
        Ok(Written::Done) => Ok(told(wanted)),
        Ok(Written::Taken) => Err(Refusal::Arguments(format!(
            "{name} is there already and is no empty folder: choose another name, or remove it"
        ))),
        Err(error) => Err(Refusal::System(format!("cannot write {name}: {error}"))),
    }
}

fn told(wanted: &Wanted) -> String {
    let Wanted { language, name, .. } = wanted;
    let serve = "httpd-host --config config.toml";
    let lines = [
        (
            language.build_command(),
            format!("builds {}", language.component(name)),
        ),
        (language.test_command(), "runs its tests".to_owned()),
        (serve, "serves it on 127.0.0.1:8080".to_owned()),
    ];
    let width = lines.iter().map(|(command, _)| command.len()).max();
    let width = width.unwrap_or_default();
    let mut text = format!(
        "{name} is a guest in {} of the {} lane. In that folder:\n\n",
        language.title(),
        wanted.lane.title()
    );
    for (command, what) in lines {
        let _ = writeln!(text, "  {command:<width$}  {what}");
    }
    text
}

#[cfg(test)]
mod tests;

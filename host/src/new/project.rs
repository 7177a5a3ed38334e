//! What is in a project: templates of its language and lane, the SDK, the WIT.

use super::embedded;
use super::{Lane, Language, Wanted, cargo, npm};

/// A file of a project: its path from there, with `/`, and its content.
pub(super) type File = (String, Vec<u8>);

/// All files of a project.
///
/// # Errors
/// When the program lacks one, which a test of every language would show.
pub(super) fn files(wanted: &Wanted) -> Result<Vec<File>, String> {
    let mut files = templates(wanted)?;
    match wanted.language {
        Language::Rust => rust(wanted, &mut files)?,
        Language::JavaScript => javascript(wanted, &mut files)?,
        Language::Python => python(wanted, &mut files),
        Language::C => c(wanted, &mut files)?,
    }
    Ok(files)
}

fn templates(wanted: &Wanted) -> Result<Vec<File>, String> {
    let language = format!("guest-sdk/templates/{}", wanted.language.folder());
    let mut files = Vec::new();
    for part in ["common", wanted.lane.title()] {
        for (path, content) in embedded::folder(&format!("{language}/{part}")) {
            files.push((own_path(path), filled(wanted, content)?));
        }
    }
    let config = embedded::file("guest-sdk/templates/config.toml")?;
    files.push(("config.toml".to_owned(), filled(wanted, config)?));
    Ok(files)
}

/// Files whose names begin with a dot would have an effect among the templates as well.
fn own_path(path: &str) -> String {
    match path {
        "gitignore" => ".gitignore".to_owned(),
        _ if path.starts_with("cargo/") => format!(".{path}"),
        _ => path.to_owned(),
    }
}

fn filled(wanted: &Wanted, template: &[u8]) -> Result<Vec<u8>, String> {
    let Wanted {
        name,
        language,
        lane,
    } = wanted;
    let mut text = String::from_utf8(template.to_vec()).map_err(|error| error.to_string())?;
    for (key, value) in [
        ("name", name.as_str()),
        ("build", language.build_command()),
        ("test", language.test_command()),
        ("component", &language.component(name)),
        ("lane", lane.describe()),
        ("keys", keys(*language, *lane)),
    ] {
        text = text.replace(&format!("{{{{{key}}}}}"), value);
    }
    Ok(text.into_bytes())
}

/// What a guest needs beyond the defaults of its section.
fn keys(language: Language, lane: Lane) -> &'static str {
    match (language, lane) {
        (Language::Python, _) | (Language::JavaScript, Lane::Wasi) => {
            "# The component has an interpreter in it.\nmemory_max = \"256MiB\"\n"
        }
        _ => "",
    }
}

/// The SDK finds the WIT of the lean world beside its own folder, as it does in the repository.
fn rust(wanted: &Wanted, files: &mut Vec<File>) -> Result<(), String> {
    for folder in ["src", "wit", "macros/src"] {
        copy(
            &format!("guest-sdk/{folder}"),
            &format!("httpd-guest/{folder}"),
            files,
        );
    }
    for manifest in ["Cargo.toml", "macros/Cargo.toml"] {
        let text = cargo::manifest(&format!("guest-sdk/{manifest}"))?;
        files.push((format!("httpd-guest/{manifest}"), text.into_bytes()));
    }
    lean_wit(files);
    files.push((
        "Cargo.lock".to_owned(),
        cargo::lock(&wanted.name)?.into_bytes(),
    ));
    Ok(())
}

fn javascript(wanted: &Wanted, files: &mut Vec<File>) -> Result<(), String> {
    let sdk = format!("guest-sdk/js/{}", wanted.lane.title());
    copy(&sdk, "httpd-guest", files);
    match wanted.lane {
        Lane::Lean => lean_wit(files),
        Lane::Wasi => copy("guest-sdk/wit-p2", "wit", files),
    }
    npm_lock(files)
}

fn python(wanted: &Wanted, files: &mut Vec<File>) {
    copy("guest-sdk/python/httpd_guest", "httpd_guest", files);
    match wanted.lane {
        Lane::Lean => lean_wit(files),
        Lane::Wasi => {
            copy("guest-sdk/python/wit", "wit", files);
            copy("guest-sdk/wit/deps", "wit/deps", files);
        }
    }
}

fn c(wanted: &Wanted, files: &mut Vec<File>) -> Result<(), String> {
    let (world, other) = match wanted.lane {
        Lane::Lean => ("handler", "wasi.c"),
        Lane::Wasi => ("service", "lean.c"),
    };
    copy("guest-sdk/c/src", "httpd-guest", files);
    files.retain(|(path, _)| path.strip_prefix("httpd-guest/") != Some(other));
    copy(&format!("bindings/{world}"), "httpd-guest/bindings", files);
    match wanted.lane {
        Lane::Lean => lean_wit(files),
        Lane::Wasi => copy("guest-sdk/wit-p2", "wit", files),
    }
    npm_lock(files)
}

/// The world of the lean lane, without the packages beside it that other worlds use.
fn lean_wit(files: &mut Vec<File>) {
    let own = embedded::folder("wit").filter(|(path, _)| !path.contains('/'));
    files.extend(own.map(|(path, content)| (format!("wit/{path}"), content.to_vec())));
}

/// The lock that belongs to the `package.json` among the files.
fn npm_lock(files: &mut Vec<File>) -> Result<(), String> {
    let manifest = files.iter().find(|(path, _)| path == "package.json");
    let (_, manifest) = manifest.ok_or("the templates have no package.json")?;
    let lock = npm::lock(&String::from_utf8_lossy(manifest))?;
    files.push(("package-lock.json".to_owned(), lock.into_bytes()));
    Ok(())
}

fn copy(from: &str, to: &str, files: &mut Vec<File>) {
    let copies = embedded::folder(from);
    files.extend(copies.map(|(path, content)| (format!("{to}/{path}"), content.to_vec())));
}

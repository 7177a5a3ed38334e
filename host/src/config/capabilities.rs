//! The keys of a guest that grant it something outside its memory: arguments, directories, hosts,
//! values and buckets. What is not granted here is denied. Nothing is opened, connected or looked
//! up here, and whether a directory exists is for the caller's check to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::hosts::{AllowedHost, allowed_host};
use super::reader::Section;
use super::values::{Value, expect_str, expected};

/// What a guest may reach; nothing at all unless the configuration says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The arguments it sees; a program's own name is not among them unless it is given here.
    pub args: Vec<String>,
    /// The directories it sees, each at a path of its own.
    pub dirs: Vec<Directory>,
    /// The hosts that it may send requests to.
    pub allow_hosts: Vec<AllowedHost>,
    /// How many requests of its own one instance may have under way; more wait. At least 1.
    pub outbound_max: u32,
    /// What it finds by name in `wasi:config`.
    pub config: BTreeMap<String, String>,
    /// The buckets of `wasi:keyvalue`: what the guest opens, and which bucket that is. Guests
    /// that name the same bucket share it.
    pub keyvalue: BTreeMap<String, String>,
}

/// A directory that a guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is. Relative paths of the configuration are resolved against its own directory.
    pub host: PathBuf,
    /// Where the guest sees it: absolute, and normalised.
    pub guest: String,
    /// What the guest may do there.
    pub access: Access,
}

/// What a guest may do in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look, and nothing else.
    Read,
    /// Also create, change and remove.
    Write,
}

const ARGS_WANTED: &str = "a list of arguments such as [\"--verbose\"]";
const HOSTS_WANTED: &str = "a list of hosts such as [\"https://example.com\"]";
const CONFIG_WANTED: &str = "values such as { greeting = \"hello\" }";
const BUCKETS_WANTED: &str = "buckets such as [\"counter\"], or { default = \"counter\" } for a \
                              guest that opens another name";

impl Default for Capabilities {
    fn default() -> Capabilities {
        Capabilities {
            args: Vec::new(),
            dirs: Vec::new(),
            allow_hosts: Vec::new(),
            outbound_max: 16,
            config: BTreeMap::new(),
            keyvalue: BTreeMap::new(),
        }
    }
}

/// All grants of a guest. `directory_found` says what is wrong with a directory, if anything.
pub(super) fn capabilities(
    section: &mut Section<'_>,
    directory_found: &dyn Fn(&Path) -> Result<(), String>,
) -> Capabilities {
    let default = Capabilities::default();
    Capabilities {
        args: list(section, "args", ARGS_WANTED, |value, _| argument(value)),
        dirs: directories(section, directory_found),
        allow_hosts: list(section, "allow_hosts", HOSTS_WANTED, host),
        outbound_max: section.number("outbound_max", default.outbound_max, 1..=10_000),
        config: texts(section, "config", CONFIG_WANTED, config_value),
        keyvalue: buckets(section),
    }
}

/// That a path leads to a directory.
pub(super) fn directory(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(format!("{shown} is not a directory")),
        Err(error) => Err(format!(
            "{shown}: {error}; paths are relative to this file's directory"
        )),
    }
}

/// The environment a guest sees. Names and values that no environment can hold are refused.
pub(super) fn env(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let wanted = "variables such as { GREETING = \"hello\" }";
    texts(section, "env", wanted, |name, value| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err("a variable's name must not be empty nor hold = or NUL".to_owned());
        }
        let text = expect_str(value, "a text")?;
        if text.contains('\0') {
            return Err("a variable's value must not hold NUL".to_owned());
        }
        Ok(text.to_owned())
    })
}

/// A list of which each wrong item is a problem of its own. `convert` gets to see those before it.
fn list<T>(
    section: &mut Section<'_>,
    key: &'static str,
    wanted: &str,
    convert: impl Fn(&Value<'_>, &[T]) -> Result<T, String>,
) -> Vec<T> {
    let Some(value) = section.take(key) else {
        return Vec::new();
    };
    let DeValue::Array(array) = value.get_ref() else {
        section.wrong(key, value, expected(wanted, value));
        return Vec::new();
    };
    let mut items = Vec::new();
    for item in array {
        match convert(item, &items) {
            Ok(converted) => items.push(converted),
            Err(message) => section.wrong(key, item, message),
        }
    }
    items
}

/// Texts by names that are the user's to choose; each wrong one is a problem of its own.
fn texts(
    section: &mut Section<'_>,
    key: &'static str,
    wanted: &str,
    convert: impl Fn(&str, &Value<'_>) -> Result<String, String>,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let Some(value) = section.take(key) else {
        return texts;
    };
    let DeValue::Table(table) = value.get_ref() else {
        section.wrong(key, value, expected(wanted, value));
        return texts;
    };
    for (name, value) in table {
        let full = format!("{key}.{}", name.get_ref());
        match convert(name.get_ref(), value) {
            Ok(text) => drop(texts.insert(name.get_ref().to_string(), text)),
            Err(message) => section.wrong(&full, value, message),
        }
    }
    texts
}

fn argument(value: &Value<'_>) -> Result<String, String> {
    let text = expect_str(value, "an argument as a text")?;
    if text.contains('\0') {
        return Err("an argument must not hold NUL".to_owned());
    }
    Ok(text.to_owned())
}

fn host(value: &Value<'_>, before: &[AllowedHost]) -> Result<AllowedHost, String> {
    let host = allowed_host(expect_str(value, "a host such as \"https://example.com\"")?)?;
    if before.contains(&host) {
        return Err(format!("{host} is named twice"));
    }
    Ok(host)
}

fn config_value(name: &str, value: &Value<'_>) -> Result<String, String> {
    if name.is_empty() {
        return Err("a name must not be empty".to_owned());
    }
    Ok(expect_str(value, "a text")?.to_owned())
}

/// The directories, of which no two are seen at the same path.
fn directories(
    section: &mut Section<'_>,
    found: &dyn Fn(&Path) -> Result<(), String>,
) -> Vec<Directory> {
    let mut directories: Vec<Directory> = Vec::new();
    for mut inner in section.inner_sections("dirs", "guests.NAME.dirs") {
        let report = inner.report();
        let host = inner.required("host", "\"public\"", |value| {
            let path = report.resolve(expect_str(value, "the path of a directory")?)?;
            found(&path)?;
            Ok(path)
        });
        let guest = inner.required("guest", "\"/public\"", |value| {
            let path = guest_path(expect_str(value, "a path such as \"/public\"")?)?;
            if directories.iter().any(|directory| directory.guest == path) {
                return Err(format!("another directory is at {path} already"));
            }
            Ok(path)
        });
        let accesses = [("read", Access::Read), ("write", Access::Write)];
        let access = inner.choice("access", Access::Read, &accesses);
        inner.finish();
        if let (Some(host), Some(guest)) = (host, guest) {
            directories.push(Directory {
                host,
                guest,
                access,
            });
        }
    }
    directories
}

/// A path as a guest sees it. It is compared and handed on as it stands, so it has one form only.
fn guest_path(path: &str) -> Result<String, String> {
    let example = "write an absolute path such as \"/public\"";
    let Some(below) = path.strip_prefix('/') else {
        return Err(format!("{path:?} does not start with /; {example}"));
    };
    if path.contains(['\0', '\\']) {
        return Err(format!("a path must not hold NUL or \\; {example}"));
    }
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    if below.is_empty() || below.split('/').all(is_plain) {
        return Ok(path.to_owned());
    }
    Err(format!(
        "{path:?} is not normalised: no segment may be empty, . or ..; {example}"
    ))
}

/// The buckets by the names that the guest opens: a list when those are their own.
fn buckets(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let is_table = |value: &Value<'_>| matches!(value.get_ref(), DeValue::Table(_));
    if section.peek("keyvalue").is_some_and(is_table) {
        return texts(section, "keyvalue", BUCKETS_WANTED, |_, value| {
            bucket_name(value)
        });
    }
    let names = list(section, "keyvalue", BUCKETS_WANTED, |value, before| {
        let name = bucket_name(value)?;
        if before.contains(&name) {
            return Err(format!("{name:?} is named twice"));
        }
        Ok(name)
    });
    names.into_iter().map(|name| (name.clone(), name)).collect()
}

/// The name of a bucket in the store: safe in a log line and as a part of a file's name.
fn bucket_name(value: &Value<'_>) -> Result<String, String> {
    let name = expect_str(value, "the name of a bucket as a text")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "{name:?} is no name of a bucket: up to 64 letters, digits, -, _ and ."
    ))
}

#[cfg(test)]
mod tests;

//! Where the store is kept: what the configuration says, or else the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The host's folder among those of other programs.
const FOLDER: &str = "httpd-host";

/// The directory of the store: the one that is configured, the one a service manager made for
/// this service, or a folder of ours among the user's data. None where there is none of them.
pub fn directory(configured: Option<&Path>) -> Option<PathBuf> {
    let from_environment = || from_environment(|name| std::env::var_os(name));
    configured.map(Path::to_owned).or_else(from_environment)
}

/// `variable` looks up a variable of the environment.
fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| {
        let path = PathBuf::from(variable(name)?);
        // The XDG specification wants relative paths ignored, and they make no sense elsewhere.
        path.is_absolute().then_some(path)
    };
    first_listed(&variable)
        .or_else(|| Some(path("XDG_DATA_HOME")?.join(FOLDER)))
        .or_else(|| Some(path("HOME")?.join(".local/share").join(FOLDER)))
}

/// systemd lists several directories with colons between them (systemd.exec(5)).
fn first_listed(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let paths = variable("STATE_DIRECTORY")?;
    let first = std::env::split_paths(&paths).next()?;
    first.is_absolute().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<PathBuf> {
        from_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn the_configuration_comes_first() {
        assert_eq!(directory(Some(Path::new("kv"))), Some(PathBuf::from("kv")));
    }

    #[test]
    fn a_service_has_a_directory_of_its_own() {
        let variables = [("STATE_DIRECTORY", "/s:/t"), ("HOME", "/u")];
        assert_eq!(found(&variables), Some(PathBuf::from("/s")));
    }

    #[test]
    fn others_have_a_folder_among_the_users_data() {
        let data = ("XDG_DATA_HOME", "/d");
        let home = ("HOME", "/u");
        assert_eq!(found(&[data, home]), Some(PathBuf::from("/d/httpd-host")));
        let expected = PathBuf::from("/u/.local/share/httpd-host");
        assert_eq!(found(&[("XDG_DATA_HOME", "d"), home]), Some(expected));
        assert_eq!(found(&[("STATE_DIRECTORY", "s")]), None);
    }
}

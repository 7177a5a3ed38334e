//! Where compiled code is kept: what the configuration says, or else the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::config;
use crate::guest::CacheSettings;

/// The host's folder among those of other programs.
const FOLDER: &str = "httpd-host";

/// What the sandbox is told: nothing when no code is to be kept, or there is no place for it.
pub(super) fn settings(cache: &config::Cache) -> Option<CacheSettings> {
    if !cache.enabled {
        return None;
    }
    let from_environment = || default_directory(|name| std::env::var_os(name));
    let Some(directory) = cache.directory.clone().or_else(from_environment) else {
        tracing::debug!(
            "compiled code is not kept: cache.directory is not set, nor is any of \
             CACHE_DIRECTORY, XDG_CACHE_HOME and HOME"
        );
        return None;
    };
    Some(CacheSettings {
        directory,
        size_max: cache.size_max,
    })
}

/// The directory that the environment provides: the one a service manager made for this service,
/// else a folder of ours among the user's caches. `variable` looks up a variable of the
/// environment. None where there is neither: then nothing is kept.
fn default_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| {
        let path = PathBuf::from(variable(name)?);
        // The XDG specification wants relative paths ignored, and they make no sense elsewhere.
        path.is_absolute().then_some(path)
    };
    first_listed(&variable)
        .or_else(|| Some(path("XDG_CACHE_HOME")?.join(FOLDER)))
        .or_else(|| Some(path("HOME")?.join(".cache").join(FOLDER)))
}

/// systemd lists several directories with colons between them (systemd.exec(5)).
fn first_listed(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let paths = variable("CACHE_DIRECTORY")?;
    let first = std::env::split_paths(&paths).next()?;
    first.is_absolute().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn directory(variables: &[(&str, &str)]) -> Option<PathBuf> {
        default_directory(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn the_configuration_comes_first() {
        let mut cache = config::Cache {
            enabled: true,
            directory: Some(PathBuf::from("/c")),
            size_max: 7,
        };
        let expected = CacheSettings {
            directory: PathBuf::from("/c"),
            size_max: 7,
        };
        assert_eq!(settings(&cache), Some(expected));
        cache.enabled = false;
        assert_eq!(settings(&cache), None);
    }

    #[test]
    fn the_service_comes_before_the_user() {
        let all = [
            ("CACHE_DIRECTORY", "/var/cache/a:/var/cache/b"),
            ("XDG_CACHE_HOME", "/x"),
            ("HOME", "/users/me"),
        ];
        let expect = |variables, path: &str| {
            assert_eq!(directory(variables).as_deref(), Some(Path::new(path)));
        };
        expect(&all, "/var/cache/a");
        expect(&all[1..], "/x/httpd-host");
        expect(&all[2..], "/users/me/.cache/httpd-host");
        assert_eq!(directory(&[]), None);
    }

    #[test]
    fn empty_and_relative_ones_do_not_count() {
        let variables = [
            ("CACHE_DIRECTORY", ""),
            ("XDG_CACHE_HOME", "relative"),
            ("HOME", "/h"),
        ];
        let expected = PathBuf::from("/h/.cache/httpd-host");
        assert_eq!(directory(&variables), Some(expected));
        assert_eq!(directory(&variables[..2]), None);
    }
}

//! The command line. It says what is wanted and does nothing.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
httpd-host: answers HTTP/1.1 requests by calling sandboxed WebAssembly components

Usage:
  httpd-host [--config FILE]        serve; without a file, a welcome page on 127.0.0.1:8080
  httpd-host check --config FILE    say what is wrong with a configuration, and serve nothing
  httpd-host --version | --help

Options:
  -c, --config FILE    the TOML file that maps paths to guests
  -V, --version        print the version
  -h, --help           print this

Examples:
  httpd-host                                      the welcome page, with a first guest to write
  httpd-host --config config.toml                 serve until Ctrl-C or SIGTERM
  httpd-host check --config config.toml && deploy

Exit status: 0 after an orderly end, 1 when the system refuses something or the shutdown time
is over, 2 when the configuration or the arguments must be mended.
";

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Serve what the configuration says, or the welcome page.
    Serve { config: Option<PathBuf> },
    /// Check a configuration.
    Check { config: PathBuf },
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// Reads the program's arguments.
pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    parse_from(std::env::args_os().skip(1))
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(args);
    let mut config = None;
    let mut check = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('c') | Long("config") => config = Some(PathBuf::from(parser.value()?)),
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(word) if word == "check" && !check => check = true,
            _ => return Err(arg.unexpected()),
        }
    }
    match (check, config) {
        (true, Some(config)) => Ok(Command::Check { config }),
        (true, None) => Err("check needs --config FILE".into()),
        (false, config) => Ok(Command::Serve { config }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse_from(args.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_each_command_line_means() {
        let file = || PathBuf::from("f.toml");
        assert_eq!(parsed(&[]), Ok(Command::Serve { config: None }));
        let serve = Ok(Command::Serve {
            config: Some(file()),
        });
        assert_eq!(parsed(&["--config", "f.toml"]), serve);
        assert_eq!(parsed(&["-c", "f.toml"]), serve);
        assert_eq!(parsed(&["--config=f.toml"]), serve);
        let check = Ok(Command::Check { config: file() });
        assert_eq!(parsed(&["check", "--config", "f.toml"]), check);
        assert_eq!(parsed(&["--config", "f.toml", "check"]), check);
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
        assert_eq!(parsed(&["-V"]), Ok(Command::Version));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parsed(&["--confg", "f"]).unwrap_err().contains("--confg"));
        assert!(parsed(&["serve"]).unwrap_err().contains("serve"));
        assert!(parsed(&["check"]).unwrap_err().contains("--config"));
        assert!(parsed(&["--config"]).is_err());
    }
}

//! The command line. It says what is wanted and does nothing.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use httpd_host::control;
use lexopt::Arg::{Long, Short, Value};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
httpd-host: answers HTTP/1.1 requests by calling sandboxed WebAssembly components

Usage:
  httpd-host [--config FILE]        serve; without a file, a welcome page on 127.0.0.1:8080
  httpd-host check --config FILE    say what is wrong with a configuration, and serve nothing
  httpd-host status --config FILE   show how the running host is
  httpd-host reload --config FILE   have the running host look at its files again, and wait
  httpd-host --version | --help

Options:
  -c, --config FILE    the TOML file that maps paths to guests
      --json           for status and reload: print JSON
  -V, --version        print the version
  -h, --help           print this

Examples:
  httpd-host                                      the welcome page, with a first guest to write
  httpd-host --config config.toml                 serve until Ctrl-C or SIGTERM
  httpd-host check --config config.toml && deploy
  httpd-host reload --config config.toml || roll_back

status and reload ask the host over control.socket of its configuration.

Exit status: 0 after an orderly end, 1 when the system refuses something, the shutdown time is
over, no host answers or a reload failed, 2 when the configuration or the arguments must be mended.
";

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Serve what the configuration says, or the welcome page.
    Serve { config: Option<PathBuf> },
    /// Check a configuration.
    Check { config: PathBuf },
    /// Ask the running host.
    Ask {
        config: PathBuf,
        command: control::Command,
        json: bool,
    },
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// Reads the program's arguments.
pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    parse_from(std::env::args_os().skip(1))
}

/// The first word: what is to be done instead of serving.
#[derive(Clone, Copy)]
enum Word {
    Check,
    Ask(control::Command),
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(args);
    let (mut config, mut word, mut json) = (None, None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('c') | Long("config") => config = Some(PathBuf::from(parser.value()?)),
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("json") => json = true,
            Value(text) if word.is_none() && known(&text).is_some() => word = known(&text),
            _ => return Err(arg.unexpected()),
        }
    }
    match (word, config) {
        (None | Some(Word::Check), _) if json => Err("--json goes with status and reload".into()),
        (None, config) => Ok(Command::Serve { config }),
        (Some(Word::Check), Some(config)) => Ok(Command::Check { config }),
        (Some(Word::Ask(command)), Some(config)) => Ok(Command::Ask {
            config,
            command,
            json,
        }),
        (Some(_), None) => Err("check, status and reload need --config FILE".into()),
    }
}

fn known(text: &OsStr) -> Option<Word> {
    match text.to_str()? {
        "check" => Some(Word::Check),
        "status" => Some(Word::Ask(control::Command::Status)),
        "reload" => Some(Word::Ask(control::Command::Reload)),
        _ => None,
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
        let ask = |command, json| {
            let config = file();
            Ok(Command::Ask {
                config,
                command,
                json,
            })
        };
        let status = ask(control::Command::Status, false);
        assert_eq!(parsed(&["status", "-c", "f.toml"]), status);
        let reload = ask(control::Command::Reload, true);
        assert_eq!(parsed(&["--json", "-c", "f.toml", "reload"]), reload);
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
        assert_eq!(parsed(&["-V"]), Ok(Command::Version));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parsed(&["--confg", "f"]).unwrap_err().contains("--confg"));
        assert!(parsed(&["serve"]).unwrap_err().contains("serve"));
        for word in ["check", "status", "reload"] {
            assert!(parsed(&[word]).unwrap_err().contains("--config"));
        }
        assert!(parsed(&["check", "status"]).unwrap_err().contains("status"));
        assert!(parsed(&["--json"]).unwrap_err().contains("--json"));
        assert!(parsed(&["--config"]).is_err());
    }
}

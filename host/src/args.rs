//! The command line. It says what is wanted and does nothing.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use httpd_host::control;
use lexopt::Arg::{Long, Short, Value};

use crate::new::Wanted;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
httpd-host: answers HTTP/1.1 requests by calling sandboxed WebAssembly components

Usage:
  httpd-host [--config FILE]        serve; without a file, a welcome page on 127.0.0.1:8080
  httpd-host check --config FILE    say what is wrong with a configuration, and serve nothing
  httpd-host status --config FILE   show how the running host is
  httpd-host reload --config FILE   have the running host look at its files again, and wait
  httpd-host new NAME --lang LANG   write a project for a guest into the folder NAME
  httpd-host --version | --help

Options:
  -c, --config FILE    the TOML file that maps paths to guests
      --json           for status and reload: print JSON
      --lang LANG      for new: rust, js, python or c
      --lane LANE      for new: lean, which is the default and the fastest, or wasi, whose bodies
                       are streams
  -V, --version        print the version
  -h, --help           print this

Examples:
  httpd-host                                      the welcome page, with a first guest to write
  httpd-host --config config.toml                 serve until Ctrl-C or SIGTERM
  httpd-host check --config config.toml && deploy
  httpd-host reload --config config.toml || roll_back
  httpd-host new hello --lang python              a guest that builds with the command it prints

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
    /// Write a project for a guest.
    New(Wanted),
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
    New,
}

/// What was given beside the word and the configuration.
#[derive(Default)]
struct Options {
    json: bool,
    name: Option<OsString>,
    language: Option<OsString>,
    lane: Option<OsString>,
}

fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(args);
    let (mut config, mut word, mut options) = (None, None, Options::default());
    while let Some(arg) = parser.next()? {
        match arg {
            Short('c') | Long("config") => config = Some(PathBuf::from(parser.value()?)),
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("json") => options.json = true,
            Long("lang") => options.language = Some(parser.value()?),
            Long("lane") => options.lane = Some(parser.value()?),
            Value(text) if word.is_none() && known(&text).is_some() => word = known(&text),
            Value(text) if matches!(word, Some(Word::New)) && options.name.is_none() => {
                options.name = Some(text);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    understand(word, config, options).map_err(Into::into)
}

fn understand(
    word: Option<Word>,
    config: Option<PathBuf>,
    options: Options,
) -> Result<Command, String> {
    if options.json && !matches!(word, Some(Word::Ask(_))) {
        return Err("--json goes with status and reload".to_owned());
    }
    if (options.language.is_some() || options.lane.is_some()) && !matches!(word, Some(Word::New)) {
        return Err("--lang and --lane go with new".to_owned());
    }
    match (word, config) {
        (None, config) => Ok(Command::Serve { config }),
        (Some(Word::New), Some(_)) => Err("new takes no --config: it writes one".to_owned()),
        (Some(Word::New), None) => {
            let name = options.name.ok_or("new needs a NAME for the project")?;
            let (language, lane) = (options.language.as_deref(), options.lane.as_deref());
            Wanted::parse(&name, language, lane).map(Command::New)
        }
        (Some(Word::Check), Some(config)) => Ok(Command::Check { config }),
        (Some(Word::Ask(command)), Some(config)) => Ok(Command::Ask {
            config,
            command,
            json: options.json,
        }),
        (Some(_), None) => Err("check, status and reload need --config FILE".to_owned()),
    }
}

fn known(text: &OsStr) -> Option<Word> {
    match text.to_str()? {
        "check" => Some(Word::Check),
        "status" => Some(Word::Ask(control::Command::Status)),
        "reload" => Some(Word::Ask(control::Command::Reload)),
        "new" => Some(Word::New),
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
    fn a_project_has_a_name_a_language_and_perhaps_a_lane() {
        let wanted = |lane: Option<&str>| {
            let (name, language) = (OsStr::new("hello"), OsStr::new("js"));
            let wanted = Wanted::parse(name, Some(language), lane.map(OsStr::new));
            wanted.map(Command::New)
        };
        assert_eq!(parsed(&["new", "hello", "--lang", "js"]), wanted(None));
        let wasi = parsed(&["--lane=wasi", "new", "--lang", "js", "hello"]);
        assert_eq!(wasi, wanted(Some("wasi")));
        // Words are names as well, once it is clear that a name is meant.
        assert!(parsed(&["new", "check", "--lang", "js"]).is_ok());
        let refused = |args: &[&str]| parsed(args).unwrap_err();
        assert!(refused(&["new", "--lang", "js"]).contains("NAME"));
        assert!(refused(&["new", "a", "b", "--lang", "js"]).contains("\"b\""));
        assert!(refused(&["new", "a", "--lang", "js", "-c", "f"]).contains("--config"));
        assert!(refused(&["new", "a"]).contains("--lang"));
        assert!(refused(&["--lang", "js"]).contains("go with new"));
        assert!(refused(&["new", "a", "--lang", "js", "--json"]).contains("--json"));
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

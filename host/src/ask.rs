//! `httpd-host status` and `httpd-host reload`: asks the running host, and prints what it says.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use httpd_host::config::Config;
use httpd_host::control::{self, Command, Reply};
use serde::Serialize;

use crate::report;
use crate::{EXIT_CONFIG, EXIT_SYSTEM, fail};

/// Asks the host that was started with this configuration. Succeeds when the host answered, and
/// did what it was asked for.
pub(crate) fn run(path: &Path, command: Command, json: bool) -> ExitCode {
    let config = match Config::load_control(path) {
        Ok(config) => config,
        Err(error) => return fail(EXIT_CONFIG, &error.to_string()),
    };
    let Some(socket) = config.socket else {
        let problem = "control.socket: it is not set, so that no host can be asked; set it, such \
                       as to \"httpd-host.sock\", and restart the host";
        return fail(EXIT_CONFIG, &format!("{}: {problem}", path.display()));
    };
    match control::ask(&socket, command, config.timeout) {
        Ok(reply) => tell(&reply, json),
        Err(error) => fail(EXIT_SYSTEM, &error.to_string()),
    }
}

fn tell(reply: &Reply, json: bool) -> ExitCode {
    match reply {
        Reply::Status(status) if json => print_json(status),
        Reply::Status(status) => report::print(&status.table(SystemTime::now())),
        Reply::Reload(outcome) => {
            let printed = if json {
                print_json(outcome)
            } else {
                report::print(&outcome.to_string())
            };
            if outcome.ok {
                printed
            } else {
                ExitCode::from(EXIT_SYSTEM)
            }
        }
        Reply::Error(error) => fail(EXIT_SYSTEM, &format!("the host refused: {error}")),
    }
}

fn print_json(value: &impl Serialize) -> ExitCode {
    match serde_json::to_string_pretty(value) {
        Ok(text) => report::print(&(text + "\n")),
        Err(error) => fail(EXIT_SYSTEM, &format!("cannot write JSON: {error}")),
    }
}

//! The `httpd-host` program: arguments, logging, signals. Everything else is in the library.

mod args;
mod ask;
mod logging;
mod new;
mod report;
mod signals;
mod upkeep;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use args::Command;
use httpd_host::config::{self, Config};
use httpd_host::dispatch::Dispatch;
use httpd_host::notify;
use httpd_host::server::{self, Ended, Inherited, Listeners, Server};
use httpd_host::workers::{Threads, Workers};
use logging::{Access, Lines, Logging};
use new::{Refusal, Wanted};
use tokio::runtime::{Builder, Runtime};
use upkeep::Upkeep;

/// A request takes sixty to a hundred pieces of memory, some of them of several KiB, for which the
/// system's allocator takes an eighth of its time in user space.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The configuration, or the arguments, must be mended first.
const EXIT_CONFIG: u8 = 2;
/// The configuration is fine, but the system refused something.
const EXIT_SYSTEM: u8 = 1;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Command::Help) => report::print(args::HELP),
        Ok(Command::Version) => {
            report::print(concat!("httpd-host ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Ok(Command::Check { config }) => check(&config),
        Ok(Command::Ask {
            config,
            command,
            json,
        }) => ask::run(&config, command, json),
        Ok(Command::New(wanted)) => create(&wanted),
        Ok(Command::Serve { config }) => serve(config.as_deref()),
        Err(error) => {
            report::complain(&format!("{error}\nTry httpd-host --help.\n"));
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// Reads the configuration and makes every guest ready, as a start would, and serves nothing.
fn check(path: &Path) -> ExitCode {
    let config = match read(Some(path)) {
        Ok(config) => config,
        Err(problems) => return fail(EXIT_CONFIG, &problems),
    };
    let _logging = logging::start(&config.log);
    match load(&config) {
        Ok(_) => report::print(&format!(
            "{} is fine\n{}",
            path.display(),
            report::table(&config)
        )),
        Err(problems) => fail(EXIT_CONFIG, &problems),
    }
}

/// Writes a project into the current directory.
fn create(wanted: &Wanted) -> ExitCode {
    match new::create(wanted, Path::new("")) {
        Ok(told) => report::print(&told),
        Err(refusal @ Refusal::Arguments(_)) => fail(EXIT_CONFIG, &refusal.to_string()),
        Err(refusal @ Refusal::System(_)) => fail(EXIT_SYSTEM, &refusal.to_string()),
    }
}

fn serve(path: Option<&Path>) -> ExitCode {
    // First of all: it changes the environment, which no other thread may read meanwhile.
    let inherited = match Inherited::from_env() {
        Ok(inherited) => inherited,
        Err(error) => return fail(EXIT_SYSTEM, &error.to_string()),
    };
    let config = match read(path) {
        Ok(config) => config,
        Err(problems) => return fail(EXIT_CONFIG, &problems),
    };
    let Logging {
        lines,
        access,
        // Dropped last: it writes the log lines that still wait.
        guard: _guard,
    } = logging::start(&config.log);
    let dispatch = match load(&config) {
        Ok(dispatch) => dispatch,
        Err(problems) => return fail(EXIT_CONFIG, &problems),
    };
    match start(&config.server, lines) {
        Ok((runtime, threads)) => {
            let workers = threads.workers();
            runtime.block_on(run(path, &config, dispatch, access, inherited, workers))
        }
        Err(error) => fail(
            EXIT_SYSTEM,
            &format!("cannot start the threads that serve: {error}; see server.threads"),
        ),
    }
}

/// The threads that serve, which keep their log lines while they have work, and a runtime for all
/// else.
fn start(config: &config::Server, lines: Lines) -> io::Result<(Runtime, Threads)> {
    server::raise_files_max();
    let its = lines.clone();
    let (threads, pinned) = (config.threads, config.pin_threads);
    let threads = Threads::start(threads, pinned, move || lines.work(), move || its.rest())?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok((runtime, threads))
}

async fn run(
    path: Option<&Path>,
    config: &Config,
    dispatch: Dispatch,
    access: Option<Access>,
    inherited: Inherited,
    workers: Workers,
) -> ExitCode {
    // Before anything is printed: whoever reads that the host is up may signal it.
    let shutdown = match signals::shutdown() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(EXIT_SYSTEM, &format!("cannot handle signals: {error}")),
    };
    let listeners = match listen(config, inherited) {
        Ok(listeners) => listeners,
        Err(error) => return fail(EXIT_SYSTEM, &error),
    };
    let server = Server::over(listeners, config, dispatch);
    if let Some(access) = access {
        server.log_access_by(Arc::new(access));
    }
    let upkeep = match path
        .map(|path| Upkeep::start(path, config, &server))
        .transpose()
    {
        Ok(upkeep) => upkeep,
        Err(error) => return fail(EXIT_SYSTEM, &error),
    };
    report::print(&report::start(config, &server));
    notify::ready();
    notify::status(&report::status(&server));
    let stop = async move {
        shutdown.await;
        // Nothing changes any more, and the next host can have the control socket.
        drop(upkeep);
        notify::stopping();
    };
    match server.run(workers, stop).await {
        Ended::Drained => ExitCode::SUCCESS,
        Ended::CutOff(connections) => {
            tracing::warn!(
                connections,
                "timeouts.shutdown was over: connections were cut off"
            );
            ExitCode::from(EXIT_SYSTEM)
        }
    }
}

/// Sockets that were passed on take the place of those in the configuration: whoever passes them
/// on has opened all that clients shall find.
fn listen(config: &Config, inherited: Inherited) -> Result<Listeners, String> {
    if inherited.is_empty() {
        return Listeners::bind(&config.server).map_err(|error| error.to_string());
    }
    tracing::info!(
        sockets = inherited.len(),
        "listening on the sockets that LISTEN_FDS passes on, and not on server.listen"
    );
    Ok(Listeners::inherit(inherited))
}

fn read(path: Option<&Path>) -> Result<Config, String> {
    match path {
        Some(path) => Config::load(path).map_err(|error| error.to_string()),
        None => Ok(Config::welcome()),
    }
}

fn load(config: &Config) -> Result<Dispatch, String> {
    Dispatch::load(config).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

fn fail(status: u8, problems: &str) -> ExitCode {
    report::complain(&format!("{problems}\n"));
    ExitCode::from(status)
}

//! The configuration: a TOML file becomes checked types here, and nothing downstream checks again.
//! No file but the configuration itself is read, and nothing here opens a socket or a component.

mod capabilities;
mod chains;
mod error;
mod guests;
mod hosts;
mod listen;
mod reader;
mod report;
mod resilience;
mod routes;
mod sections;
mod services;
mod suggest;
mod units;
mod upkeep;
mod values;

#[cfg(test)]
mod example_tests;
#[cfg(test)]
mod problem_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use capabilities::{Access, Capabilities, Directory};
pub use error::{ConfigError, Problem};
use guests::Found;
pub use hosts::{AllowedHost, HostPattern, Network, PortPattern, Scheme};
pub use listen::Listen;
use reader::Section;
use report::Report;
pub use resilience::{Breaker, Rollback};
pub use services::{Keyvalue, Outbound};
pub use units::{ShowDuration, ShowSize};
pub use upkeep::{Cache, Control, Reload};

use crate::router::Pattern;

/// Everything a configuration file says, checked, with defaults in place of what it leaves out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[server]`: where to listen and for how many.
    pub server: Server,
    /// `[limits]`: what is refused before a guest sees it, and what a guest may answer.
    pub limits: Limits,
    /// `[timeouts]`: how long each phase of a connection may take.
    pub timeouts: Timeouts,
    /// `[sandbox]`: bounds over all guests together.
    pub sandbox: Sandbox,
    /// `[cache]`: compiled components that are kept for the next start.
    pub cache: Cache,
    /// `[reload]`: how changed files are noticed.
    pub reload: Reload,
    /// `[control]`: where a running host is asked for its status and told to reload.
    pub control: Control,
    /// `[log]`: what is logged and how.
    pub log: Log,
    /// `[outbound]`: bounds of the requests that guests send.
    pub outbound: Outbound,
    /// `[keyvalue]`: the store behind the guests' buckets.
    pub keyvalue: Keyvalue,
    /// `[guests.NAME]`, by name.
    pub guests: BTreeMap<String, Guest>,
    /// `[[routes]]`, in the order of the file. Each route's guest is in `guests`.
    pub routes: Vec<Route>,
}

/// `[server]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where to listen: at least one place, each named once (port 0 as often as wanted).
    pub listen: Vec<Listen>,
    /// The permissions of Unix sockets, as for chmod(2): at most 0o777.
    pub unix_mode: u32,
    /// How many connections may be open at once over all listeners.
    pub max_connections: usize,
    /// How many connections the kernel may queue per listener before they are accepted.
    pub backlog: u32,
    /// Threads that serve connections and run quick guests; 0 is as many as there are processors.
    pub threads: usize,
    /// Whether each of them keeps a processor of its own while nobody else computes there. Only on
    /// Linux, and where there are as many of them as processors.
    pub pin_threads: bool,
}

/// `[limits]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of a request's head, request line included; past it 431.
    pub head_max: usize,
    /// Bytes of a request target; past it 414.
    pub target_max: usize,
    /// Field lines of a request's head, and of its trailers; past it 431.
    pub fields_max: usize,
    /// Bytes of all chunk extensions of one body together; past it 400.
    pub chunk_extensions_max: usize,
    /// Bytes of a request body where the route does not say otherwise; past it 413.
    pub body_max: u64,
    /// Bytes of all bodies held in memory together; past it 503. Streamed ones do not count.
    pub buffered_max: u64,
    /// Bytes of a streamed body that are held for each direction of an exchange.
    pub stream_buffer: usize,
    /// Bytes of an unread body that are read and dropped so that the connection can be kept.
    pub drain_max: u64,
    /// Bytes read and dropped at most during a lingering close.
    pub linger_max: u64,
    /// Bytes of all fields of a guest's answer together; past it 500.
    pub response_head_max: usize,
    /// Field lines of a guest's answer; past it 500.
    pub response_fields_max: usize,
    /// When a client that got 503 may come back, in whole seconds, at least one.
    pub retry_after: Duration,
}

/// `[timeouts]`. None is zero but `farewell`.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeouts {
    /// From a request's first byte to the end of its head; past it 408.
    pub head: Duration,
    /// Without a byte of the body arriving; past it 408.
    pub body: Duration,
    /// From a response's last byte to the next request's first; then the connection is closed.
    pub keep_alive: Duration,
    /// Without the client taking a byte of the response; then the connection is closed.
    pub write: Duration,
    /// A lingering close as a whole.
    pub linger: Duration,
    /// A lingering close without a byte arriving. At most `linger`.
    pub linger_idle: Duration,
    /// From the signal to stop until connections still open are closed.
    pub shutdown: Duration,
    /// A connection that has waited for its request for less than this is not idle yet: at a
    /// shutdown it may still send it. Shorter than `shutdown`.
    pub idle_grace: Duration,
    /// From the moment when a client ended its side while its guest runs until it is asked
    /// whether it is still there.
    pub hang_up: Duration,
    /// How long a guest whose bodies are streamed runs on after its client has gone, so that it can
    /// notice and clean up; zero for not at all.
    pub farewell: Duration,
}

/// `[sandbox]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sandbox {
    /// How many instances may exist at once over all guests.
    pub instances_max: u32,
    /// How many instances of all guests may be made ahead of the requests that will use them.
    pub ready_max: u32,
    /// How long one of these is kept while nobody wants it.
    pub ready_idle: Duration,
    /// How long a guest runs before other work on its thread gets a turn.
    pub slice: Duration,
    /// Bytes of stack that one call into a guest may use.
    pub stack_max: usize,
    /// Bytes of a component's file; a larger one is not loaded.
    pub component_max: u64,
    /// Bytes of memory that instances which have ended leave for the next ones, at most.
    pub resident_max: u64,
    /// Threads for guests that overrun their slices; 0 stands for as many as there are processors.
    pub background_threads: usize,
    /// How far the thread that keeps them from starving, and those that compile, step back for all
    /// others: nice(2) from 0, not at all, to 19.
    pub background_nice: u32,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The least important level that is still written.
    pub level: tracing::Level,
    /// How a line looks.
    pub format: LogFormat,
    /// Whether each request gets an access line.
    pub access: bool,
    /// Bytes of a guest's log line; longer ones are cut.
    pub guest_line_max: usize,
    /// Log lines a guest may write per request; the rest is counted instead.
    pub guest_lines_max: u32,
    /// How many lines may wait to be written; more are dropped, for a slow reader of the log must
    /// not hold up requests. Each thread that serves may have 32 of the access log besides.
    pub queue_max: usize,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// `[guests.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// The name in the section's title: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Where the component comes from.
    pub component: Component,
    /// Whether an instance serves more than one request.
    pub instances: Instances,
    /// How many fresh instances may be made ahead of requests.
    pub ready_max: u32,
    /// What is made cheap for it.
    pub optimize: Optimize,
    /// Bytes of linear memory an instance may have, at most 4 GiB.
    pub memory_max: u64,
    /// Bytes of an answer's body; past it 500.
    pub response_max: u64,
    /// Resources, such as streams and fields, that the host holds for one instance.
    pub resources_max: usize,
    /// From the request's first byte to the last byte of the guest's answer; past it 504.
    pub deadline: Duration,
    /// How many requests the guest may serve at once; more wait.
    pub concurrency_max: u32,
    /// How many requests may wait until the guest can serve them; past it 503. 0: none waits.
    pub queue_max: u32,
    /// How long a request may wait so; past it 503.
    pub queue_time: Duration,
    /// The target, path and perhaps query, that a new generation must answer with 2xx or 3xx
    /// before it serves; none is asked when absent.
    pub probe: Option<String>,
    /// When a new generation gives way to the one before it; never when absent.
    pub rollback: Option<Rollback>,
    /// When a guest that keeps failing is left alone for a while; never when absent.
    pub breaker: Option<Breaker>,
    /// The environment the guest sees; it gets nothing of the host's own.
    pub env: BTreeMap<String, String>,
    /// What else it may reach outside its memory.
    pub capabilities: Capabilities,
}

/// Where a guest's component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// A file. Relative paths of the configuration are resolved against its own directory.
    File(PathBuf),
    /// The page that is built into the host, for when there is no configuration yet.
    Welcome,
}

/// What is made cheap for a guest, at the other's expense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimize {
    /// A fresh instance.
    Latency,
    /// Running code.
    Compute,
}

/// Whether an instance serves more than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// Each request gets an instance that nobody used before.
    Fresh,
    /// An instance serves several requests, which can see what earlier ones left behind.
    Reuse {
        /// How many requests an instance serves before it is dropped; at least 1.
        uses: u32,
        /// How many of them at the same time, in lanes that can; at least 1.
        concurrent: u32,
        /// How long it is kept while nobody uses it.
        idle: Duration,
    },
}

/// `[[routes]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Which paths it takes.
    pub path: Pattern,
    /// Which methods it takes, none twice; all of them when absent. `GET` stands for `HEAD` too.
    pub methods: Option<Vec<String>>,
    /// Which host it answers for, in lower case, perhaps starting with `*.`; any when absent.
    pub host: Option<String>,
    /// The names of the guests in front of that one, each once, the first to get the request
    /// first.
    pub middleware: Vec<String>,
    /// The name of the guest that answers, or is last to.
    pub guest: String,
    /// Bytes of a request body; the route's own or else `limits.body_max`.
    pub body_max: u64,
    /// The line of the file where the route starts, counted from 1; 0 for a route of no file.
    pub line: usize,
}

impl Config {
    /// Reads a configuration file and checks that the files and directories it names are there.
    ///
    /// # Errors
    /// Every problem found, each with its line, or the reason why the file cannot be read.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::unreadable(path, &e))?;
        read(&Report::new(&text, path), Found::ON_DISK)
    }

    /// Checks the text of a configuration file without a look at the files it names.
    /// Messages name the file `origin`, and relative paths are resolved against its directory.
    ///
    /// # Errors
    /// Every problem found, each with its line.
    pub fn parse(text: &str, origin: &Path) -> Result<Config, ConfigError> {
        read(&Report::new(text, origin), Found::UNSEEN)
    }

    /// Reads where a running host is asked, and nothing else: a file with mistakes elsewhere must
    /// not keep anybody from asking the host that serves on in spite of them.
    ///
    /// # Errors
    /// What is wrong with the file, if it keeps the socket from being found.
    pub fn load_control(path: &Path) -> Result<Control, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::unreadable(path, &e))?;
        let report = Report::new(&text, path);
        let document = report.recovered();
        let control = upkeep::control(Section::root(&report, &document).section("control"));
        if control.socket.is_some() {
            return Ok(control);
        }
        Config::load(path).map(|config| config.control)
    }

    /// What a server without a configuration file runs with: all defaults, and the built-in
    /// welcome page on `/`.
    pub fn welcome() -> Config {
        let guest = Guest::new("welcome", Component::Welcome);
        let limits = Limits::default();
        let route = Route {
            path: Pattern::root(),
            methods: Some(vec!["GET".to_owned()]),
            host: None,
            middleware: Vec::new(),
            guest: guest.name.clone(),
            body_max: limits.body_max,
            line: 0,
        };
        Config {
            limits,
            guests: BTreeMap::from([(guest.name.clone(), guest)]),
            routes: vec![route],
            ..Config::default()
        }
    }
}

/// Reads every section, then decides: a configuration, or all the problems met on the way.
fn read(report: &Report<'_>, found: Found) -> Result<Config, ConfigError> {
    let document = report.document()?;
    let mut root = Section::root(report, &document);
    let limits = sections::limits(root.section("limits"));
    let guests = guests::read(&root.section("guests"), found);
    let sandbox = sections::sandbox(root.section("sandbox"));
    let routes = routes::read(root.sections("routes"), &guests, &limits, &sandbox);
    let config = Config {
        server: sections::server(root.section("server")),
        timeouts: sections::timeouts(root.section("timeouts")),
        sandbox,
        cache: upkeep::cache(root.section("cache")),
        reload: upkeep::reload(root.section("reload")),
        control: upkeep::control(root.section("control")),
        log: sections::log(root.section("log")),
        outbound: services::outbound(root.section("outbound"), &found.file),
        keyvalue: services::keyvalue(root.section("keyvalue")),
        limits,
        guests,
        routes,
    };
    root.finish();
    report.finish(config)
}

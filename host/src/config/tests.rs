//! What a configuration may say, and what it means then.

use super::*;

/// A guest and a route, for tests about other things.
pub(super) const SERVED: &str = "
[guests.echo]
component = 'echo.wasm'
[[routes]]
path = '/echo'
guest = 'echo'
";

pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("config.toml"))
}

pub(super) fn valid(text: &str) -> Config {
    parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

#[test]
fn an_empty_file_is_all_defaults() {
    assert_eq!(valid(""), Config::default());
    let config = Config::default();
    let listen = Listen::Tcp("127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.server.listen, [listen]);
    assert_eq!(config.limits.head_max, 65_536);
    assert_eq!(config.timeouts.keep_alive, Duration::from_secs(75));
    assert!(config.guests.is_empty() && config.routes.is_empty());
}

#[test]
fn values_of_every_type_are_read() {
    let config = valid(&format!(
        "[server]\nlisten = ['[::1]:0', '127.0.0.1:0', '127.0.0.1:0']\nmax_connections = 5\n\
         threads = 1\npin_threads = false\n\
         [limits]\nhead_max = 4096\nbody_max = '1kB'\nretry_after = '2m'\n\
         [timeouts]\nhead = '250ms'\nshutdown = '1h'\n\
         [sandbox]\nslice = '5ms'\nstack_max = '1MiB'\ncomponent_max = '1MiB'\n\
         background_threads = 3\nbackground_nice = 0\n\
         [log]\nlevel = 'debug'\nformat = 'json'\naccess = false\n{SERVED}"
    ));
    assert_eq!(config.server.listen.len(), 3);
    assert_eq!(config.server.max_connections, 5);
    assert_eq!(
        (config.server.threads, config.server.pin_threads),
        (1, false)
    );
    assert_eq!(
        (config.limits.head_max, config.limits.body_max),
        (4096, 1000)
    );
    assert_eq!(config.timeouts.head, Duration::from_millis(250));
    assert_eq!(config.timeouts.shutdown, Duration::from_secs(3600));
    assert_eq!(config.sandbox.slice, Duration::from_millis(5));
    assert_eq!(config.sandbox.stack_max, 1 << 20);
    assert_eq!(config.sandbox.component_max, 1 << 20);
    assert_eq!(
        (
            config.sandbox.background_threads,
            config.sandbox.background_nice
        ),
        (3, 0)
    );
    assert_eq!(config.limits.retry_after, Duration::from_secs(120));
    assert_eq!(config.log.level, tracing::Level::DEBUG);
    assert_eq!(
        (config.log.format, config.log.access),
        (LogFormat::Json, false)
    );
    assert_eq!(
        config.routes[0].body_max, 1000,
        "a route takes over limits.body_max"
    );
    assert_eq!(config.routes[0].line, 26);
}

#[test]
fn guests_are_read_whole() {
    let text = "
[guests.a-1]
component = 'x/a.wasm'
instances = { reuse = 128, concurrent = 16, idle = '2s' }
optimize = 'compute'
memory_max = '4GiB'
response_max = '1MiB'
deadline = '2s'
concurrency_max = 7
env = { GREETING = 'hello', EMPTY = '' }
[guests.b]
component = '/abs/b.wasm'
instances = { reuse = 3 }
";
    let config = Config::parse(text, Path::new("/etc/httpd/config.toml")).unwrap();
    let a = &config.guests["a-1"];
    assert_eq!(a.name, "a-1");
    assert_eq!(a.component, Component::File("/etc/httpd/x/a.wasm".into()));
    assert_eq!(
        a.instances,
        Instances::Reuse {
            uses: 128,
            concurrent: 16,
            idle: Duration::from_secs(2),
        }
    );
    assert_eq!(
        (a.memory_max, a.response_max, a.concurrency_max),
        (4 << 30, 1 << 20, 7)
    );
    assert_eq!(a.deadline, Duration::from_secs(2));
    assert_eq!(a.env["GREETING"], "hello");
    assert_eq!(a.env["EMPTY"], "");
    assert_eq!(a.optimize, Optimize::Compute);
    let b = &config.guests["b"];
    assert_eq!(b.optimize, Optimize::Latency);
    assert_eq!(b.component, Component::File("/abs/b.wasm".into()));
    assert_eq!(
        b.instances,
        Instances::Reuse {
            uses: 3,
            concurrent: 1,
            idle: Duration::from_secs(10),
        }
    );
}

#[test]
fn routes_are_read_whole() {
    let config = valid(
        "
[guests.echo]
component = 'echo.wasm'
[[routes]]
path = '/a b/%7ex/{id}/{*rest}'
methods = ['GET', 'get', 'PROP-FIND']
host = 'API.Example.com.'
guest = 'echo'
body_max = '1GiB'
",
    );
    let route = &config.routes[0];
    assert_eq!(route.path.as_str(), "/a%20b/~x/{id}/{*rest}");
    assert_eq!(
        route.methods.as_deref().unwrap(),
        ["GET", "get", "PROP-FIND"]
    );
    assert_eq!(route.host.as_deref(), Some("api.example.com"));
    assert_eq!((route.body_max, route.line), (1 << 30, 4));
}

#[test]
fn the_default_of_linger_idle_gives_way_to_a_short_linger() {
    let timeouts = valid("[timeouts]\nlinger = '2s'").timeouts;
    assert_eq!(timeouts.linger_idle, Duration::from_secs(2));
}

#[test]
fn the_grace_of_idle_connections_is_shorter_than_a_shutdown() {
    let timeouts = valid("[timeouts]\nshutdown = '100ms'").timeouts;
    assert_eq!(timeouts.idle_grace, Duration::from_millis(50));
    let text = "[timeouts]\nshutdown = '1s'\nidle_grace = '1s'";
    let error = parse(text).unwrap_err().to_string();
    assert!(
        error.starts_with("config.toml:3: timeouts.idle_grace:"),
        "{error}"
    );
}

#[test]
fn loading_checks_that_components_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, format!("{SERVED}[guests.d]\ncomponent = '.'\n")).unwrap();
    let error = Config::load(&file).unwrap_err().to_string();
    let expected = format!("{}:3: guests.echo.component:", file.display());
    assert!(
        error.starts_with(&expected) && error.contains("echo.wasm: No such file"),
        "{error}"
    );
    assert!(
        error.contains(":8: guests.d.component:") && error.contains("regular file"),
        "{error}"
    );

    std::fs::write(directory.path().join("echo.wasm"), "").unwrap();
    std::fs::write(&file, SERVED).unwrap();
    let config = Config::load(&file).unwrap();
    let component = Component::File(directory.path().join("echo.wasm"));
    assert_eq!(config.guests["echo"].component, component);
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("none.toml");
    let error = Config::load(&file).unwrap_err();
    assert_eq!(
        (error.problems().len(), error.problems()[0].line),
        (1, None)
    );
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}: cannot be read: ", file.display()))
    );
}

//! What the program says to the person who started it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use httpd_host::config::{Component, Config, Instances, Listen, ShowDuration, ShowSize};
use httpd_host::server::Server;

/// Prints to standard output. A reader that has gone is no failure.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

/// Prints to standard error.
pub(crate) fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Where the server listens, and what is behind it.
pub(crate) fn start(config: &Config, server: &Server) -> String {
    let mut text = String::new();
    for place in server.places() {
        let _ = writeln!(text, "listening on {}", link(&place));
    }
    let _ = writeln!(text, "room for {} connections", server.connections_max());
    text + &table(config)
}

/// Where the server listens, in one line.
pub(crate) fn status(server: &Server) -> String {
    let places: Vec<_> = server.places().iter().map(link).collect();
    format!("serving on {}", places.join(", "))
}

fn link(place: &Listen) -> String {
    match place {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(_) => place.to_string(),
    }
}

/// Routes and guests, a line each.
pub(crate) fn table(config: &Config) -> String {
    let mut text = String::from("routes\n");
    for route in &config.routes {
        let methods = route
            .methods
            .as_ref()
            .map_or("any method".to_owned(), |m| m.join(","));
        let host = route.host.as_deref().unwrap_or("any host");
        let path = route.path.as_str();
        let body = ShowSize(route.body_max);
        let in_front = route.middleware.iter().map(|name| format!("{name} -> "));
        let in_front: String = in_front.collect();
        let _ = writeln!(
            text,
            "  {path:<24} {methods:<12} {host:<16} -> {in_front}{}  (body up to {body})",
            route.guest
        );
    }
    text.push_str("guests\n");
    for guest in config.guests.values() {
        let component = match &guest.component {
            Component::File(path) => path.display().to_string(),
            Component::Welcome => "built in".to_owned(),
        };
        let instances = match guest.instances {
            Instances::Fresh => "a fresh instance for each request".to_owned(),
            Instances::Reuse {
                uses, concurrent, ..
            } => format!("an instance for {uses} requests, {concurrent} at a time"),
        };
        let _ = writeln!(
            text,
            "  {:<16} {component}: {instances}, {} at once, memory {}, deadline {}",
            guest.name,
            guest.concurrency_max,
            ShowSize(guest.memory_max),
            ShowDuration(guest.deadline),
        );
    }
    text
}

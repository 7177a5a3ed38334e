//! Checks that arrows point one way: who may mention whom, as ARCHITECTURE.md says it.

use super::Problem;
use super::source::{Mention, mentions};

/// What the files under a folder may not mention, and why.
struct Layer {
    /// A path begins with this: a folder with its slash, or a file or folder of that name.
    under: &'static str,
    forbidden: &'static [&'static str],
    why: &'static str,
}

const LAYERS: [Layer; 11] = [
    Layer {
        under: "host/src/server",
        forbidden: &["wasmtime", "guest"],
        why: "socket code never sees WebAssembly",
    },
    Layer {
        under: "host/src/guest",
        forbidden: &["server", "tokio::net", "std::net", "httpd_http1"],
        why: "guest code never sees a socket",
    },
    Layer {
        under: "host/src/outbound",
        forbidden: &[
            "wasmtime",
            "wasmtime_wasi",
            "wasmtime_wasi_http",
            "server",
            "dispatch",
            "registry",
            "httpd_http1",
        ],
        why: "whom guests reach is decided without knowing what they are made of",
    },
    Layer {
        under: "host/src/keyvalue",
        forbidden: &[
            "wasmtime",
            "guest",
            "server",
            "dispatch",
            "registry",
            "tokio::net",
            "std::net",
        ],
        why: "a store knows buckets, and not who opens them",
    },
    Layer {
        under: "host/src/control",
        forbidden: &[
            "wasmtime",
            "guest",
            "server",
            "dispatch",
            "registry",
            "httpd_http1",
        ],
        why: "the control socket carries answers that others make",
    },
    Layer {
        under: "host/src/registry",
        forbidden: &["wasmtime", "server", "reload", "dispatch", "tokio::net"],
        why: "the registry knows guests, and not who calls them",
    },
    Layer {
        under: "host/src/new",
        forbidden: &["wasmtime", "httpd_host", "tokio", "std::net"],
        why: "a project is only files",
    },
    Layer {
        under: "host/src/files",
        forbidden: &["wasmtime", "guest", "server", "registry", "tokio"],
        why: "a file is only bytes",
    },
    Layer {
        under: "host/src/router",
        forbidden: &["tokio", "wasmtime"],
        why: "routing is a pure function",
    },
    Layer {
        under: "host/src/config",
        forbidden: &["tokio", "wasmtime"],
        why: "the configuration is only data",
    },
    Layer {
        under: "host/http1/src/",
        forbidden: &[
            "std::net",
            "std::io",
            "std::time::Instant",
            "std::time::SystemTime",
        ],
        why: "the protocol sees bytes only: no sockets, no clock (addresses are in core::net)",
    },
];

pub(super) fn check(path: &str, text: &str, file: &syn::File) -> Vec<Problem> {
    let mut problems = Vec::new();
    for layer in LAYERS.iter().filter(|layer| is_under(path, layer.under)) {
        for mention in mentions(file, text) {
            if let Some(named) = layer.forbidden.iter().find(|path| leads_to(&mention, path)) {
                let what = format!("mentions {named}, but {}", layer.why);
                problems.push(Problem::new(path, mention.line, what));
            }
        }
    }
    problems.dedup();
    problems
}

/// `host/src/guest` holds for `host/src/guest.rs` and all in `host/src/guest/`, and not for
/// `host/src/guests.rs`.
fn is_under(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| folder.ends_with('/') || rest.starts_with(['/', '.']))
}

/// Whether a mention is of `forbidden` or something in it, from the crate's root or from nearby.
fn leads_to(mention: &Mention, forbidden: &str) -> bool {
    let here = |segment: &&String| matches!(segment.as_str(), "crate" | "self" | "super");
    let mut segments = mention.segments.iter().skip_while(here);
    forbidden
        .split("::")
        .all(|wanted| segments.next().is_some_and(|segment| segment == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        let file = syn::parse_file(text).unwrap();
        check(path, text, &file)
            .into_iter()
            .map(|problem| problem.line)
            .collect()
    }

    #[test]
    fn each_layer_refuses_what_is_not_its_own() {
        let cases = [
            ("host/src/server/driver.rs", "use wasmtime::Store;"),
            (
                "host/src/server/driver.rs",
                "use crate::{dispatch, guest::Lane};",
            ),
            (
                "host/src/server/driver.rs",
                "fn f() { crate::guest::call() }",
            ),
            ("host/src/server.rs", "use super::guest;"),
            ("host/src/guest/store.rs", "use tokio::{net, sync};"),
            (
                "host/src/guest/store.rs",
                "fn f(c: crate::server::Connection) {}",
            ),
            ("host/src/guest/mod.rs", "use httpd_http1::Head;"),
            (
                "host/src/control/server.rs",
                "use crate::dispatch::Dispatch;",
            ),
            (
                "host/src/outbound/client.rs",
                "use wasmtime_wasi_http::Error;",
            ),
            ("host/src/keyvalue/mod.rs", "use crate::guest::Guest;"),
            ("host/src/router.rs", "fn f() { tokio::spawn(x) }"),
            ("host/src/config/limits.rs", "use wasmtime::*;"),
            ("host/http1/src/head.rs", "use std::io;"),
            ("host/http1/src/head.rs", "use std::{fmt, io::Read};"),
            (
                "host/http1/src/head.rs",
                "fn f() { g!(std::time::Instant::now()) }",
            ),
        ];
        for (path, text) in cases {
            assert!(!found(path, text).is_empty(), "{path}: {text}");
        }
    }

    #[test]
    fn everything_else_is_allowed() {
        let cases = [
            ("host/src/dispatch.rs", "use crate::{guest, router};"),
            (
                "host/src/server/driver.rs",
                "fn f(guest: u8) -> u8 { guest }",
            ),
            (
                "host/src/server/driver.rs",
                "use httpd_http1::Connection; use tokio::net;",
            ),
            (
                "host/src/guest/store.rs",
                "use tokio::sync; // never tokio::net::TcpStream",
            ),
            (
                "host/src/outbound/client.rs",
                "use crate::guest::Outbound; use tokio::net::TcpStream;",
            ),
            ("host/src/router.rs", "use std::net::IpAddr;"),
            ("host/src/routers.rs", "use tokio::net;"),
            ("host/http1/src/head.rs", "use std::time::Duration;"),
            ("host/http1/tests/main.rs", "use std::io;"),
        ];
        for (path, text) in cases {
            assert_eq!(found(path, text), Vec::<usize>::new(), "{path}: {text}");
        }
    }
}

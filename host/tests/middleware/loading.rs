//! Guests that routes use for what they are not, at the start and on the way in while others serve.

use std::fs;

use httpd_host::config::Config;
use httpd_host::dispatch::Dispatch;

use super::{chained, sections};
use crate::support::*;

/// What is wrong with these sections, once their guests are looked at.
fn errors(sections: &str) -> Vec<String> {
    let config = Config::parse(sections, &root().join("test.toml"));
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let errors = Dispatch::load(&config).expect_err("all of it loads");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_guest_has_to_be_what_its_route_takes_it_for() {
    let text = sections(&[
        ("/lean", "[\"echo\"]", "tells"),
        ("/streams", "[\"a\", \"tells\"]", "streaming-echo"),
        ("/last", "[\"a\"]", "b"),
    ]);
    let errors = errors(&text);
    assert_eq!(errors.len(), 3, "{errors:?}");
    let lean = "routes: /lean: guest `echo` is named in `middleware`, exports `handle` of \
                httpd:guest and imports no wasi:http/handler@0.3, so nothing behind it would be \
                called";
    assert_eq!(errors[0], lean);
    assert!(
        errors[1].starts_with("routes: /streams: guest `tells` is named"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("exports wasi:http/handler@0.3 and"),
        "{errors:?}"
    );
    assert!(
        errors[2].starts_with("routes: /last: guest `b` imports"),
        "{errors:?}"
    );
}

#[test]
fn a_lean_guest_may_not_import_a_handler() {
    let folder = tempfile::tempdir().unwrap();
    let core = "(func (export \"handle\") (param i32) (result i32) (unreachable))";
    let import = "(import \"wasi:http/handler@0.3.0\" (instance (export \"handle\" (func))))";
    let text = component_of(core).replacen("(component", &format!("(component {import}"), 1);
    let path = folder.path().join("half.wasm");
    fs::write(&path, text).unwrap();
    let errors = errors(&format!("guests.half.component = {path:?}"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("it imports wasi:http/handler, and exports"),
        "{errors:?}"
    );
}

/// A middleware `live` in front of tells.
fn live() -> Live {
    let folder = Live::folder("", "");
    let text = Live::config("env = { name = \"one\" }", "");
    let text = text.replace(
        "guest = \"live\"",
        "guest = \"tells\"\nmiddleware = [\"live\"]",
    );
    let tells = guest("tells", "faults/tells", "");
    let tells = tells.replace("guests/dist", root().join("guests/dist").to_str().unwrap());
    fs::write(folder.path().join("config.toml"), text + &tells).unwrap();
    fs::write(folder.path().join("live.wasm"), component("faults/link")).unwrap();
    Live::start_in(folder)
}

#[test]
fn a_middleware_is_swapped_while_it_serves() {
    let live = live();
    let mut client = live.0.connect();
    let response = client.request(get("/live")).expect(200);
    assert_eq!(response.field("x-links"), Some("one"));
    live.put(component("compress"));
    let line = live.reload_until("guest `live` is swapped");
    assert!(line.contains("generation 2"), "{line}");
    let request = head("GET", "/live", "accept-encoding: gzip\r\n");
    let response = client.request(request).expect(200);
    assert_eq!(response.field("x-links"), None);
    assert_eq!(response.field("vary"), Some("accept-encoding"));
}

#[test]
fn what_does_not_fit_its_use_leaves_the_old_one_serving() {
    let live = live();
    for (name, why) in [
        (
            "hello",
            "exports `handle` of httpd:guest and imports no wasi:http/handler@0.3",
        ),
        (
            "faults/tells",
            "exports wasi:http/handler@0.3 and imports no wasi:http/handler@0.3",
        ),
    ] {
        live.put(component(name));
        let line = live.reload_until("serves on");
        assert!(line.contains(why) && line.contains("/live"), "{line}");
        let response = live.0.request(get("/live")).expect(200);
        assert_eq!(response.field("x-links"), Some("one"));
    }
    // A guest of a route that becomes a middleware is none any more.
    let text = Live::config("env = { name = \"one\" }", "");
    live.put(component("faults/link"));
    live.configure(&text);
    live.reload_until("is not taken");
    let why = "routes: /live: guest `live` imports wasi:http/handler";
    live.0.log.wait_for(why, |line| line.contains(why));
    assert_eq!(
        live.0.request(get("/live")).expect(200).field("x-links"),
        Some("one")
    );
}

#[test]
fn a_probe_finds_a_handler_behind_a_middleware() {
    let keys = "env = { name = \"a\" }\nprobe = \"/\"";
    let text = guest("a", "faults/link", keys) + &guest("tells", "faults/tells", "");
    let server = TestServer::start(&(text + &chained("/", "[\"a\"]", "tells")));
    server.request(get("/")).expect(200);
}

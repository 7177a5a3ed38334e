//! `httpd-host status` and `httpd-host reload` as a person or a deploy script meets them. The host
//! that is asked is one that answers by rote.

use std::fs;
use std::sync::Arc;

use httpd_host::config;
use httpd_host::control::{Control, GuestStatus, ReloadOutcome, Source, Status};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::*;

const CONFIG: &str = "[control]\nsocket = \"it.sock\"\n";

struct Rote {
    reloads: bool,
}

impl Source for Rote {
    fn status(&self) -> Status {
        let guest = GuestStatus {
            name: "hello".to_owned(),
            generation: 7,
            ..GuestStatus::default()
        };
        Status {
            guests: vec![guest],
            ..Status::default()
        }
    }

    async fn reload(&self) -> ReloadOutcome {
        let what = vec!["hello: the file is empty".to_owned()];
        let (changes, errors) = if self.reloads {
            (what, Vec::new())
        } else {
            (Vec::new(), what)
        };
        ReloadOutcome {
            ok: self.reloads,
            changes,
            errors,
            needs_restart: Vec::new(),
        }
    }
}

/// A host whose configuration has this text, until the runtime is dropped.
fn host(text: &str, reloads: bool) -> (TempDir, Runtime) {
    let folder = folder_with("some.toml", text);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let control = {
        let _entered = runtime.enter();
        let path = folder.path().join("it.sock");
        Control::bind(&path, &config::Control::default()).unwrap()
    };
    runtime.spawn(control.serve(Arc::new(Rote { reloads }), std::future::pending()));
    (folder, runtime)
}

fn ask(folder: &TempDir, arguments: &[&str]) -> Finished {
    let config = ["--config", "some.toml"];
    run_in(folder.path(), &[arguments, &config].concat())
}

#[test]
fn the_status_is_a_table_or_json() {
    let (folder, _runtime) = host(CONFIG, true);
    let table = ask(&folder, &["status"]);
    assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
    let row = |line: &str| line.starts_with("hello  serving           7");
    assert!(table.out.lines().any(row), "{}", table.out);
    let json = ask(&folder, &["status", "--json"]);
    assert_eq!(json.code, Some(0));
    let status: Status = serde_json::from_str(&json.out).unwrap();
    assert_eq!(status, Rote { reloads: true }.status());
}

#[test]
fn a_reload_that_went_well_is_told_and_succeeds() {
    let (folder, _runtime) = host(CONFIG, true);
    let text = ask(&folder, &["reload"]);
    assert_eq!(text.code, Some(0));
    assert_eq!(text.out, "changed: hello: the file is empty\nreloaded");
    let json = ask(&folder, &["--json", "reload"]);
    assert_eq!(json.code, Some(0));
    assert!(serde_json::from_str::<ReloadOutcome>(&json.out).unwrap().ok);
}

#[test]
fn a_reload_that_failed_is_told_and_fails() {
    let (folder, _runtime) = host(CONFIG, false);
    for arguments in [&["reload"][..], &["reload", "--json"]] {
        let finished = ask(&folder, arguments);
        assert_eq!(finished.code, Some(1), "{arguments:?}");
        assert!(
            finished.out.contains("hello: the file is empty"),
            "{}",
            finished.out
        );
    }
}

#[test]
fn a_broken_configuration_keeps_nobody_from_asking() {
    let broken = format!("{CONFIG}[limits]\nhaed_max = 1\n[[[");
    let (folder, _runtime) = host(&broken, true);
    assert_eq!(ask(&folder, &["status"]).code, Some(0));
    assert_eq!(ask(&folder, &["check"]).code, Some(2));
}

#[test]
fn why_nobody_can_be_asked() {
    let folder = folder_with("some.toml", CONFIG);
    let nobody = ask(&folder, &["status"]);
    assert_eq!(nobody.code, Some(1));
    for word in ["it.sock", "is it running"] {
        assert!(nobody.err.contains(word), "no {word} in {}", nobody.err);
    }
    for (text, named) in [
        ("", "control.socket"),
        ("[control]\nsocket = 1\n", "some.toml:2: control.socket"),
        (
            "[limits]\nbody_max = 'much'\n",
            "some.toml:2: limits.body_max",
        ),
    ] {
        fs::write(folder.path().join("some.toml"), text).unwrap();
        let finished = ask(&folder, &["reload"]);
        assert_eq!(finished.code, Some(2), "{}", finished.err);
        assert!(finished.err.contains(named), "{}", finished.err);
    }
}

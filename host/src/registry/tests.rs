//! Guests on their way in: probes, and many at once with and without kept code.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::loading;
use super::newcomer::Newcomer;
use crate::guest::{
    CacheSettings, Grants, Guest, GuestSettings, Instances, LoadError, Optimize, Priority, Reach,
    Sandbox, SandboxSettings,
};
use crate::registry::RegistryError;

const PATIENCE: Duration = Duration::from_secs(20);
/// The address of a response record: a status, no fields, and where the body is.
const RECORD: &str = "(i32.const 1024)";

fn sandbox(cache: Option<&Path>) -> Arc<Sandbox> {
    let settings = SandboxSettings {
        instances_max: 4,
        ready_max: 4,
        ready_idle: PATIENCE,
        slice: Duration::from_millis(1),
        stack_max: 256 << 10,
        memory_max: 1 << 20,
        resident_max: 1 << 30,
        guests: 1,
        guest_line_max: 100,
        guest_lines_max: 10,
        background_threads: 2,
        background_nice: 10,
        cache: cache.map(|directory| CacheSettings {
            directory: directory.to_owned(),
            size_max: 1 << 30,
        }),
    };
    Sandbox::new(&settings).unwrap()
}

/// A component with this body of `handle`. At [`RECORD`] is a response without fields whose body is
/// `data`; its status is still to be set.
fn component(data: &str, handle: &str) -> String {
    let length = data.len();
    let mut record = String::new();
    for word in [0_u32, 0, 0, 2048, u32::try_from(length).unwrap()] {
        for byte in word.to_le_bytes() {
            write!(record, "\\{byte:02x}").unwrap();
        }
    }
    let core = format!(
        "(data (i32.const 1024) \"{record}\") (data (i32.const 2048) \"{data}\")
         (func (export \"handle\") (param $request i32) (result i32) {handle})"
    );
    include_str!("../guest/tests/guest.wat").replace(";; CORE\n", &core)
}

fn answering(status: u16, body: &str) -> String {
    let set = format!("(i32.store16 {RECORD} (i32.const {status})) {RECORD}");
    component(body, &set)
}

fn newcomer(probe: Option<&str>) -> Newcomer<'_> {
    Newcomer {
        name: "new",
        origin: "new.wasm".to_owned(),
        settings: GuestSettings {
            memory_max: 1 << 20,
            response_max: 1 << 16,
            response_head_max: 1000,
            response_fields_max: 10,
            ready_max: 0,
            resources_max: 100,
            instances: Instances::Fresh,
            optimize: Optimize::default(),
            grants: Grants::default(),
        },
        reach: Reach::default(),
        probe,
        deadline: PATIENCE,
    }
}

fn load(newcomer: Newcomer<'_>, text: &str, priority: Priority) -> Result<Guest, RegistryError> {
    newcomer.load(&sandbox(None), text.as_bytes(), priority)
}

fn refusal(text: &str) -> String {
    let error = load(newcomer(Some("/health?deep=1")), text, Priority::Background).unwrap_err();
    assert!(matches!(error, RegistryError::Probe { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn a_probe_passes_with_success_and_redirection() {
    for status in [200, 204, 302, 399] {
        for priority in [Priority::Start, Priority::Background] {
            let guest = load(newcomer(Some("/")), &answering(status, ""), priority).unwrap();
            assert_eq!((guest.name(), guest.running()), ("new", 0));
        }
    }
}

#[test]
fn a_guest_that_fails_its_probe_is_refused_with_what_it_answered() {
    let message = refusal(&answering(503, "no database"));
    for part in [
        "`new`",
        "new.wasm",
        "GET /health?deep=1",
        "503",
        "no database",
    ] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    let message = refusal(&component("", "unreachable"));
    assert!(message.contains("trapped"), "{message}");
}

#[test]
fn a_guest_that_never_answers_its_probe_is_refused_in_time() {
    let spins = component("", "(loop $again (br $again)) unreachable");
    let newcomer = Newcomer {
        deadline: Duration::from_millis(50),
        ..newcomer(Some("/"))
    };
    let start = Instant::now();
    let message = load(newcomer, &spins, Priority::Background)
        .unwrap_err()
        .to_string();
    assert!(message.contains("deadline"), "{message}");
    assert!(start.elapsed() < PATIENCE);
}

/// This guest answers 200 only for a path of 7 bytes and a query of 6, else 450.
#[test]
fn a_probes_path_and_query_reach_the_guest_apart() {
    let is_not = |offset: u32, length: u32| {
        format!("(i32.ne (i32.load offset={offset} (local.get $request)) (i32.const {length}))")
    };
    let status = format!(
        "(i32.add (i32.const 200) (i32.mul (i32.const 250) (i32.or {} {})))",
        is_not(48, 7),
        is_not(60, 6),
    );
    let text = component("", &format!("(i32.store16 {RECORD} {status}) {RECORD}"));
    assert!(load(newcomer(Some("/health?deep=1")), &text, Priority::Start).is_ok());
    assert!(load(newcomer(Some("/health")), &text, Priority::Start).is_err());
}

#[test]
fn without_a_probe_nothing_is_asked() {
    let text = component("", "unreachable");
    assert!(load(newcomer(None), &text, Priority::Start).is_ok());
}

#[test]
fn what_is_no_component_is_named_with_its_file() {
    let error = load(newcomer(None), "", Priority::Start).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("guest `new`: new.wasm: {}", LoadError::Empty)
    );
}

/// The files of kept code, with the time when each was written.
fn kept(directory: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(kept(&path));
        } else if path.extension().is_none() {
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            files.push((path, written));
        }
    }
    files.sort();
    files
}

/// Whatever is compiled is written to the cache.
#[test]
fn a_second_start_with_a_hundred_guests_compiles_none() {
    let root = tempfile::tempdir().unwrap();
    let texts: Vec<_> = (0..100)
        .map(|n| answering(200 + n, "one of many"))
        .collect();
    let start = || {
        let sandbox = sandbox(Some(root.path()));
        let began = Instant::now();
        let guests = loading::each("compiling guests", &texts, |text| {
            newcomer(Some("/")).load(&sandbox, text.as_bytes(), Priority::Start)
        });
        assert!(guests.iter().all(Result::is_ok));
        (kept(root.path()), began.elapsed())
    };
    let ((first, cold), (second, warm)) = (start(), start());
    println!("100 guests in {cold:?}, with kept code in {warm:?}");
    assert_eq!(first.len(), texts.len());
    assert!(first == second);
}

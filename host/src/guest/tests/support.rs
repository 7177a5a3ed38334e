//! Makes guests out of a few lines of core WebAssembly, and calls them. No assertions here.

use crate::guest::{
    CallError, FieldRef, Grants, Guest, GuestSettings, Instances, Optimize, Priority, Reach,
    Request, Response, Run, Sandbox, SandboxSettings, Usage,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Far longer than any call here should take, on the slowest machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const MEMORY_MAX: u64 = 8 << 20;
pub(super) const RESPONSE_MAX: u64 = 100_000;
pub(super) const LINE_MAX: usize = 20;
pub(super) const LINES_MAX: u32 = 3;
/// How far threads in the background step back.
pub(super) const NICE: i32 = 10;

/// Settings that tests vary where they must.
pub(super) const SETTINGS: GuestSettings = GuestSettings {
    memory_max: MEMORY_MAX,
    response_max: RESPONSE_MAX,
    response_head_max: 1000,
    response_fields_max: 10,
    ready_max: 2,
    resources_max: 100,
    instances: Instances::Fresh,
    optimize: Optimize::Latency,
    grants: NO_GRANTS,
};

/// Instances for so many requests, one after the other, that are kept for long.
pub(super) fn reuse(uses: u32) -> Instances {
    Instances::Reuse {
        uses,
        concurrent: 1,
        idle: PATIENCE,
    }
}

/// Nothing is granted.
pub(super) const NO_GRANTS: Grants = Grants {
    env: BTreeMap::new(),
    args: Vec::new(),
    dirs: Vec::new(),
    config: BTreeMap::new(),
    keyvalue: BTreeMap::new(),
    outbound_max: 0,
};

pub(in crate::guest) fn sandbox_settings(instances_max: u32) -> SandboxSettings {
    SandboxSettings {
        instances_max,
        ready_max: 4,
        ready_idle: PATIENCE,
        slice: Duration::from_millis(1),
        background_threads: 2,
        background_nice: NICE as u32,
        stack_max: 256 << 10,
        memory_max: MEMORY_MAX,
        resident_max: 1 << 30,
        guests: 1,
        guest_line_max: LINE_MAX,
        guest_lines_max: LINES_MAX,
        cache: None,
    }
}

pub(super) fn sandbox(instances_max: u32) -> Arc<Sandbox> {
    Sandbox::new(&sandbox_settings(instances_max)).unwrap()
}

/// A component whose core module has these fields; see guest.wat for what it can import. It can be
/// called directly.
pub(in crate::guest) fn component(core: &str) -> String {
    framed(include_str!("guest.wat"), core)
}

/// The same made of two modules, which cannot.
pub(in crate::guest) fn component_apart(core: &str) -> String {
    framed(include_str!("guest-apart.wat"), core)
}

fn framed(frame: &str, core: &str) -> String {
    assert!(frame.contains(";; CORE\n"));
    frame.replace(";; CORE\n", core)
}

/// Loads a guest made of these core fields.
pub(super) fn load(sandbox: &Arc<Sandbox>, settings: GuestSettings, core: &str) -> Guest {
    load_text(sandbox, settings, &component(core))
}

/// Loads a guest of a component's text.
pub(super) fn load_text(sandbox: &Arc<Sandbox>, settings: GuestSettings, text: &str) -> Guest {
    let (reach, bytes) = (Reach::default(), text.as_bytes());
    let loaded = sandbox.load("test", settings, reach, bytes, Priority::Start);
    loaded.unwrap()
}

/// A fresh guest with a sandbox of its own.
pub(super) fn guest(core: &str) -> Guest {
    load(&sandbox(4), SETTINGS, core)
}

/// Core fields of a guest with one constant answer, laid out from address 1024 on.
pub(super) fn answer(status: u16, fields: &[(&str, &[u8])], body: &[u8]) -> String {
    const START: usize = 1024;
    const RECORD_BYTES: usize = 20;
    const FIELD_BYTES: usize = 16;
    let mut strings = Vec::new();
    let strings_start = START + RECORD_BYTES + fields.len() * FIELD_BYTES;
    let mut place = |bytes: &[u8]| {
        let address = strings_start + strings.len();
        strings.extend_from_slice(bytes);
        [address, bytes.len()]
    };
    let list = [START + RECORD_BYTES, fields.len()];
    let mut words = vec![usize::from(status)];
    words.extend(list);
    words.extend(place(body));
    for (name, value) in fields {
        words.extend(place(name.as_bytes()));
        words.extend(place(value));
    }
    let mut memory: Vec<u8> = words
        .iter()
        .flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes())
        .collect();
    memory.extend(strings);
    let mut data = String::new();
    for byte in memory {
        write!(data, "\\{byte:02x}").unwrap();
    }
    format!(
        "(data (i32.const {START}) \"{data}\") {}",
        handle(&format!("i32.const {START}"))
    )
}

/// Core fields of a guest whose `handle` has this body. `$request` is the request's address; the
/// result is the answer's.
pub(super) fn handle(body: &str) -> String {
    format!("(func $handle (export \"handle\") (param $request i32) (result i32) {body})")
}

/// Core fields of a guest that never comes back.
pub(super) fn spin() -> String {
    handle("(loop $again (br $again)) unreachable")
}

/// Core fields of a guest that counts its calls in memory and answers the count as one byte. The
/// record at 1024 points to it.
pub(super) fn counter() -> String {
    let count = "(i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 1)))";
    let record = "(data (i32.const 1024) \"\\c8\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\
                  \\08\\00\\00\\00\\01\\00\\00\\00\")";
    format!("{record} {}", handle(&format!("{count} (i32.const 1024)")))
}

pub(super) fn request() -> Request<'static> {
    Request {
        id: "request-1",
        client: "192.0.2.1:50000",
        method: "GET",
        scheme: "http",
        authority: Some("example.com"),
        path: "/some/path",
        query: None,
        fields: &[FieldRef {
            name: "accept",
            value: b"*/*",
        }],
        captures: &[],
        body: b"",
    }
}

/// Calls with [`request`] as the host does.
pub(super) fn run(
    guest: &Arc<Guest>,
    deadline: Instant,
) -> Run<'_, (Result<Response, CallError>, Usage)> {
    run_as(guest, "GET", deadline)
}

/// The same with another method.
pub(super) fn run_as<'g>(
    guest: &'g Arc<Guest>,
    method: &'static str,
    deadline: Instant,
) -> Run<'g, (Result<Response, CallError>, Usage)> {
    let owned = Arc::clone(guest);
    let call = async move {
        let request = Request {
            method,
            ..request()
        };
        owned.call(request, deadline).await
    };
    guest.run(deadline, call)
}

/// Calls with [`request`] and a deadline far away.
pub(super) async fn call(guest: &Guest) -> Result<Response, CallError> {
    guest.call(request(), soon(PATIENCE)).await.0
}

pub(super) fn soon(duration: Duration) -> Instant {
    Instant::now() + duration
}

//! What the sandbox itself costs: one call of a small guest in each lane, with an instance of its
//! own and with one that is used again, without any socket or HTTP.
//!
//! `cargo xtask guests && cargo xtask fixtures && cargo bench -p httpd-host --bench guest`

#![allow(
    missing_docs,
    reason = "criterion's macros make an undocumented function"
)]
#![allow(
    clippy::expect_used,
    reason = "without its guest there is nothing to measure"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use httpd_host::guest::{
    FieldRef, Grants, Guest, GuestSettings, Instances, Optimize, Priority, Reach, Request, Sandbox,
    SandboxSettings, WELCOME,
};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

const REUSED: Instances = Instances::Reuse {
    uses: u32::MAX,
    concurrent: 1,
    idle: Duration::from_secs(10),
};
const DEADLINE: Duration = Duration::from_secs(5);

/// The components, by the lane whose name they are given: guests of the same answer. `welcome` is
/// the least that a guest can be, written by hand.
const GUESTS: [(&str, &str); 4] = [
    ("welcome", ""),
    ("lean", "guests/dist/hello.wasm"),
    ("wasi-0.2", "fixtures/dist/rust-proxy.wasm"),
    ("wasi-0.3", "fixtures/dist/rust-service.wasm"),
];

fn component(file: &str) -> Vec<u8> {
    if file.is_empty() {
        return WELCOME.as_bytes().to_vec();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read(path).expect("first run: cargo xtask guests && cargo xtask fixtures")
}

fn load(component: &[u8], instances: Instances) -> Guest {
    let sandbox = SandboxSettings {
        instances_max: 1000,
        ready_max: 64,
        ready_idle: Duration::from_secs(10),
        slice: Duration::from_millis(2),
        background_threads: 2,
        background_nice: 10,
        stack_max: 512 << 10,
        memory_max: 64 << 20,
        resident_max: 1 << 30,
        guests: 1,
        guest_line_max: 4096,
        guest_lines_max: 100,
        cache: None,
    };
    let guest = GuestSettings {
        memory_max: 64 << 20,
        response_max: 16 << 20,
        response_head_max: 64 << 10,
        response_fields_max: 1000,
        ready_max: 4,
        resources_max: 1000,
        grants: Grants::default(),
        instances,
        optimize: Optimize::default(),
    };
    let sandbox = Sandbox::new(&sandbox).expect("no sandbox");
    sandbox
        .load("bench", guest, Reach::default(), component, Priority::Start)
        .expect("no guest")
}

fn request() -> Request<'static> {
    const FIELDS: &[FieldRef<'static>] = &[
        FieldRef {
            name: "host",
            value: b"127.0.0.1:8080",
        },
        FieldRef {
            name: "user-agent",
            value: b"bench",
        },
        FieldRef {
            name: "accept",
            value: b"*/*",
        },
    ];
    Request {
        id: "0123456789abcdef",
        client: "127.0.0.1:50000",
        method: "GET",
        scheme: "http",
        authority: Some("127.0.0.1:8080"),
        path: "/hello",
        query: None,
        fields: FIELDS,
        captures: &[],
        body: b"",
    }
}

fn calls(criterion: &mut Criterion) {
    for (name, file) in GUESTS {
        measure(criterion, name, &component(file));
    }
    // A component of one's own choice, for comparing toolchains.
    if let Some(file) = std::env::var_os("GUEST") {
        let component = std::fs::read(file).expect("GUEST names no readable file");
        measure(criterion, "own", &component);
    }
}

fn measure(criterion: &mut Criterion, name: &str, component: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("no runtime");
    let lives = [("fresh", Instances::Fresh), ("reuse", REUSED)];
    for (life, instances) in lives {
        let guest = load(component, instances);
        let call = || {
            let call = guest.call(black_box(request()), Instant::now() + DEADLINE);
            let (response, _) = runtime.block_on(call);
            response.expect("the guest failed")
        };
        assert_eq!(call().status, 200, "{name}");
        criterion.bench_function(&format!("call/{name}/{life}"), |bencher| bencher.iter(call));
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);

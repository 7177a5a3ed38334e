//! What the sandbox itself costs: one call of a small guest, without any socket or HTTP.
//!
//! `cargo bench -p httpd-host --bench guest`

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
    FieldRef, Grants, Guest, GuestSettings, Instances, Priority, Reach, Request, Sandbox,
    SandboxSettings, WELCOME,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(5);

fn load(instances: Instances) -> Guest {
    let sandbox = SandboxSettings {
        instances_max: 1000,
        slice: Duration::from_millis(2),
        background_threads: 2,
        background_nice: 10,
        stack_max: 512 << 10,
        memory_max: 64 << 20,
        guest_line_max: 4096,
        guest_lines_max: 100,
        cache: None,
    };
    let guest = GuestSettings {
        memory_max: 64 << 20,
        response_max: 16 << 20,
        response_head_max: 64 << 10,
        response_fields_max: 1000,
        resources_max: 1000,
        grants: Grants::default(),
        instances,
    };
    // A component of one's own choice, for comparing toolchains.
    let component = match std::env::var_os("GUEST") {
        Some(file) => std::fs::read(file).expect("GUEST names no readable file"),
        None => WELCOME.as_bytes().to_vec(),
    };
    let sandbox = Sandbox::new(&sandbox).expect("no sandbox");
    sandbox
        .load(
            "bench",
            guest,
            Reach::default(),
            &component,
            Priority::Start,
        )
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("no runtime");
    let lives = [
        ("fresh", Instances::Fresh),
        ("reuse", Instances::Reuse { uses: u32::MAX }),
    ];
    for (name, instances) in lives {
        let guest = load(instances);
        criterion.bench_function(&format!("call/{name}"), |bencher| {
            bencher.iter(|| {
                let call = guest.call(black_box(request()), Instant::now() + DEADLINE);
                let (response, _) = runtime.block_on(call);
                response.expect("the guest failed")
            });
        });
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);

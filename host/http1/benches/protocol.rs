//! How long a request head, a chunked body and a response take, beside httparse for the head.
//!
//! httparse only splits a head into slices of the buffer it was given; ours also checks limits,
//! Host, framing and the target, and hands out a head that owns its bytes. Both read heads that
//! are in a buffer already, and neither sets up more than it needs: httparse has a table of fields
//! that is not initialised, ours a connection that has had a request before.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failed benchmark may panic"
)]

mod work;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Inputs that are made ready at once: enough to make the clock's own cost vanish, and few enough
/// that what they need stays in the second-level cache.
const BATCH: BatchSize = BatchSize::NumIterations(32);

fn heads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("head");
    for (name, head) in work::heads() {
        let head = head.as_bytes();
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function(format!("httparse/{name}"), |bencher| {
            bencher.iter_batched_ref(
                || head.to_vec(),
                |bytes| work::httparse_head(black_box(bytes)),
                BATCH,
            );
        });
        group.bench_function(format!("ours/{name}"), |bencher| {
            bencher.iter_batched_ref(
                || work::connection_with(head),
                |connection| work::read_head(black_box(connection)),
                BATCH,
            );
        });
        let (mut connection, mut out) = (work::connection_to_answer(), Vec::new());
        work::write_answer(&mut connection, &mut out);
        assert!(connection.next_cycle());
        group.bench_function(format!("exchange/{name}"), |bencher| {
            bencher.iter(|| work::exchange(&mut connection, black_box(head), &mut out));
        });
    }
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunked");
    for size in [16, 1024, 65536] {
        let request = work::chunked_request(size);
        group.throughput(Throughput::Bytes(65536));
        group.bench_function(format!("chunks of {size}"), |bencher| {
            bencher.iter_batched_ref(
                || work::connection_with_body(&request),
                work::read_body,
                BatchSize::SmallInput,
            );
        });
    }
}

fn answers(criterion: &mut Criterion) {
    let mut out = Vec::new();
    criterion.bench_function("answer", |bencher| {
        bencher.iter_batched_ref(
            work::connection_to_answer,
            |connection| {
                out.clear();
                work::write_answer(connection, &mut out);
            },
            BATCH,
        );
    });
}

criterion_group!(benches, heads, bodies, answers);
criterion_main!(benches);

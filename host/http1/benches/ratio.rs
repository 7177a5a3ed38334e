//! The speed of our head parser as a ratio to httparse's, robust on a busy machine.
//!
//! Both take turns of a few microseconds, so that whatever else the machine does meets both alike,
//! and the median of the ratios of all turns is printed. 1.2 means that ours takes 1 / 1.2 of the
//! time. What each does is said in `protocol`.
//!
//! Run it with `cargo bench -p httpd-http1 --bench ratio`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failed benchmark may panic"
)]

mod work;

use httpd_http1::{Connection, RequestHead};
use std::hint::black_box;
use std::time::Instant;

/// Heads read in one turn.
const HEADS: usize = 16;
const TURNS: usize = 20_000;

fn main() {
    println!(
        "{:<6} {:>12} {:>12} {:>7}",
        "head", "httparse/ns", "ours/ns", "ratio"
    );
    for (name, head) in work::heads() {
        let (theirs, ours, ratio) = compare(head.as_bytes());
        println!("{name:<6} {theirs:>12.1} {ours:>12.1} {ratio:>7.2}");
    }
}

/// The median times of one head, theirs and ours, and the median of their ratios.
fn compare(head: &[u8]) -> (f64, f64, f64) {
    let buffers = vec![head.to_vec(); HEADS];
    let mut connections: Vec<_> = (0..HEADS).map(|_| work::connection_with(head)).collect();
    let mut heads = Vec::with_capacity(HEADS);
    let (mut theirs, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let their_time = seconds(|| {
            for bytes in &buffers {
                black_box(work::httparse_head(black_box(bytes)));
            }
        });
        let our_time = seconds(|| heads.extend(connections.iter_mut().map(work::read_head)));
        make_ready(&mut connections, &mut heads, head);
        theirs.push(their_time / HEADS as f64 * 1e9);
        ours.push(our_time / HEADS as f64 * 1e9);
        ratios.push(their_time / our_time);
    }
    (median(theirs), median(ours), median(ratios))
}

/// Answers all requests and receives the next ones.
#[expect(
    clippy::vec_box,
    reason = "connections hand them out so, and get them back"
)]
fn make_ready(connections: &mut [Connection], heads: &mut Vec<Box<RequestHead>>, bytes: &[u8]) {
    let mut out = Vec::new();
    for (connection, head) in connections.iter_mut().zip(heads.drain(..)) {
        out.clear();
        work::write_answer(connection, &mut out);
        connection.recycle(head);
        assert!(connection.next_cycle());
        work::receive(connection, bytes);
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

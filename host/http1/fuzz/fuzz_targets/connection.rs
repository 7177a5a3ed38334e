//! Arbitrary bytes in arbitrary splits, with responses sent at arbitrary points.
//!
//! The input's end steers, the rest is what the client sends. Checked: nothing panics, the split
//! changes no event, buffers stay bounded, errors stay, and a refused call writes nothing.
//! Run it with `RUSTC_BOOTSTRAP=1 cargo fuzz run connection` where only stable Rust is installed.
#![no_main]

mod drive;
mod trace;

use libfuzzer_sys::fuzz_target;

/// Bytes that steer are few, so that the corpus can be seeded with plain requests.
const STEERING_BYTES_MAX: usize = 32;

fuzz_target!(|input: &[u8]| {
    // The last byte says how many of the bytes before it steer, which keeps plain requests plain.
    let Some((len, rest)) = input.split_last() else {
        return;
    };
    let steering = (*len as usize % STEERING_BYTES_MAX).min(rest.len());
    let (bytes, steering) = rest.split_at(rest.len() - steering);
    let whole = trace::read(bytes, &[]);
    assert_eq!(
        whole,
        trace::read(bytes, steering),
        "the split changed the events"
    );
    drive::run(bytes, steering);
});

//! Takes memory until the host gives no more, then insists: the allocation that fails panics.

use httpd_guest::{Request, Response, handler, log};

const CHUNK_BYTES: usize = 1 << 20;

#[handler]
fn handle(_: Request) -> Response {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    while let Some(chunk) = chunk() {
        hoard.push(chunk);
    }
    log::info!("refused after {} MiB", hoard.len());
    // Every byte is read again, so that no optimiser finds the hoard needless.
    let sum: usize = hoard.iter().flatten().map(|byte| usize::from(*byte)).sum();
    panic!("no memory after {} MiB", sum / CHUNK_BYTES);
}

/// One MiB with every byte written, or `None` when there is none left.
fn chunk() -> Option<Vec<u8>> {
    let mut chunk = Vec::new();
    chunk.try_reserve_exact(CHUNK_BYTES).ok()?;
    chunk.resize(CHUNK_BYTES, 1);
    Some(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_a_mebibyte_in_use() {
        assert_eq!(chunk().unwrap(), vec![1; 1 << 20]);
    }
}

//! What one instance may take: its memory, its tables, its parts. Numbers only, no policy.

use wasmtime::ResourceLimiter;

/// The size of a wasm page.
pub(super) const PAGE_BYTES: u64 = 64 * 1024;
/// The most memory that a 32-bit guest can address, and that one slot of the pool reserves.
pub(super) const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Linear memories in one component: most toolchains make one and share it among their modules;
/// those that put an adapter of WASI around an engine make two more small ones.
pub(super) const MEMORIES_MAX: u32 = 4;
/// Tables in one component: a module's own, and those of the adapters a toolchain adds.
pub(super) const TABLES_MAX: u32 = 8;
/// Elements in one table.
pub(super) const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Core instances in one component: dynamic linking makes dozens of them.
pub(super) const CORE_INSTANCES_MAX: u32 = 64;

/// Watches an instance's memory and refuses growth past its limit.
#[derive(Debug)]
pub(super) struct Limits {
    memory_max: u64,
    memory: u64,
    refused: bool,
}

impl Limits {
    /// `memory_max` is in bytes.
    pub(super) fn new(memory_max: u64) -> Limits {
        Limits {
            memory_max,
            memory: 0,
            refused: false,
        }
    }

    /// The bytes of memory that the instance has. Wasm memory never shrinks: this is the peak.
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// Whether growth was refused since the last [`Limits::begin_call`].
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    /// Forgets earlier refusals; they are not the next request's.
    pub(super) fn begin_call(&mut self) {
        self.refused = false;
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // What counts is all memories of the instance together.
        let others = self.memory.saturating_sub(current as u64);
        let total = others.saturating_add(desired as u64);
        let fits = total <= self.memory_max;
        let allowed = fits && maximum.is_none_or(|maximum| desired <= maximum);
        self.refused |= !fits;
        if allowed {
            self.memory = total;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed =
            desired <= TABLE_ELEMENTS_MAX && maximum.is_none_or(|maximum| desired <= maximum);
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

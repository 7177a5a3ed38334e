//! The engines: which of wasmtime's knobs are turned, and why.

use super::error::SandboxError;
use super::limits::{
    CORE_INSTANCES_MAX, MEMORIES_MAX, MEMORY_BYTES_MAX, PAGE_BYTES, TABLE_ELEMENTS_MAX, TABLES_MAX,
};
use super::sandbox::SandboxSettings;
use std::num::NonZeroUsize;
use wasmtime::{
    Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

/// Stack for the host's own functions on a guest's fiber, past what the guest may use.
const HOST_STACK_BYTES: usize = 1 << 20;
/// Memory of a slot that is wiped in place and not given back to the kernel after a call, when
/// the kernel can say which pages were touched. A burst leaves this much behind in every slot.
const RESIDENT_BYTES_SCANNED: usize = 256 << 10;
/// The same when the kernel cannot say it, and all these bytes are wiped every time.
const RESIDENT_BYTES_WIPED: usize = 64 << 10;
/// Slots that are kept with what their last instance left mapped, for the next one of the same
/// component. A new generation can do nothing with them, so that many swaps would fill as many.
const WARM_SLOTS: u32 = 16;
/// Functions named in a trap's backtrace.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// How many calls may run in one store at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    /// One: synchronous calls need no more, and without the bookkeeping they are cheaper.
    OneByOne,
    /// Several: what WASI 0.3 is made of.
    Concurrent,
}

/// Makes an engine that many guests share: one for each would reserve all of this again. Compiled
/// code is kept in `cache`, if there is one.
///
/// # Errors
/// Settings that the platform cannot honour, most often address space for the instances.
pub(super) fn new(
    settings: &SandboxSettings,
    cache: Option<Cache>,
    calls: Calls,
) -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    config.cache(cache);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    config.epoch_interruption(true);
    config.concurrency_support(calls == Calls::Concurrent);
    if calls == Calls::Concurrent {
        config.wasm_component_model_async(true);
    }
    // With explicit bounds checks a slot needs no guard pages, and so no change of page protection
    // when a guest grows or its slot is used again: each of those would interrupt every thread of
    // the host. Guests that compute a lot pay for the checks.
    config.signals_based_traps(false);
    config.memory_reservation(memory_bytes(settings.memory_max) as u64);
    config.memory_guard_size(0);
    config.guard_before_linear_memory(false);
    config.max_wasm_stack(settings.stack_max);
    config.async_stack_size(settings.stack_max.saturating_add(HOST_STACK_BYTES));
    // Names of functions are enough for a log line. Looking for line numbers would have the
    // environment decide what a trap costs.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES));
    Engine::new(&config).map_err(|error| SandboxError::Engine {
        instances_max: settings.instances_max,
        reason: format!("{error:#}"),
    })
}

/// One slot for each instance that may exist: exhausted, it refuses and never waits. Kernels
/// without PAGEMAP_SCAN (before Linux 6.7) work as well, a little slower.
fn pool(settings: &SandboxSettings) -> PoolingAllocationConfig {
    let instances = settings.instances_max;
    let resident = if PoolingAllocationConfig::is_pagemap_scan_available() {
        RESIDENT_BYTES_SCANNED
    } else {
        RESIDENT_BYTES_WIPED
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .total_tables(instances.saturating_mul(TABLES_MAX))
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(memory_bytes(settings.memory_max))
        .linear_memory_keep_resident(resident)
        .table_keep_resident(resident)
        .max_unused_warm_slots(WARM_SLOTS)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The largest memory any guest may have, in whole pages and within what wasm can address.
fn memory_bytes(memory_max: u64) -> usize {
    let bytes = memory_max
        .min(MEMORY_BYTES_MAX)
        .next_multiple_of(PAGE_BYTES);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

//! The engines: which of wasmtime's knobs are turned, and why.

use super::call::Optimize;
use super::error::SandboxError;
use super::limits::{
    CORE_INSTANCES_MAX, MEMORIES_MAX, MEMORY_BYTES_MAX, PAGE_BYTES, TABLE_ELEMENTS_MAX, TABLES_MAX,
};
use super::sandbox::SandboxSettings;
use crate::processors;
use std::num::NonZeroUsize;
use wasmtime::{
    Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

/// Stack for the host's own functions on a guest's fiber, past what the guest may use.
const HOST_STACK_BYTES: usize = 1 << 20;
/// Memory of a slot that is wiped in place and not given back to the kernel after a call, at most,
/// when the kernel can say which pages were touched.
const RESIDENT_BYTES_SCANNED: usize = 256 << 10;
/// The same when the kernel cannot say it, and all these bytes are wiped every time.
const RESIDENT_BYTES_WIPED: usize = 64 << 10;
/// Slots for each guest, in each part of the pool, that are kept with what their last instance left
/// mapped, for the next one of the same component. One would do, if every slot could be told
/// which guest's it will be. A new generation can do nothing with them, so that many swaps fill as
/// many with what nobody needs.
const WARM_SLOTS: u32 = 2;
/// And no more than this of all: each takes up to three of the 65,530 mappings that Linux lets a
/// process have by default.
const WARM_SLOTS_MAX: u32 = 8192;
/// Address space for one memory that a 32-bit address cannot leave, so that no access need be
/// checked against the memory's size.
const COMPUTE_RESERVATION_BYTES: u64 = 4 << 30;
/// And for the constant offset that an instruction adds to an address.
const COMPUTE_GUARD_BYTES: u64 = 32 << 20;
/// Instances that do not count any more while their parts are still given back.
const LEAVING: u32 = 64;
/// Parts that wasmtime divides the slots into, at most.
const SLOT_PARTS_MAX: usize = 16;
/// What memory is wiped and given back by.
const HOST_PAGE_BYTES: usize = 4096;
/// Functions named in a trap's backtrace.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// How many calls may run in one store at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    optimize: Optimize,
) -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    config.cache(cache);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    config.epoch_interruption(true);
    config.concurrency_support(calls == Calls::Concurrent);
    if calls == Calls::Concurrent {
        config.wasm_component_model_async(true);
    }
    match optimize {
        Optimize::Latency => check_bounds(&mut config, settings),
        Optimize::Compute => guard_bounds(&mut config),
    }
    config.max_wasm_stack(settings.stack_max);
    config.async_stack_size(settings.stack_max.saturating_add(HOST_STACK_BYTES));
    // Names of functions are enough for a log line. Looking for line numbers would have the
    // environment decide what a trap costs.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES));
    // Neither tells us anything: where in the component's bytes an instruction comes from, and what
    // debuggers need to unwind it. Every component would hold them in memory.
    config.generate_address_map(false);
    config.native_unwind_info(false);
    Engine::new(&config).map_err(|error| SandboxError::Engine {
        instances_max: settings.instances_max,
        reason: format!("{error:#}"),
    })
}

/// With explicit bounds checks a slot needs no guard pages, and so no change of page protection
/// when a guest grows or its slot is used again: each of those would interrupt every thread of the
/// host. Guests that compute a lot pay for the checks.
fn check_bounds(config: &mut Config, settings: &SandboxSettings) {
    config.signals_based_traps(false);
    config.memory_reservation(memory_bytes(settings.memory_max) as u64);
    config.memory_guard_size(0);
    config.guard_before_linear_memory(false);
}

/// The other way round: an access out of bounds hits a page that nobody may touch, and the signal
/// becomes a trap.
fn guard_bounds(config: &mut Config) {
    config.signals_based_traps(true);
    config.memory_reservation(COMPUTE_RESERVATION_BYTES);
    config.memory_guard_size(COMPUTE_GUARD_BYTES);
    // For compiled code that subtracts from an address, which ours does not.
    config.guard_before_linear_memory(false);
}

/// Slots for each instance that may exist: exhausted, it refuses and never waits. Kernels
/// without PAGEMAP_SCAN (before Linux 6.7) work as well, a little slower.
fn pool(settings: &SandboxSettings) -> PoolingAllocationConfig {
    let instances = settings.instances_max;
    let (memory_resident, table_resident) = resident(settings);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances.saturating_add(LEAVING))
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
        .linear_memory_keep_resident(memory_resident)
        .table_keep_resident(table_resident)
        .max_unused_warm_slots(warm_slots(settings))
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Bytes that a memory and a table keep after a call: together no more than `resident_max`, if
/// every slot there is has been used. A quarter is for the tables, of which there are twice as many
/// and which are small.
fn resident(settings: &SandboxSettings) -> (usize, usize) {
    let most = if PoolingAllocationConfig::is_pagemap_scan_available() {
        RESIDENT_BYTES_SCANNED
    } else {
        RESIDENT_BYTES_WIPED
    };
    let instances = u64::from(settings.instances_max.max(1));
    let share = |part: u64, slots: u32| {
        let bytes = part / instances / u64::from(slots);
        // Whole pages; rounding up would be over the bound.
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(most);
        bytes / HOST_PAGE_BYTES * HOST_PAGE_BYTES
    };
    let tables = settings.resident_max / 4;
    let memories = settings.resident_max - tables;
    (share(memories, MEMORIES_MAX), share(tables, TABLES_MAX))
}

/// Slots are kept apart for as many threads as there are processors (at most 16): each of them
/// has its own for a guest.
fn warm_slots(settings: &SandboxSettings) -> u32 {
    let processors = processors::count();
    let parts = u32::try_from(processors.min(SLOT_PARTS_MAX)).unwrap_or(u32::MAX);
    let wanted = settings.guests.saturating_mul(WARM_SLOTS);
    wanted.saturating_mul(parts).min(WARM_SLOTS_MAX)
}

/// The largest memory any guest may have, in whole pages and within what wasm can address.
fn memory_bytes(memory_max: u64) -> usize {
    let bytes = memory_max
        .min(MEMORY_BYTES_MAX)
        .next_multiple_of(PAGE_BYTES);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::sandbox_settings;
    use super::*;

    #[test]
    fn what_stays_resident_in_all_slots_together_is_bounded() {
        for (instances_max, resident_max) in [(1, 1 << 30), (1000, 1 << 30), (1000, 5 << 20)] {
            let settings = SandboxSettings {
                resident_max,
                ..sandbox_settings(instances_max)
            };
            let (memory, table) = resident(&settings);
            let each = memory as u64 * u64::from(MEMORIES_MAX);
            let each = each + table as u64 * u64::from(TABLES_MAX);
            assert!(each * u64::from(instances_max) <= resident_max);
            assert_eq!((memory % HOST_PAGE_BYTES, table % HOST_PAGE_BYTES), (0, 0));
        }
        let none = SandboxSettings {
            resident_max: 0,
            ..sandbox_settings(1)
        };
        assert_eq!(resident(&none), (0, 0));
    }

    #[test]
    fn every_guest_has_warm_slots_on_every_thread() {
        let slots = |guests| {
            warm_slots(&SandboxSettings {
                guests,
                ..sandbox_settings(1000)
            })
        };
        assert!(slots(4) >= 8 && slots(1024) >= 2048);
        assert_eq!(slots(u32::MAX), WARM_SLOTS_MAX);
    }
}

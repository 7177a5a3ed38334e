//! What the kernel tells of a thread, and what a thread may ask of it: processors, classes, turns.

use std::time::Duration;

use rustix::thread::CpuSet;
use thread_priority::{
    ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id, thread_schedule_policy,
};

pub(super) use thread_priority::NormalThreadSchedulePolicy as Class;

/// What the library calls a nice value of 0.
const USUAL: u8 = 47;
/// For how long the kernel lets one thread run while others wait, on one processor; twice as long
/// on two, three times on four and four times on eight or more, and to the end of a tick.
const SLICE: Duration = Duration::from_micros(700);

/// For how long the kernel lets one thread run on so many processors (kernel/sched/fair.c).
pub(super) fn slice(processors: usize, tick: Duration) -> Duration {
    let factor = 1 + processors.clamp(1, 8).ilog2();
    let ticks = (SLICE * factor).as_nanos().div_ceil(tick.as_nanos().max(1));
    tick * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// How often the kernel looks whose turn it is: as often as it sets its coarse clock.
pub(super) fn tick() -> Duration {
    let tick = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    Duration::try_from(tick).unwrap_or_default()
}

/// Which ones they are.
pub(super) fn listed(processors: &CpuSet) -> Vec<usize> {
    let all = 0..CpuSet::MAX_CPU;
    all.filter(|it| processors.is_set(*it)).collect()
}

/// That one and no other.
pub(super) fn only(processor: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(processor);
    set
}

/// Whether this thread is of that class.
pub(super) fn is_of(class: Class) -> bool {
    thread_schedule_policy() == Ok(ThreadSchedulePolicy::Normal(class))
}

/// Moves this thread, whose nice value is 0, to another of the classes that share the processor by
/// that. Whether it may.
pub(super) fn set(class: Class) -> bool {
    let policy = ThreadSchedulePolicy::Normal(class);
    let Ok(usual) = ThreadPriorityValue::try_from(USUAL).map(ThreadPriority::Crossplatform) else {
        return false;
    };
    let moved = set_thread_priority_and_policy(thread_native_id(), usual, policy);
    if let Err(error) = &moved {
        tracing::debug!("a thread cannot move to another class: {error:?}");
    }
    moved.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_turns_are_known() {
        let millis = Duration::from_millis;
        assert_eq!(slice(2, millis(4)), millis(4));
        assert_eq!(slice(2, millis(1)), millis(2));
        assert_eq!(slice(1, millis(1)), millis(1));
        assert_eq!(slice(64, millis(1)), millis(3));
        assert!(tick() >= Duration::from_micros(100) && tick() <= millis(10));
    }
}

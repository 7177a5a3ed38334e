//! The sandbox with real components: one guest per behaviour, written as WebAssembly text.

mod answers;
mod caching;
mod compiling;
mod deadlines;
mod direct;
mod failures;
mod loading;
mod logging;
mod optimizing;
mod places;
mod requests;
mod reuse;
mod sharing;
mod slots;
mod stock;
mod support;
mod turns;
mod welcome;

pub(super) use support::{component, component_apart, sandbox_settings};

//! What a store holds for WASI beside the lean lane's own state: the guest's environment, its
//! resources, and what `wasi:http` asks of its embedder. No policy is made here.

use super::grants::Granted;
use super::keyvalue::{Buckets, KeyvalueView};
use super::next::Behind;
use super::offer::Offer;
use super::outbound::Hooks;
use super::output::Output;
use super::refusals::Refusals;
use crate::guest::state::State;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::WasiConfig;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Made for each instance that imports WASI.
pub(in crate::guest) struct Parts {
    ctx: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    granted: Arc<Granted>,
    buckets: Buckets,
    refusals: Arc<Refusals>,
    /// Only while a request is answered: an instance may be used again.
    behind: Option<Behind>,
}

/// Bounds of what an instance may have the host hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::guest) struct PartsLimits {
    /// Bytes of all fields of one message, as `wasi:http` counts them.
    pub(in crate::guest) fields_bytes_max: usize,
    /// Resources at once: bodies, streams, fields, files.
    pub(in crate::guest) resources_max: usize,
}

impl Parts {
    /// Parts for an instance that may reach `offer` and writes to `output`.
    pub(in crate::guest) fn new(offer: &Offer, output: &Output, limits: PartsLimits) -> Box<Parts> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources_max);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.fields_bytes_max);
        Box::new(Parts {
            ctx: offer.granted.wasi_ctx(output),
            http,
            table,
            hooks: offer.hooks(),
            granted: Arc::clone(&offer.granted),
            buckets: offer.buckets.clone(),
            refusals: Arc::clone(&offer.refusals),
            behind: None,
        })
    }

    /// Parts of a store that has nothing to reach.
    fn nothing() -> Box<Parts> {
        let refusals = Arc::new(Refusals::new(Arc::from(""), 0));
        Box::new(Parts {
            ctx: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Hooks::new(None, Arc::clone(&refusals), 0),
            granted: Arc::new(Granted::nothing()),
            buckets: Buckets::new(None, &BTreeMap::new(), Arc::clone(&refusals)),
            refusals,
            behind: None,
        })
    }
}

/// A store without parts has no import that could ask for them: whoever makes it looks at the
/// component's imports.
impl State {
    fn parts(&mut self) -> &mut Parts {
        self.wasi.get_or_insert_with(Parts::nothing)
    }

    /// Where it is noted what the guest is refused.
    pub(super) fn refusals(&mut self) -> &Refusals {
        &self.parts().refusals
    }

    /// What `wasi:config` asks for.
    pub(in crate::guest) fn config(&mut self) -> WasiConfig<'_> {
        self.parts().granted.config()
    }

    /// The handler behind this guest.
    pub(in crate::guest) fn behind(&mut self) -> Option<&Behind> {
        self.parts().behind.as_ref()
    }

    /// Sets what stands behind this guest for the request that it is given, or nothing any more.
    pub(in crate::guest) fn set_behind(&mut self, behind: Option<Behind>) {
        if let Some(parts) = &mut self.wasi {
            parts.behind = behind;
        }
    }

    /// What `wasi:keyvalue` asks for.
    pub(in crate::guest) fn keyvalue(&mut self) -> KeyvalueView<'_> {
        let Parts { buckets, table, .. } = self.parts();
        KeyvalueView { buckets, table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Parts { ctx, table, .. } = self.parts();
        WasiCtxView { ctx, table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Parts {
            hooks, table, http, ..
        } = self.parts();
        WasiHttpCtxView {
            hooks,
            table,
            ctx: http,
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parts").finish_non_exhaustive()
    }
}

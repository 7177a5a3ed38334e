//! The code of guests that are called directly. Guests that differ only in what their memory begins
//! with share it, and with it the places in the pool and the processor's cache: with a thousand of
//! them in turn, what each has for itself comes from memory one cache line after the other.

use super::data::{Patches, Split};
use super::driver::Data;
use super::link::{Entrance, Linked, out_of_bounds};
use super::shape::Whole;
use crate::guest::compile_pool::Jobs;
use crate::guest::hash::ContentHash;
use crate::guest::interned::Interned;
use crate::guest::reserve::Reserves;
use crate::guest::state::State;
use std::hint::black_box;
use std::sync::Arc;
use wasmtime::{Engine, Store};

/// A guest's module, ready to be instantiated.
pub(in crate::guest) struct Direct {
    code: Arc<Code>,
    patches: Patches,
}

/// Compiled code, what its instances have in the places of their data, and the instances of it that
/// wait for a request of any guest.
pub(in crate::guest) struct Code {
    linked: Linked,
    base: Box<[u8]>,
    reserves: Reserves,
}

/// The codes of one engine, by what of a module is code.
pub(in crate::guest) type Codes = Interned<ContentHash, Code>;

/// It is for the usual way, or for nobody.
struct NotDirect;

impl Direct {
    /// Compiles a component's only module, unless a guest of the same code is there. `None` if it
    /// cannot be compiled.
    pub(super) fn new(
        engine: &Engine,
        codes: &Codes,
        whole: &Whole<'_>,
        jobs: &Jobs<'_>,
    ) -> Option<Direct> {
        let compile = |base, data| {
            let linked = jobs.run(|| Linked::new(engine, whole, data));
            Ok(Code {
                linked: linked.ok_or(NotDirect)?,
                base,
                reserves: Reserves::default(),
            })
        };
        let alone = |code: Result<Code, NotDirect>| {
            Some(Direct {
                code: Arc::new(code.ok()?),
                patches: Patches::default(),
            })
        };
        let Some(split) = jobs.run(|| Split::new(whole)) else {
            return alone(compile(Box::default(), Data::Kept));
        };
        let data = match split.is_light() {
            true => Data::LeftOut,
            false => Data::Kept,
        };
        let code = codes.get_or_make(split.code, || compile(split.base(), data));
        let code = code.ok()?;
        match split.patches(&code.base) {
            Some(patches) => Some(Direct { code, patches }),
            None => alone(compile(Box::default(), Data::Kept)),
        }
    }

    /// Bytes of memory that an instance starts with.
    pub(in crate::guest) fn initial_memory(&self) -> u64 {
        self.code.linked.initial_memory
    }

    /// What tells codes apart.
    #[cfg(test)]
    pub(in crate::guest) fn code_address(&self) -> usize {
        Arc::as_ptr(&self.code).addr()
    }

    /// Those of the guests that share its code.
    pub(in crate::guest) fn reserves(&self) -> &Reserves {
        &self.code.reserves
    }

    /// Reads a little of what [`Direct::adopt`] will read.
    pub(in crate::guest) fn touch(&self) {
        black_box(self.patches.is_empty());
    }

    /// Makes an instance in a store, of its code: it is nobody's before [`Direct::adopt`].
    ///
    /// # Errors
    /// Everything that can happen while a module is instantiated.
    pub(in crate::guest) async fn instantiate(
        &self,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Entrance> {
        self.code.linked.instantiate(store).await
    }

    /// Makes an instance of its code this guest's own.
    ///
    /// # Errors
    /// It has less memory than it began with.
    pub(in crate::guest) fn adopt(&self, store: &mut Store<State>) -> wasmtime::Result<()> {
        if self.patches.is_empty() {
            return Ok(());
        }
        let memory = store.data().memory.ok_or_else(out_of_bounds)?;
        let patched = self.patches.apply(memory.data_mut(store));
        patched.ok_or_else(out_of_bounds)
    }
}

//! The code of guests that are called directly. Guests that differ only in what their memory begins
//! with share it, and with it the places in the pool and the processor's cache: with a thousand of
//! them in turn, what each has for itself comes from memory one cache line after the other.

use super::data::{Patches, Split};
use super::driver::Data;
use super::link::{Entrance, Linked, out_of_bounds};
use super::shape::{self, Whole};
use crate::guest::compile_pool::Jobs;
use crate::guest::hash::ContentHash;
use crate::guest::interned::Interned;
use crate::guest::reserve::Reserves;
use crate::guest::state::State;
use std::hint::black_box;
use std::sync::Arc;
use wasmtime::{Engine, Store};

/// A component that can be called directly, read as far as no engine is needed for it.
pub(in crate::guest) struct Plain<'a> {
    whole: Whole<'a>,
    split: Option<Split<'a>>,
}

/// A guest's module, ready to be instantiated.
pub(in crate::guest) struct Direct {
    code: Arc<Code>,
    patches: Patches,
}

/// Compiled code, the data of the module that it was compiled from, and the instances of it that
/// wait for a request of any guest.
pub(in crate::guest) struct Code {
    linked: Linked,
    base: Box<[u8]>,
    /// What of that an instance is given when it is made. It is not each guest's own: a thousand
    /// guests would have it in the processor's cache a thousand times.
    written: Patches,
    reserves: Reserves,
}

/// The codes of one engine, by what of a module is code.
pub(in crate::guest) type Codes = Interned<ContentHash, Code>;

/// It is for the usual way, or for nobody.
struct NotDirect;

impl<'a> Plain<'a> {
    /// Reads a component's binary. `None` when it is none of those that can be called directly:
    /// nothing is wrong with it then, or whoever makes it ready the usual way will say what.
    pub(in crate::guest) fn read(binary: &'a [u8]) -> Option<Plain<'a>> {
        let whole = shape::read(binary)?;
        let split = Split::new(&whole);
        Some(Plain { whole, split })
    }
}

impl Direct {
    /// Compiles a component's only module, unless a guest of the same code is among `codes`. `None`
    /// if it cannot be compiled.
    pub(in crate::guest) fn new(
        engine: &Engine,
        codes: &Codes,
        plain: &Plain<'_>,
        jobs: &Jobs<'_>,
    ) -> Option<Direct> {
        let Plain { whole, split } = plain;
        let compile = |data, base, written| -> Result<Code, NotDirect> {
            let linked = jobs.run(|| Linked::new(engine, whole, data));
            Ok(Code {
                linked: linked.ok_or(NotDirect)?,
                base,
                written,
                reserves: Reserves::default(),
            })
        };
        let alone = || {
            let code = compile(Data::Kept, Box::default(), Patches::default());
            Some(Direct {
                code: Arc::new(code.ok()?),
                patches: Patches::default(),
            })
        };
        let Some(split) = split else {
            return alone();
        };
        let code = codes.get_or_make(split.code, || match split.written() {
            Some(written) => compile(Data::LeftOut, split.base(), written),
            None => compile(Data::Kept, split.base(), Patches::default()),
        });
        let code = code.ok()?;
        match split.patches(&code.base) {
            Some(patches) => Some(Direct { code, patches }),
            None => alone(),
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
        let entrance = self.code.linked.instantiate(store).await?;
        write(&self.code.written, store)?;
        Ok(entrance)
    }

    /// Makes an instance of its code this guest's own.
    ///
    /// # Errors
    /// It has less memory than it began with.
    pub(in crate::guest) fn adopt(&self, store: &mut Store<State>) -> wasmtime::Result<()> {
        write(&self.patches, store)
    }
}

fn write(patches: &Patches, store: &mut Store<State>) -> wasmtime::Result<()> {
    if patches.is_empty() {
        return Ok(());
    }
    let memory = store.data().memory.ok_or_else(out_of_bounds)?;
    let written = patches.apply(memory.data_mut(store));
    written.ok_or_else(out_of_bounds)
}

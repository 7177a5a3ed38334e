//! A guest's module in wasmtime: compiled, linked to the host, and called.

use super::broken::Broken;
use super::driver::{self, Data, SERVE, STEP};
use super::memory::{slice, slice_mut};
use super::shape::Whole;
use super::step::{Asked, Step, Told};
use crate::guest::interface::{Answer, Level, Request};
use crate::guest::limits::PAGE_BYTES;
use crate::guest::state::State;
use wasmtime::{
    Caller, Engine, Extern, InstancePre, Linker, Module, ModuleExport, Store, TypedFunc,
};

/// A module that is ready to be instantiated.
pub(super) struct Linked {
    pre: InstancePre<State>,
    memory: ModuleExport,
    serve: ModuleExport,
    /// Bytes of memory that an instance starts with.
    pub(super) initial_memory: u64,
}

/// Where a call enters an instance.
pub(in crate::guest) struct Entrance(TypedFunc<Flat, ()>);

/// [`Asked`] as wasmtime passes it.
type Flat = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

impl Linked {
    /// Compiles a component's only module, with its data or without. `None` if it cannot be.
    pub(super) fn new(engine: &Engine, whole: &Whole<'_>, data: Data) -> Option<Linked> {
        let binary = driver::add(whole, data)?;
        let module = Module::from_binary(engine, &binary).ok()?;
        let memory = module.get_export_index(whole.memory)?;
        let serve = module.get_export_index(SERVE)?;
        let pages = module.resources_required().max_initial_memory_size;
        let mut linker = Linker::new(engine);
        link_step(&mut linker).ok()?;
        if let Some(name) = whole.log {
            let memory = whole.memory.to_owned();
            let write = move |caller: Caller<'_, State>, level: u32, address: u32, size: u32| {
                write(caller, &memory, level, address, size)
            };
            linker.func_wrap(name, "write", write).ok()?;
        }
        Some(Linked {
            pre: linker.instantiate_pre(&module).ok()?,
            memory,
            serve,
            initial_memory: pages.unwrap_or(0).saturating_mul(PAGE_BYTES),
        })
    }

    /// Makes an instance in a store.
    ///
    /// # Errors
    /// Everything that can happen while a module is instantiated.
    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Entrance> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let gone = || wasmtime::Error::msg("an export is not there");
        let memory = instance.get_module_export(&mut *store, &self.memory);
        let memory = memory.and_then(Extern::into_memory).ok_or_else(gone)?;
        let serve = instance.get_module_export(&mut *store, &self.serve);
        let serve = serve.and_then(Extern::into_func).ok_or_else(gone)?;
        let serve = serve.typed(&mut *store)?;
        store.data_mut().memory = Some(memory);
        Ok(Entrance(serve))
    }
}

impl Entrance {
    /// Hands a request to the guest.
    ///
    /// # Errors
    /// Everything that can happen to guest code, and [`Broken`].
    pub(in crate::guest) async fn call(
        &self,
        store: &mut Store<State>,
        request: &Request<'_>,
    ) -> wasmtime::Result<Answer> {
        let first = store.data_mut().exchange.begin(request)?;
        self.enter(store, first).await?;
        if let Some((address, next)) = store.data_mut().exchange.wants_body() {
            let memory = store.data().memory.ok_or_else(out_of_bounds)?;
            let place = slice_mut(memory.data_mut(&mut *store), address, request.body.len());
            let place = place.ok_or_else(out_of_bounds)?;
            place.copy_from_slice(request.body);
            self.enter(store, next).await?;
        }
        let answer = store.data_mut().exchange.end();
        answer.ok_or_else(|| Broken::abi("the guest returned too early").into())
    }

    async fn enter(&self, store: &mut Store<State>, step: Step) -> wasmtime::Result<()> {
        self.0.call_async(store, step.encode().into()).await
    }
}

/// What the guest is to do next.
fn step(mut caller: Caller<'_, State>, told: Told) -> wasmtime::Result<Asked> {
    let memory = caller.data().memory.ok_or_else(out_of_bounds)?;
    let (bytes, state) = memory.data_and_store_mut(&mut caller);
    Ok(state.exchange.step(bytes, &told)?.encode())
}

/// The same as wasmtime links functions, which has parameters and results for what are lists here.
fn link_step(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    #[expect(
        clippy::many_single_char_names,
        reason = "they are numbered by letters"
    )]
    #[expect(clippy::too_many_arguments, reason = "the module imports it so")]
    fn flat(
        caller: Caller<'_, State>,
        a: u32,
        b: u32,
        c: u32,
        d: u32,
        e: u32,
        f: u32,
        g: u32,
        h: u32,
        i: u32,
        j: u32,
        k: u32,
        l: u32,
    ) -> wasmtime::Result<Flat> {
        step(caller, [a, b, c, d, e, f, g, h, i, j, k, l]).map(Into::into)
    }
    linker.func_wrap(STEP.0, STEP.1, flat)?;
    Ok(())
}

/// `write: func(level: level, message: string)` of the interface log.
fn write(
    mut caller: Caller<'_, State>,
    memory: &str,
    level: u32,
    address: u32,
    size: u32,
) -> wasmtime::Result<()> {
    let unknown = || wasmtime::Error::msg(format!("unexpected discriminant: {level}"));
    let level = Level::from_number(level).ok_or_else(unknown)?;
    let memory = caller.get_export(memory).and_then(Extern::into_memory);
    let memory = memory.ok_or_else(out_of_bounds)?;
    let (bytes, state) = memory.data_and_store_mut(&mut caller);
    let message = slice(bytes, address, size as usize).ok_or_else(out_of_bounds)?;
    if message.len() > state.exchange.copy_max() {
        let reason = "the line is larger than an answer may be";
        return Err(wasmtime::Error::msg(reason));
    }
    let text = || Ok(std::str::from_utf8(message)?);
    state.log.line(level, text)
}

pub(super) fn out_of_bounds() -> wasmtime::Error {
    wasmtime::Error::msg("an address is out of bounds of the guest's memory")
}

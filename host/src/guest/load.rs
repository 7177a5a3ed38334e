//! From bytes to a checked component. Whatever would make every call fail is found here, once,
//! and said in words that tell the guest's author what to do.

use super::call::Optimize;
use super::compile_pool::Jobs;
use super::direct::{self, Direct, Plain};
use super::engine::Calls;
use super::error::LoadError;
use super::hash::ContentHash;
use super::imports;
use super::interface::{Answer, Request};
use super::limits::PAGE_BYTES;
use super::state::State;
use super::workshop::{Workshop, Workshops};
use memchr::memmem;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

/// The export of the lean lane's world.
const HANDLE: &str = "handle";
/// How the exports of the wasi lanes begin.
const HANDLER_02: &str = "wasi:http/incoming-handler@0.2.";
const HANDLER_03: &str = "wasi:http/handler@0.3.";
/// The first bytes of every WebAssembly binary.
const MAGIC: &[u8] = b"\0asm";
/// Version 1 of layer 0: a core module.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
/// Exports named in a message.
const NAMES_MAX: usize = 12;

/// A component whose imports are linked and whose export is known to fit. Guests with different
/// limits share it. What every call looks at comes first.
#[repr(C)]
pub(super) struct Loaded {
    pub(super) workshop: Arc<Workshop>,
    /// Its instances need what WASI takes.
    pub(super) needs_wasi: bool,
    /// It hands requests on to a handler behind it.
    pub(super) is_middleware: bool,
    pub(super) entry: Entry,
    pub(super) hash: ContentHash,
    /// Bytes of memory that an instance starts with.
    initial_memory: u64,
}

/// Where a call enters a component.
pub(super) enum Entry {
    /// The function of our own world, without the component around it.
    Direct(Direct),
    /// The same within a component that is more than one module.
    Lean {
        pre: InstancePre<State>,
        handle: ComponentExportIndex,
    },
    /// The handler of wasi:http.
    Wasi(ProxyPre<State>),
}

/// How a guest is called, which its exports decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `httpd:guest/handler`: bodies in memory, one synchronous call.
    Lean,
    /// `wasi:http/proxy@0.2`: bodies streamed both ways.
    Wasi02,
    /// `wasi:http/service@0.3`: bodies streamed both ways, asynchronous.
    Wasi03,
}

impl Kind {
    /// Whether bodies pass piece by piece, else as a whole.
    pub fn is_streamed(self) -> bool {
        self != Kind::Lean
    }

    /// What a guest of this kind exports.
    pub fn export(self) -> &'static str {
        match self {
            Kind::Lean => "`handle` of httpd:guest",
            Kind::Wasi02 => "wasi:http/incoming-handler@0.2",
            Kind::Wasi03 => "wasi:http/handler@0.3",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Lean => "lean",
            Kind::Wasi02 => "wasi 0.2",
            Kind::Wasi03 => "wasi 0.3",
        })
    }
}

impl Loaded {
    /// The lane of its calls.
    pub(super) fn kind(&self) -> Kind {
        match &self.entry {
            Entry::Direct(_) | Entry::Lean { .. } => Kind::Lean,
            Entry::Wasi(ProxyPre::P2(_)) => Kind::Wasi02,
            Entry::Wasi(ProxyPre::P3(_)) => Kind::Wasi03,
        }
    }

    /// Reads a little of what a call needs.
    pub(super) fn touch(&self) {
        black_box((self.kind(), self.needs_wasi));
        if let Entry::Direct(direct) = &self.entry {
            direct.touch();
        }
    }

    /// How a call gets into it, for a log line.
    pub(super) fn way(&self) -> &'static str {
        match &self.entry {
            Entry::Direct(_) => "its only module",
            Entry::Lean { .. } | Entry::Wasi(_) => "the component",
        }
    }

    /// Refuses a memory that would be over a guest's limit before its first request.
    pub(super) fn check_memory(&self, memory_max: u64) -> Result<(), LoadError> {
        if self.initial_memory > memory_max {
            return Err(LoadError::Memory {
                initial: self.initial_memory,
                memory_max,
            });
        }
        Ok(())
    }
}

/// Compiles and checks a component, of which `hash` is the content; see [`super::Sandbox::load`].
/// Not to be called by a job: it waits where others compile the same code.
pub(super) fn load(
    workshops: &Workshops,
    optimize: Optimize,
    hash: ContentHash,
    bytes: &[u8],
    jobs: &Jobs<'_>,
) -> Result<Loaded, LoadError> {
    check_kind(bytes)?;
    let calls = if jobs.run(|| speaks_wasi_03(bytes)) {
        Calls::Concurrent
    } else {
        Calls::OneByOne
    };
    let binary = jobs.run(|| direct::binary(bytes));
    let plain = jobs.run(|| Plain::read(binary.as_deref()?));
    // Not earlier: the first engine may still be in the making.
    let workshop = workshops.get(calls, optimize)?;
    let direct = plain.and_then(|it| Direct::new(&workshop.engine, &workshop.codes, &it, jobs));
    if let Some(direct) = direct {
        return Ok(Loaded {
            initial_memory: direct.initial_memory(),
            entry: Entry::Direct(direct),
            workshop,
            hash,
            needs_wasi: false,
            is_middleware: false,
        });
    }
    jobs.run(|| load_component(workshop, hash, bytes))
}

fn load_component(
    workshop: Arc<Workshop>,
    hash: ContentHash,
    bytes: &[u8],
) -> Result<Loaded, LoadError> {
    let component = Component::new(&workshop.engine, bytes).map_err(|error| invalid(&error))?;
    let is_middleware = imports::need_next(&component);
    Ok(Loaded {
        entry: entry(&workshop, &component, is_middleware)?,
        workshop,
        hash,
        needs_wasi: imports::need_wasi(&component),
        is_middleware,
        initial_memory: initial_memory(&component),
    })
}

/// Whether the name of WASI 0.3's handler is anywhere in it. An engine for concurrent calls does
/// everything the other does, a little slower, so that no harm is done if it means nothing.
fn speaks_wasi_03(bytes: &[u8]) -> bool {
    memmem::find(bytes, HANDLER_03.as_bytes()).is_some()
}

fn entry(
    workshop: &Workshop,
    component: &Component,
    is_middleware: bool,
) -> Result<Entry, LoadError> {
    let handle = match component.get_export(None, HANDLE) {
        Some((ComponentItem::ComponentFunc(function), handle)) => Some((function, handle)),
        _ => None,
    };
    let names = export_names(component);
    let exports = |prefix| names.iter().any(|name| name.starts_with(prefix));
    let (has_02, has_03) = (exports(HANDLER_02), exports(HANDLER_03));
    if handle.is_none() && !has_02 && !has_03 {
        return Err(no_handler(&names));
    }
    let kind = match (&handle, has_03) {
        (Some(_), _) => Kind::Lean,
        (None, true) => Kind::Wasi03,
        (None, false) => Kind::Wasi02,
    };
    if is_middleware && kind != Kind::Wasi03 {
        let export = kind.export();
        return Err(LoadError::HalfMiddleware { export });
    }
    imports::check(component)?;
    // What is left here is an interface with other functions or types than ours.
    let pre = workshop
        .linker
        .instantiate_pre(component)
        .map_err(|error| invalid(&error))?;
    if let Some((function, handle)) = handle {
        check_type(&function, &pre)?;
        return Ok(Entry::Lean { pre, handle });
    }
    let proxy = if has_03 {
        p3::bindings::ServicePre::new(pre).map(ProxyPre::P3)
    } else {
        p2::bindings::ProxyPre::new(pre).map(ProxyPre::P2)
    };
    proxy.map(Entry::Wasi).map_err(|error| invalid(&error))
}

/// Tells apart what is not a component, before a compiler says it less clearly.
fn check_kind(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if let Some(version) = bytes.strip_prefix(MAGIC) {
        let is_core = version.starts_with(CORE_MODULE);
        return if is_core {
            Err(LoadError::CoreModule)
        } else {
            Ok(())
        };
    }
    match bytes.trim_ascii_start() {
        text if text.starts_with(b"(module") => Err(LoadError::CoreModule),
        [b'(' | b';', ..] => Ok(()),
        _ => Err(LoadError::NotWasm),
    }
}

fn invalid(error: &wasmtime::Error) -> LoadError {
    LoadError::Invalid {
        reason: format!("{error:#}"),
    }
}

/// wasmtime compares the component's types with ours; the names in its records count.
fn check_type(function: &ComponentFunc, pre: &InstancePre<State>) -> Result<(), LoadError> {
    if function.async_() {
        let reason = "it is async, and the lean lane calls it synchronously".to_owned();
        return Err(LoadError::HandlerType { reason });
    }
    function
        .typecheck::<(Request<'_>,), (Answer,)>(&pre.instance_type())
        .map_err(|error| LoadError::HandlerType {
            reason: format!("{error:#}"),
        })
}

fn initial_memory(component: &Component) -> u64 {
    let pages = component
        .resources_required()
        .and_then(|resources| resources.max_initial_memory_size)
        .unwrap_or(0);
    pages.saturating_mul(PAGE_BYTES)
}

fn export_names(component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let exports = component_type.exports(component.engine());
    exports.map(|(name, _)| name.to_owned()).collect()
}

/// Says what the component exports, and which of the usual mistakes it looks like.
fn no_handler(names: &[String]) -> LoadError {
    let exports = match names.len() {
        0 => "nothing".to_owned(),
        count if count > NAMES_MAX => format!("{}, …", names[..NAMES_MAX].join(", ")),
        _ => names.join(", "),
    };
    let has = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    let hint = if has("wasi:http/") {
        "that is another version of wasi:http; build it with a toolchain for WASI 0.2 or 0.3"
    } else if has("wasi:cli/run") {
        "that is a command; a guest is a library with a `#[httpd_guest::handler]` function"
    } else {
        "the world `handler` of httpd:guest@0.1.0 would fit (see the wit/ folder)"
    };
    LoadError::NoHandler { exports, hint }
}

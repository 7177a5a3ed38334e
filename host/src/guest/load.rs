//! From bytes to a checked component. Whatever would make every call fail is found here, once,
//! and said in words that tell the guest's author what to do.

use super::error::LoadError;
use super::hash::ContentHash;
use super::interface::{Answer, Request};
use super::limits::PAGE_BYTES;
use super::log;
use super::state::State;
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

/// The world's export.
const HANDLE: &str = "handle";
/// The first bytes of every WebAssembly binary.
const MAGIC: &[u8] = b"\0asm";
/// Version 1 of layer 0: a core module.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
/// Exports named in a message.
const NAMES_MAX: usize = 12;

/// A component whose imports are linked and whose export is known to fit. Guests with different
/// limits share it.
pub(super) struct Loaded {
    pub(super) pre: InstancePre<State>,
    pub(super) handle: ComponentExportIndex,
    pub(super) hash: ContentHash,
    /// Bytes of memory that an instance starts with.
    initial_memory: u64,
}

impl Loaded {
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
pub(super) fn load(
    engine: &Engine,
    linker: &Linker<State>,
    hash: ContentHash,
    bytes: &[u8],
) -> Result<Loaded, LoadError> {
    check_kind(bytes)?;
    let component = Component::new(engine, bytes).map_err(|error| invalid(&error))?;
    let Some((ComponentItem::ComponentFunc(function), handle)) = component.get_export(None, HANDLE)
    else {
        return Err(no_handler(&component));
    };
    check_imports(&component)?;
    // What is left here is a function of a granted interface with other types than ours.
    let pre = linker
        .instantiate_pre(&component)
        .map_err(|error| invalid(&error))?;
    check_type(&function, &pre)?;
    Ok(Loaded {
        pre,
        handle,
        hash,
        initial_memory: initial_memory(&component),
    })
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

/// Lists every import that the linker does not have; the linker itself would name only one.
fn check_imports(component: &Component) -> Result<(), LoadError> {
    let mut missing = Vec::new();
    for (name, import) in component.component_type().imports(component.engine()) {
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                let items = instance.exports(component.engine());
                let needed = items.filter(|(_, item)| needs_a_host(&item.ty));
                let refused = needed.filter(|(item, _)| !is_granted(name, item));
                missing.extend(refused.map(|(item, _)| format!("{name}#{item}")));
            }
            item if needs_a_host(&item) => missing.push(name.to_owned()),
            _ => {}
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(LoadError::Imports(missing))
    }
}

/// Types alone need nobody to provide them.
fn needs_a_host(item: &ComponentItem) -> bool {
    !matches!(item, ComponentItem::Type(_))
}

/// The log, in any version that is compatible with ours: before 1.0 the minor number decides.
fn is_granted(interface: &str, item: &str) -> bool {
    let minor = log::INTERFACE
        .rsplit_once('.')
        .map_or(log::INTERFACE, |(minor, _)| minor);
    let patch = interface
        .strip_prefix(minor)
        .and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.parse::<u64>().is_ok()) && item == "write"
}

/// Says what the component exports, and which of the usual mistakes it looks like.
fn no_handler(component: &Component) -> LoadError {
    let component_type = component.component_type();
    let names: Vec<_> = component_type
        .exports(component.engine())
        .map(|(name, _)| name)
        .collect();
    let exports = match names.len() {
        0 => "nothing".to_owned(),
        count if count > NAMES_MAX => format!("{}, …", names[..NAMES_MAX].join(", ")),
        _ => names.join(", "),
    };
    let has = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    let hint = if has("wasi:http/") {
        "that is a wasi:http component, and this host calls httpd:guest handlers only"
    } else if has("wasi:cli/run") {
        "that is a command; a guest is a library with a `#[httpd_guest::handler]` function"
    } else {
        "the world `handler` of httpd:guest@0.1.0 would fit (see the wit/ folder)"
    };
    LoadError::NoHandler { exports, hint }
}

//! What a guest may import, and how the host provides it. What an import may do at run time is not
//! decided here: an interface is there for every guest, and denies what is not granted.

use super::error::LoadError;
use super::log;
use super::state::State;
use super::wasi;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

/// Packages of WASI 0.2 that are provided to all guests.
const WASI_02: [&str; 9] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:config",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:keyvalue",
    "wasi:random",
    "wasi:sockets",
];
/// Packages of WASI 0.3 that are provided where the engine can run calls concurrently.
const WASI_03: [&str; 6] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:random",
    "wasi:sockets",
];

/// How the import of a middleware begins, which hands requests on to the handler behind it.
const NEXT: &str = "wasi:http/handler@0.3.";

/// Everything that guests of an engine without concurrent calls may import.
///
/// # Errors
/// Only when two of them claim the same name.
pub(super) fn plain(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    log::add_to_linker(&mut linker)?;
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_config::add_to_linker(&mut linker, State::config)?;
    wasi::add_keyvalue_to_linker(&mut linker, State::keyvalue)?;
    linker.allow_shadowing(true);
    wasi::refuse_sockets_02(&mut linker)?;
    linker.allow_shadowing(false);
    Ok(linker)
}

/// The same for an engine with concurrent calls, which WASI 0.3 is made of.
///
/// # Errors
/// Only when two of them claim the same name.
pub(super) fn concurrent(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = plain(engine)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    linker.allow_shadowing(true);
    wasi::refuse_sockets_03(&mut linker)?;
    linker.allow_shadowing(false);
    wasi::add_next_to_linker(&mut linker)?;
    Ok(linker)
}

/// Whether a component imports anything of WASI, so that its instances need what it takes.
pub(super) fn need_wasi(component: &Component) -> bool {
    let component_type = component.component_type();
    let mut imports = component_type.imports(component.engine());
    imports.any(|(name, _)| name.starts_with("wasi:"))
}

/// Whether a component calls the handler behind it, as a middleware does. Many others import the
/// interface for its types alone.
pub(super) fn need_next(component: &Component) -> bool {
    let component_type = component.component_type();
    let imports = component_type.imports(component.engine());
    let mut interfaces = imports.filter(|(name, _)| name.starts_with(NEXT));
    interfaces.any(|(_, import)| match import.ty {
        ComponentItem::ComponentInstance(instance) => {
            let mut items = instance.exports(component.engine());
            items.any(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
        }
        _ => false,
    })
}

/// Lists every import that nobody provides; a linker would name only one.
///
/// # Errors
/// The imports' full names.
pub(super) fn check(component: &Component) -> Result<(), LoadError> {
    let mut missing = Vec::new();
    for (name, import) in component.component_type().imports(component.engine()) {
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                let items = instance.exports(component.engine());
                let needed = items.filter(|(_, item)| needs_a_host(&item.ty));
                let refused = needed.filter(|(item, _)| !is_provided(name, item));
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

fn is_provided(interface: &str, item: &str) -> bool {
    is_log(interface, item) || is_wasi(interface)
}

/// The log, in any version that is compatible with ours: before 1.0 the minor number decides.
pub(super) fn is_log(interface: &str, item: &str) -> bool {
    let minor = log::INTERFACE
        .rsplit_once('.')
        .map_or(log::INTERFACE, |(minor, _)| minor);
    let patch = interface
        .strip_prefix(minor)
        .and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.parse::<u64>().is_ok()) && item == "write"
}

/// `wasi:io/streams@0.2.3`, by its package and minor version. That a package has such an interface
/// is for the linker to say.
fn is_wasi(interface: &str) -> bool {
    let Some((package, version)) = interface
        .split_once('/')
        .and_then(|(package, rest)| Some((package, rest.split_once('@')?.1)))
    else {
        return false;
    };
    version.starts_with("0.2.") && WASI_02.contains(&package)
        || version.starts_with("0.3.") && WASI_03.contains(&package)
}

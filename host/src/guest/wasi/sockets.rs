//! `wasi:sockets`: no guest is granted any, and what it reaches for is told in the log. A socket is
//! refused when it is made, so that none ever exists; names are not looked up at all.

use crate::guest::state::State;
use wasmtime::component::{Accessor, Linker, Lower, Resource};
use wasmtime_wasi::p2::bindings::sockets as p2;
use wasmtime_wasi::p3::bindings::sockets as p3;

/// The versions under which `wasmtime-wasi` offers the interfaces. A test notices others.
const TCP_02: &str = "wasi:sockets/tcp-create-socket@0.2.12";
const UDP_02: &str = "wasi:sockets/udp-create-socket@0.2.12";
const NAMES_02: &str = "wasi:sockets/ip-name-lookup@0.2.12";
const TYPES_03: &str = "wasi:sockets/types@0.3.0";
const NAMES_03: &str = "wasi:sockets/ip-name-lookup@0.3.0";

/// What a guest reaches for.
enum Sought {
    Tcp,
    Udp,
    Name(String),
}

/// Puts refusals that are told in place of the functions of WASI 0.2 that refuse silently. The
/// linker has to allow shadowing.
///
/// # Errors
/// Only when the linker does not.
pub(in crate::guest) fn refuse_02(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    type Family = (p2::network::IpAddressFamily,);
    type Name = (Resource<p2::network::Network>, String);
    const DENIED: p2::network::ErrorCode = p2::network::ErrorCode::AccessDenied;
    const NO_ADDRESS: p2::network::ErrorCode = p2::network::ErrorCode::PermanentResolverFailure;
    let mut tcp = linker.instance(TCP_02)?;
    tcp.func_wrap("create-tcp-socket", |mut store, _: Family| {
        refused::<Resource<p2::tcp::TcpSocket>, _>(store.data_mut(), &Sought::Tcp, DENIED)
    })?;
    let mut udp = linker.instance(UDP_02)?;
    udp.func_wrap("create-udp-socket", |mut store, _: Family| {
        refused::<Resource<p2::udp::UdpSocket>, _>(store.data_mut(), &Sought::Udp, DENIED)
    })?;
    let mut names = linker.instance(NAMES_02)?;
    names.func_wrap("resolve-addresses", |mut store, (_, name): Name| {
        type Addresses = Resource<p2::ip_name_lookup::ResolveAddressStream>;
        refused::<Addresses, _>(store.data_mut(), &Sought::Name(name), NO_ADDRESS)
    })
}

/// The same for WASI 0.3.
///
/// # Errors
/// Only when the linker does not allow shadowing.
pub(in crate::guest) fn refuse_03(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    type Family = (p3::types::IpAddressFamily,);
    const DENIED: p3::types::ErrorCode = p3::types::ErrorCode::AccessDenied;
    let mut types = linker.instance(TYPES_03)?;
    types.func_wrap("[static]tcp-socket.create", |mut store, _: Family| {
        refused::<Resource<p3::types::TcpSocket>, _>(store.data_mut(), &Sought::Tcp, DENIED)
    })?;
    types.func_wrap("[static]udp-socket.create", |mut store, _: Family| {
        refused::<Resource<p3::types::UdpSocket>, _>(store.data_mut(), &Sought::Udp, DENIED)
    })?;
    let mut names = linker.instance(NAMES_03)?;
    names.func_wrap_concurrent(
        "resolve-addresses",
        |accessor: &Accessor<State>, (name,): (String,)| {
            Box::pin(async move {
                let code = p3::ip_name_lookup::ErrorCode::PermanentResolverFailure;
                accessor.with(|mut access| {
                    let sought = Sought::Name(name);
                    refused::<Vec<p3::types::IpAddress>, _>(access.data_mut(), &sought, code)
                })
            })
        },
    )
}

/// What a function returns that gives nobody a `T`.
fn refused<T: Lower, E: Lower>(
    state: &mut State,
    sought: &Sought,
    code: E,
) -> wasmtime::Result<(Result<T, E>,)> {
    let refusals = state.refusals();
    match sought {
        Sought::Tcp => refusals.note("sockets", "TCP sockets"),
        Sought::Udp => refusals.note("sockets", "UDP sockets"),
        Sought::Name(name) => refusals.note("lookups of names", name),
    }
    Ok((Err(code),))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Config, Engine};

    /// Under another name they would stand beside what they are to replace.
    #[test]
    fn what_is_replaced_is_there() {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let mut linker = Linker::<State>::new(&Engine::new(&config).unwrap());
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
        let functions = [
            (TCP_02, "create-tcp-socket"),
            (UDP_02, "create-udp-socket"),
            (NAMES_02, "resolve-addresses"),
            (TYPES_03, "[static]tcp-socket.create"),
            (TYPES_03, "[static]udp-socket.create"),
            (NAMES_03, "resolve-addresses"),
        ];
        for (interface, function) in functions {
            let mut interface = linker.instance(interface).unwrap();
            let nothing = interface.func_wrap(function, |_, ()| Ok(()));
            assert!(nothing.is_err(), "{function}");
        }
        linker.allow_shadowing(true);
        refuse_02(&mut linker).unwrap();
        refuse_03(&mut linker).unwrap();
    }
}

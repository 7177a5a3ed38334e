//! How each subject is started: its command line and its configuration. All have their defaults,
//! but for what is said here.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::peers;
use super::server::{Announces, Launch};
use super::subject::{Kind, Lane, Subject};
use crate::lab::host as lab_host;
use crate::project;

/// Where the host's program is, and where servers may lay what they need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) host: &'a Path,
    pub(super) folder: &'a Path,
}

/// What differs from a subject's defaults.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes<'a> {
    /// Keys of `[server]`.
    pub(super) server: &'a str,
    /// Keys of each guest.
    pub(super) guest: &'a str,
    /// Keys of each route.
    pub(super) route: &'a str,
    /// More arguments of `wasmtime serve`.
    pub(super) flags: &'a [&'a str],
}

/// Prepares a subject that answers `/hello`, and `/echo` if it can.
///
/// # Errors
/// A program or a component cannot be had.
pub(super) fn subject(place: Place<'_>, subject: &Subject, changes: Changes<'_>) -> Result<Launch> {
    let folder = place.folder.join(subject.name);
    fs::create_dir_all(&folder)?;
    match subject.kind {
        Kind::Ours { lane, instances } => {
            let keys = format!("instances = {instances}\n{}", changes.guest);
            let sections = sections(lane, &keys, changes.route)?;
            ours(
                Place {
                    folder: &folder,
                    ..place
                },
                changes.server,
                &sections,
            )
        }
        Kind::Wasmtime { lane, flags } => {
            let flags = [&flags.concat(), changes.flags].concat();
            wasmtime(&folder, &component(lane, "hello")?, &flags)
        }
        Kind::Native(name) => Ok(Launch {
            program: peers::native()?,
            arguments: vec![name.into()],
            environment: Vec::new(),
            announces: Announces::Out("listening on http://"),
            log: folder.join("log"),
        }),
        Kind::Nginx => nginx(&folder),
    }
}

/// Prepares the host with these guests and routes. Everything else is as it is by default, the
/// access log too, which goes to a file.
///
/// # Errors
/// Those of the system.
pub(super) fn ours(place: Place<'_>, server: &str, sections: &str) -> Result<Launch> {
    let config = place.folder.join("config.toml");
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\n{server}\n[cache]\ndirectory = \"cache\"\n{sections}"
    );
    fs::write(&config, text)?;
    // In a folder of its own, which the host has no reason to watch.
    let log = place.folder.join("log");
    fs::create_dir_all(&log)?;
    Ok(Launch {
        program: place.host.to_owned(),
        arguments: vec!["--config".into(), config.into()],
        environment: Vec::new(),
        announces: Announces::Out("listening on http://"),
        log: log.join("lines"),
    })
}

/// The component that answers `path` in this lane. Both hosts serve the same files.
pub(super) fn component(lane: Lane, path: &str) -> Result<PathBuf> {
    let file = match lane {
        Lane::Lean => format!("guests/dist/{path}.wasm"),
        Lane::Wasi02 => "fixtures/dist/rust-proxy.wasm".to_owned(),
        Lane::Wasi03 => "fixtures/dist/rust-service.wasm".to_owned(),
    };
    let path = project::root().join(file);
    path.canonicalize()
        .with_context(|| path.display().to_string())
}

fn sections(lane: Lane, guest: &str, route: &str) -> Result<String> {
    let mut text = String::new();
    for name in ["hello", "echo"] {
        let component = component(lane, name)?.display().to_string();
        text += &lab_host::guest(name, &component, &format!("/{name}"), guest);
        text += &format!("{route}\n");
    }
    Ok(text)
}

fn wasmtime(folder: &Path, component: &Path, flags: &[&str]) -> Result<Launch> {
    let mut arguments = vec!["serve".into(), "--addr".into(), "127.0.0.1:0".into()];
    arguments.extend(flags.iter().map(Into::into));
    arguments.push(component.into());
    Ok(Launch {
        program: peers::wasmtime()?,
        arguments,
        // Where it keeps compiled code, if it is told to.
        environment: vec![("XDG_CACHE_HOME", folder.join("cache").into())],
        announces: Announces::Err("Serving HTTP on http://"),
        log: folder.join("log"),
    })
}

fn nginx(folder: &Path) -> Result<Launch> {
    // It does not tell which port it got, so a free one is chosen for it.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let folder_name = folder.display();
    let scratch: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("  {what}_temp_path {folder_name}/{what};\n"))
        .concat();
    // It closes a connection after 1,000 requests if it may, which wrk would have to make good.
    let text = format!(
        "daemon off;\nworker_processes auto;\npid {folder_name}/pid;\n\
         events {{ worker_connections 20000; }}\n\
         http {{\n{scratch}  access_log {folder_name}/log;\n  keepalive_requests 1000000000;\n  \
         server {{\n    listen {address} backlog=1024;\n    \
         location /hello {{ default_type text/plain; return 200 \"Hello world!\"; }}\n  }}\n}}\n"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text)?;
    Ok(Launch {
        program: peers::nginx()?,
        arguments: [
            "-p",
            &folder_name.to_string(),
            "-e",
            "errors",
            "-c",
            "nginx.conf",
        ]
        .map(Into::into)
        .to_vec(),
        environment: Vec::new(),
        announces: Announces::Given(address),
        log: folder.join("log"),
    })
}

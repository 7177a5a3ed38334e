//! What keeps guests from being made ready, said with the guest's name and its file.

use std::sync::Arc;

use super::bodies::Oversized;
use super::probe::ProbeError;
use crate::config::ShowSize;
use crate::files::ReadError;
use crate::guest::{Kind, LoadError, SandboxError};

/// A guest, or the sandbox for all of them, could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two routes take the same requests. A configuration that was read has none of these.
    #[error("the routes {first} and {second} overlap")]
    Overlap {
        /// The earlier route's pattern.
        first: String,
        /// The later route's pattern.
        second: String,
    },
    /// No guest can run with these settings.
    #[error("the sandbox cannot be set up: {0}")]
    Sandbox(#[from] Arc<SandboxError>),
    /// A component's file could not be read.
    #[error("guest `{guest}`: {source}{}", too_large(source))]
    Unreadable {
        /// The guest's name.
        guest: String,
        /// What is wrong with it.
        source: ReadError,
    },
    /// A component does not fit.
    #[error("guest `{guest}`: {origin}: {source}")]
    Load {
        /// The guest's name.
        guest: String,
        /// The component's file, or that it is built in.
        origin: String,
        /// What is wrong with it.
        source: LoadError,
    },
    /// A component fits, but did not answer its probe as it should.
    #[error("guest `{guest}`: {origin}: {source}")]
    Probe {
        /// The guest's name.
        guest: String,
        /// The component's file, or that it is built in.
        origin: String,
        /// What came back.
        source: ProbeError,
    },
    /// A guest takes bodies whole, and its routes allow some that never fit into memory.
    #[error(
        "guest `{guest}`: it is of the {kind} lane, which takes bodies whole, and \
         limits.buffered_max ({}) has no room for them: {}; raise limits.buffered_max or lower \
         that, or use a guest that streams",
        ShowSize(*buffered_max), listed(routes)
    )]
    Bodies {
        /// The guest's name.
        guest: String,
        /// How it is called.
        kind: Kind,
        /// The bytes of all bodies together.
        buffered_max: u64,
        /// The routes that allow more.
        routes: Vec<Oversized>,
    },
    /// What a guest was granted cannot be opened.
    #[error("guest `{guest}`: {reason}")]
    Service {
        /// The guest's name.
        guest: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A guest is not what a route uses it for.
    #[error("routes: {route}: guest `{guest}` {reason}")]
    Role {
        /// The guest's name.
        guest: String,
        /// The route's pattern.
        route: String,
        /// What it is, and what to do.
        reason: String,
    },
    /// These bytes served before, failed, and were taken back.
    #[error(
        "guest `{guest}`: {origin}: this very content failed and was taken back; put another one \
         there, or the one before"
    )]
    Rejected {
        /// The guest's name.
        guest: String,
        /// The component's file.
        origin: String,
    },
}

impl RegistryError {
    /// Whether the same content may do another time: the reason lies with the system, or with how
    /// busy it was.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreadable { source, .. } => {
                matches!(
                    source,
                    ReadError::Unstable { .. } | ReadError::Refused { .. }
                )
            }
            Self::Probe { source, .. } => source.may_pass(),
            Self::Sandbox(_)
            | Self::Overlap { .. }
            | Self::Load { .. }
            | Self::Bodies { .. }
            | Self::Service { .. }
            | Self::Role { .. }
            | Self::Rejected { .. } => false,
        }
    }
}

fn listed(routes: &[Oversized]) -> String {
    let routes: Vec<_> = routes.iter().map(ToString::to_string).collect();
    routes.join(", ")
}

/// What to do about a component that is too large.
fn too_large(error: &ReadError) -> &'static str {
    match error {
        ReadError::TooLarge { .. } => {
            " (sandbox.component_max): strip its debug information, or raise the limit"
        }
        _ => "",
    }
}

//! The control socket over a real socket: askers of every kind, and a host that answers by rote.

mod askers;
mod files;
mod support;
mod tables;

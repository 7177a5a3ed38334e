//! What the labs that measure have in common: a host of their own to do it to, ways to ask and
//! load it, and a document for the results. No lab's question or bound is here.

pub(crate) mod bounds;
pub(crate) mod components;
pub(crate) mod control;
pub(crate) mod counters;
pub(crate) mod document;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod machine;
pub(crate) mod namespace;
pub(crate) mod others;
pub(crate) mod wrk;

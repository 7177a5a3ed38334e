//! The `#[handler]` attribute.

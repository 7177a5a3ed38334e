//! What a Rust handler author sees.

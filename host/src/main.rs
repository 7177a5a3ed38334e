//! The `httpd-host` program.
fn main() {}

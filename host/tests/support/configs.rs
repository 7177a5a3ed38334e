//! Configurations in pieces. A test writes the sections it is about and adds guests from here.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The guest that greets, on `/hello`.
pub(crate) const HELLO: &str = r#"
[guests.hello]
component = "guests/dist/hello.wasm"
[[routes]]
path = "/hello"
guest = "hello"
"#;

/// The guest that sends a request's body back, on `/echo`.
pub(crate) const ECHO: &str = r#"
[guests.echo]
component = "guests/dist/echo.wasm"
[[routes]]
path = "/echo"
guest = "echo"
"#;

/// A guest of guests/faults on a path of the same name, with these `keys` in its section.
pub(crate) fn fault(name: &str, keys: &str) -> String {
    guest(name, &format!("faults/{name}"), keys) + &route(&format!("/{name}"), name, "")
}

/// A guest under a name of its own, without a route. `component` is a file of guests/dist.
pub(crate) fn guest(name: &str, component: &str, keys: &str) -> String {
    format!("\n[guests.{name}]\ncomponent = \"guests/dist/{component}.wasm\"\n{keys}\n")
}

/// A route to a guest, with these `keys` besides.
pub(crate) fn route(path: &str, guest: &str, keys: &str) -> String {
    format!("\n[[routes]]\npath = \"{path}\"\nguest = \"{guest}\"\n{keys}\n")
}

/// The project's folder, which components' paths are relative to.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text with what every test wants: a port that the kernel chooses, a pool of instances small
/// enough for many servers in one process, and compiled code kept from one test to the next.
///
/// # Panics
/// When the guests are not built.
pub(super) fn complete(sections: &str) -> String {
    assert!(
        root().join("guests/dist/faults/trap.wasm").is_file(),
        "the guests are not built: run `cargo xtask guests` first"
    );
    let mut text = String::new();
    if !sections.contains("[server]") {
        text.push_str("[server]\nlisten = [\"127.0.0.1:0\"]\n");
    }
    if !sections.contains("[sandbox]") {
        text.push_str("[sandbox]\ninstances_max = 64\n");
    }
    if !sections.contains("[cache]") {
        let _ = writeln!(text, "[cache]\ndirectory = {:?}", cache());
    }
    text + sections
}

/// Where tests keep compiled code: not among the user's own.
pub(super) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

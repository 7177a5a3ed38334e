//! Runs a test of this binary again inside a fresh network namespace, where the kernel's counters
//! start at nothing and count nobody else. What is tested there is not known here.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

/// Brings up the loopback, then becomes the program it is given. `ip` is often only where
/// administrators' programs are.
const ENTER: &str = r#"PATH="$PATH:/usr/sbin:/sbin"; ip link set lo up && exec "$0" "$@""#;

/// Runs the test named `test` (ignored otherwise) in a namespace of its own.
///
/// Panics when it fails, when it does not exist, or when this machine allows no namespaces.
pub(super) fn run(test: &str) {
    let this_program = env::current_exe().expect("a test knows its own program");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", ENTER])
        .arg(this_program)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .expect("this test needs the program unshare (Debian: util-linux)");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{said}");
    assert!(
        said.contains("running 1 test"),
        "{test} was not run in a network namespace of its own. That takes unshare (Debian: \
         util-linux), ip (Debian: iproute2) and a system that lets this user create user and \
         network namespaces; try: unshare -rn ip link set lo up\n{complained}"
    );
    assert!(output.status.success(), "{complained}");
}

/// Panics unless this process has a network namespace that holds nothing but a loopback.
pub(super) fn assert_fresh() {
    let interfaces = fs::read_to_string("/proc/self/net/dev").expect("/proc/self/net/dev");
    let names: Vec<_> = interfaces
        .lines()
        .filter_map(|line| line.split_once(':').map(|(name, _)| name.trim()))
        .collect();
    assert_eq!(
        names,
        ["lo"],
        "this test belongs into a network namespace of its own; another test starts it there"
    );
}

//! Clients that people really use, each against the real program. What they check is the point of
//! view of their users: bytes come back, connections are kept, nothing is an error.

mod curl;
mod load;
mod scripts;

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{ECHO, HELLO, Program, guest, route};

/// A body that fills many windows.
const BODY_BYTES: usize = 5 << 20;

/// The program with hello, echo, and an echo that takes little.
fn program() -> Program {
    program_with("")
}

/// The same, with these sections besides.
fn program_with(sections: &str) -> Program {
    let small = [
        guest("small", "echo", ""),
        route("/small", "small", "body_max = \"64KiB\""),
    ];
    Program::start(&[sections, HELLO, ECHO, &small.concat()].concat())
}

/// The address of a path there.
fn url(program: &Program, path: &str) -> String {
    format!("http://{}{path}", program.addresses[0])
}

/// Bytes in no order, the same each time: what is lost or swapped shows.
fn body() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..BODY_BYTES / 8).flat_map(|_| next()).collect()
}

/// What a client program printed.
struct Said {
    out: Vec<u8>,
    err: String,
}

impl Said {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text")
    }
}

/// Runs a program of this Debian `package` with `input`, and expects it to succeed.
#[track_caller]
fn run(package: &str, command: &mut Command, input: Vec<u8>) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            let name = command.get_program().display();
            panic!("this test needs {name} (Debian: {package}): {error}")
        });
    let mut stdin = child.stdin.take().unwrap();
    // From a thread, as it prints while it still reads. It may also stop reading.
    let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let out = output.stdout;
    let start = String::from_utf8_lossy(&out[..out.len().min(2000)]).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{err}\n{start}",
        output.status
    );
    Said { out, err }
}

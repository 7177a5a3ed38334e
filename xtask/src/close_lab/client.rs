//! The client of a case, nearly always curl, and what it saw of the response.
//! The judgement is pure and goes by the bytes it printed, not by what it thinks of them.

use std::{
    fmt,
    io::Write,
    net::SocketAddr,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result};

use super::writer;

/// Seconds after which curl gives up: far above every case, so that a hang shows as exit 28.
const PATIENCE_SECONDS: &str = "20";

/// What the client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// A GET of a few dozen bytes.
    Get,
    /// The same with `Connection: close`.
    GetClose,
    /// A POST with this many bytes of body, sent as fast as the connection takes them.
    Post(usize),
    /// The same, at most two MiB a second: the answer finds the upload under way.
    SlowPost(usize),
    /// The same by a client that sends all of it before it reads, see [`super::writer`].
    WriterPost(usize),
    /// The same, with `Expect: 100-continue`: curl waits for the server before it uploads.
    ExpectPost(usize),
}

/// One run of the client.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its exit status; 0 is success. 128 and more: ended by a signal.
    pub(crate) exit: i32,
    /// What it said on its standard error, as one line.
    pub(crate) said: String,
    /// How much of a response it printed.
    pub(crate) seen: Seen,
}

/// How much of a response arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The status line, all fields and as many bytes of body as they promise.
    Complete(String),
    /// The beginning of a response: its status line, bytes of body here and promised.
    Partial(String, usize, usize),
    /// Not one whole head.
    Nothing,
}

/// How a request ended for whoever ran the client. The order is from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The whole response, and the client is content.
    Complete,
    /// The whole response was received, yet the client failed: a script throws the response away.
    CompleteButFailed,
    /// Only part of the response.
    Truncated,
    /// No response at all.
    Lost,
}

impl Run {
    /// How the request ended.
    pub(crate) fn outcome(&self) -> Outcome {
        match (&self.seen, self.exit) {
            (Seen::Complete(_), 0) => Outcome::Complete,
            (Seen::Complete(_), _) => Outcome::CompleteButFailed,
            (Seen::Partial(..), _) => Outcome::Truncated,
            (Seen::Nothing, _) => Outcome::Lost,
        }
    }

    /// One line for the report: outcome, exit status and the client's own words.
    pub(crate) fn summary(&self) -> String {
        let said = if self.said.is_empty() {
            String::new()
        } else {
            format!(", `{}`", self.said)
        };
        format!("{} (exit {}{said})", self.seen, self.exit)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete(status) => write!(formatter, "`{status}` and the whole body"),
            Self::Partial(status, ..) => write!(formatter, "`{status}`, body cut short"),
            Self::Nothing => formatter.write_str("no response"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Complete => "complete response",
            Self::CompleteButFailed => "complete response, but the client failed",
            Self::Truncated => "truncated response",
            Self::Lost => "no response",
        })
    }
}

/// Sends `request` to `server`, with curl unless it says otherwise, and reports what came back.
///
/// # Errors
/// curl cannot be started.
pub(crate) fn send(server: SocketAddr, request: Request) -> Result<Run> {
    match request {
        Request::WriterPost(bytes) => writer::post(server, bytes),
        _ => curl(server, request),
    }
}

fn curl(server: SocketAddr, request: Request) -> Result<Run> {
    let mut command = Command::new("curl");
    command.args([
        "-q",
        "-sS",
        "-i",
        "--http1.1",
        "--noproxy",
        "*",
        "-m",
        PATIENCE_SECONDS,
    ]);
    command
        .args(arguments(request))
        .arg(format!("http://{server}/lab"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .context("cannot start curl; install it (apt: curl)")?;
    let mut upload = child.stdin.take();
    let body = vec![b'u'; body_bytes(request)];
    // curl reads the whole body before it connects (--data-binary); it may refuse to.
    let write = upload.as_mut().map(|stdin| stdin.write_all(&body));
    drop(upload);
    let output = child.wait_with_output()?;
    if let Some(Err(error)) = write {
        anyhow::ensure!(
            !output.status.success(),
            "curl did not take its body: {error}"
        );
    }
    Ok(read_output(&output))
}

fn arguments(request: Request) -> &'static [&'static str] {
    match request {
        Request::Get => &[],
        Request::GetClose => &["-H", "Connection: close"],
        Request::Post(_) | Request::WriterPost(_) => &["--data-binary", "@-", "-H", "Expect:"],
        Request::SlowPost(_) => &["--data-binary", "@-", "-H", "Expect:", "--limit-rate", "2M"],
        Request::ExpectPost(_) => &["--data-binary", "@-", "-H", "Expect: 100-continue"],
    }
}

fn body_bytes(request: Request) -> usize {
    match request {
        Request::Get | Request::GetClose => 0,
        Request::Post(bytes)
        | Request::SlowPost(bytes)
        | Request::WriterPost(bytes)
        | Request::ExpectPost(bytes) => bytes,
    }
}

fn read_output(output: &Output) -> Run {
    let said = String::from_utf8_lossy(&output.stderr);
    Run {
        exit: output.status.code().unwrap_or(128),
        said: said.lines().map(str::trim).collect::<Vec<_>>().join(" "),
        seen: see(&output.stdout),
    }
}

/// Finds out how much of a response `printed` holds, skipping interim (1xx) responses. The
/// responses of this lab all promise their length with Content-Length.
pub(crate) fn see(printed: &[u8]) -> Seen {
    let Some(end) = printed.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Seen::Nothing;
    };
    let head = String::from_utf8_lossy(&printed[..end]);
    let body = &printed[end + 4..];
    let status = head
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_owned();
    if status.starts_with("HTTP/1.1 1") {
        return see(body);
    }
    let promised = content_length(&head).unwrap_or(0);
    if body.len() < promised {
        Seen::Partial(status, body.len(), promised)
    } else {
        Seen::Complete(status)
    }
}

fn content_length(head: &str) -> Option<usize> {
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-length: 5\r\n\r\n";
    const STATUS: &str = "HTTP/1.1 404 Not Found";

    fn outcome(exit: i32, printed: &[u8]) -> Outcome {
        Run {
            exit,
            said: String::new(),
            seen: see(printed),
        }
        .outcome()
    }

    #[test]
    fn a_response_is_complete_with_its_last_byte() {
        assert_eq!(
            see(&[HEAD, b"12345"].concat()),
            Seen::Complete(STATUS.to_owned())
        );
        assert_eq!(
            see(&[HEAD, b"1234"].concat()),
            Seen::Partial(STATUS.to_owned(), 4, 5)
        );
        assert_eq!(see(&HEAD[..HEAD.len() - 1]), Seen::Nothing);
        assert_eq!(see(b""), Seen::Nothing);
    }

    #[test]
    fn an_interim_response_is_not_the_response() {
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
        assert_eq!(see(interim), Seen::Nothing);
        assert_eq!(
            see(&[interim, HEAD, b"12345"].concat()),
            Seen::Complete(STATUS.to_owned())
        );
    }

    #[test]
    fn the_outcome_goes_by_what_arrived_and_then_by_the_exit_status() {
        let whole = [HEAD, b"12345"].concat();
        assert_eq!(outcome(0, &whole), Outcome::Complete);
        assert_eq!(outcome(56, &whole), Outcome::CompleteButFailed);
        assert_eq!(outcome(56, HEAD), Outcome::Truncated);
        assert_eq!(outcome(18, HEAD), Outcome::Truncated);
        assert_eq!(outcome(56, b""), Outcome::Lost);
        assert!(Outcome::Complete < Outcome::Lost);
    }
}

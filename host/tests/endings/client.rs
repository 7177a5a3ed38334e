//! One client that follows a script. It writes and reads at the same time, so that two full
//! windows cannot hold up each other for good. It reports what it saw and judges nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{Barrier, watch};

use super::response;
use crate::support::Response;

/// Longer than anything takes on the slowest machine: a script that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause after each byte that is sent slowly.
const TRICKLE_PAUSE: Duration = Duration::from_millis(10);
/// Bytes per write of a body, and per chunk.
const PIECE_BYTES: usize = 16 * 1024;

/// What the writing side does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends so many bytes of a body.
    Fill(usize),
    /// Sends so many bytes of a body in chunks, and no last chunk.
    Chunks(usize),
    /// Sends so many bytes one by one, slowly.
    Trickle(usize),
    /// Waits for so many responses in all.
    AwaitResponses(usize),
    /// Waits until nothing more can be read.
    AwaitEnd,
    /// Waits for all clients and the driver to come here, and then once more for the driver.
    Gate,
    /// Sends the FIN.
    HalfClose,
}

/// How a client treats the end of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    /// Gives up a body it is sending once it has read the end, as browsers do.
    #[default]
    Stops,
    /// Sends all it wants to, whatever it reads.
    SendsAll,
    /// Reads nothing before it has sent everything, as simple clients do.
    ReadsLate,
    /// Resets the connection after the last step, however much was read.
    Resets,
    /// Leaves its side open when it has read the end.
    Stays,
}

/// What a client does.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) manner: Manner,
    /// What its requests' answers are framed for.
    pub(super) method: &'static str,
}

impl Script {
    /// Whether its clients wait for the driver.
    pub(super) fn has_gate(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Gate))
    }
}

/// What a client saw.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The complete responses, without interim ones.
    pub(super) responses: Vec<Response>,
    /// Bytes after them that are no complete response.
    pub(super) rest: Vec<u8>,
    /// How reading ended: in good order unless there is an error.
    pub(super) read_error: Option<io::Error>,
    /// Why not everything could be written.
    pub(super) write_error: Option<io::Error>,
    /// The connection of a client that stays.
    pub(super) stream: Option<TcpStream>,
}

impl Outcome {
    /// Whether the connection was reset under the client's hands.
    pub(super) fn saw_reset(&self) -> bool {
        let errors = [&self.read_error, &self.write_error];
        errors.into_iter().flatten().any(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        })
    }
}

/// How far both sides are, for those who wait for it.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    responses: usize,
    read_to_end: bool,
    written: bool,
}

/// Follows `script` to its end. `gate` is where [`Step::Gate`] waits.
///
/// # Errors
/// The client could not connect.
pub(super) async fn run(
    address: SocketAddr,
    script: &Script,
    gate: Arc<Barrier>,
) -> io::Result<Outcome> {
    let mut stream = TcpStream::connect(address).await?;
    let progress = watch::Sender::new(Progress::default());
    let mut received = Received::default();
    let (reading, writing) = stream.split();
    let write = async {
        let written = write(writing, script, &gate, &progress).await;
        progress.send_modify(|progress| progress.written = true);
        written
    };
    let read = received.read(reading, script, &progress);
    let both = async {
        if script.manner == Manner::Resets {
            tokio::select! { written = write => written, () = read => Ok(()) }
        } else {
            tokio::join!(write, read).0
        }
    };
    let written = match tokio::time::timeout(PATIENCE, both).await {
        Ok(written) => written,
        Err(elapsed) => Err(elapsed.into()),
    };
    if script.manner == Manner::Resets {
        // Closing throws away what was not sent, and the kernel sends RST instead of FIN.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    Ok(Outcome {
        responses: received.responses,
        rest: received.bytes,
        read_error: received.error,
        write_error: written.err(),
        stream: (script.manner == Manner::Stays).then_some(stream),
    })
}

/// Keeps sending single bytes until the connection no longer takes them or `over` completes.
pub(super) async fn trickle_until(mut stream: TcpStream, over: impl Future<Output = ()>) {
    let endless = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(TRICKLE_PAUSE).await;
        }
    };
    tokio::select! { () = endless => {}, () = over => {} }
}

#[derive(Debug, Default)]
struct Received {
    bytes: Vec<u8>,
    responses: Vec<Response>,
    error: Option<io::Error>,
}

impl Received {
    async fn read(
        &mut self,
        mut reading: ReadHalf<'_>,
        script: &Script,
        progress: &watch::Sender<Progress>,
    ) {
        if script.manner == Manner::ReadsLate {
            wait(progress, |progress| progress.written).await;
        }
        loop {
            match reading.read_buf(&mut self.bytes).await {
                Ok(0) => break,
                Ok(_) => self.take_responses(script.method),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
            let responses = self.responses.len();
            progress.send_modify(|progress| progress.responses = responses);
        }
        progress.send_modify(|progress| progress.read_to_end = true);
    }

    /// What is no complete response stays where it is and is reported as such.
    fn take_responses(&mut self, method: &str) {
        while let Some((response, used)) = response::take(&self.bytes, method) {
            self.bytes.drain(..used);
            if response.status >= 200 {
                self.responses.push(response);
            }
        }
    }
}

async fn write(
    mut writing: WriteHalf<'_>,
    script: &Script,
    gate: &Barrier,
    progress: &watch::Sender<Progress>,
) -> io::Result<()> {
    for step in &script.steps {
        match step {
            Step::Send(bytes) => writing.write_all(bytes).await?,
            Step::Fill(_) | Step::Chunks(_) | Step::Trickle(_) => {
                let sent = send_much(&mut writing, step);
                if script.manner == Manner::Stops {
                    let end = wait(progress, |progress| progress.read_to_end);
                    tokio::select! { sent = sent => sent?, () = end => {} }
                } else {
                    sent.await?;
                }
            }
            Step::AwaitResponses(count) => {
                wait(progress, |progress| {
                    progress.responses >= *count || progress.read_to_end
                })
                .await;
            }
            Step::AwaitEnd => wait(progress, |progress| progress.read_to_end).await,
            Step::Gate => {
                gate.wait().await;
                gate.wait().await;
            }
            Step::HalfClose => writing.shutdown().await?,
        }
    }
    Ok(())
}

async fn send_much(writing: &mut WriteHalf<'_>, step: &Step) -> io::Result<()> {
    match *step {
        Step::Fill(bytes) => {
            let piece = [b'x'; PIECE_BYTES];
            let mut left = bytes;
            while left > 0 {
                left -= writing.write(&piece[..left.min(PIECE_BYTES)]).await?;
            }
        }
        Step::Chunks(bytes) => {
            let mut chunk = format!("{PIECE_BYTES:x}\r\n").into_bytes();
            chunk.extend_from_slice(&[b'x'; PIECE_BYTES]);
            chunk.extend_from_slice(b"\r\n");
            for _ in 0..bytes / PIECE_BYTES {
                writing.write_all(&chunk).await?;
            }
        }
        Step::Trickle(bytes) => {
            for _ in 0..bytes {
                writing.write_all(b"x").await?;
                tokio::time::sleep(TRICKLE_PAUSE).await;
            }
        }
        _ => {}
    }
    Ok(())
}

async fn wait(progress: &watch::Sender<Progress>, until: impl FnMut(&Progress) -> bool) {
    // The sender outlives the wait, so this only ends when the moment has come.
    let _ = progress.subscribe().wait_for(until).await;
}

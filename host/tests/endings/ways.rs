//! The ways to end a connection, as data: what the clients send, and which answers they must get
//! in full. How that is driven and judged is elsewhere.

use super::client::{Manner, Script, Step};
use super::requests::*;

/// A way to end a connection.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) script: Script,
    /// The statuses of all responses, in order; each entry lists what is right there.
    pub(super) answers: Vec<&'static [u16]>,
    /// A status that at least one of the clients must have got.
    pub(super) seen: Option<u16>,
    /// How many bytes the last response's body has, where that is known.
    pub(super) body_bytes: Option<usize>,
}

impl Way {
    fn new(name: &'static str, steps: impl Into<Vec<Step>>, answers: &[&'static [u16]]) -> Self {
        Self {
            name,
            script: Script {
                steps: steps.into(),
                manner: Manner::default(),
                method: "GET",
            },
            answers: answers.to_vec(),
            seen: None,
            body_bytes: None,
        }
    }

    fn manner(mut self, manner: Manner) -> Self {
        self.script.manner = manner;
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.script.method = method;
        self
    }

    fn seen(mut self, status: u16) -> Self {
        self.seen = Some(status);
        self
    }

    fn body_bytes(mut self, bytes: usize) -> Self {
        self.body_bytes = Some(bytes);
        self
    }
}

/// A request that is refused while 8 MiB of it, or after it, are not read. The never-reading
/// server is tried with this one too.
pub(super) fn refused_upload() -> Way {
    Way::new("404, 8 MiB unread", upload("/nowhere", ""), &[&[404]])
}

/// Requests that are refused although much of them was not read.
pub(super) fn unread() -> Vec<Way> {
    let late =
        |name, target| Way::new(name, upload(target, ""), &[&[413]]).manner(Manner::ReadsLate);
    vec![
        refused_upload(),
        Way::new(
            "404, 8 MiB in chunks unread",
            chunked("/nowhere"),
            &[&[404]],
        ),
        Way::new("405, 8 MiB unread", upload("/hello", ""), &[&[405]]),
        Way::new("405, 8 MiB in chunks unread", chunked("/hello"), &[&[405]]),
        Way::new("413, 8 MiB announced", upload("/small", ""), &[&[413]]),
        Way::new("413, 8 MiB in chunks", chunked("/small"), &[&[413]]),
        late("413, read after all is sent", "/small"),
        Way::new(
            "413, all is sent regardless",
            upload("/small", ""),
            &[&[413]],
        )
        .manner(Manner::SendsAll),
        Way::new("413, all chunks regardless", chunked("/small"), &[&[413]])
            .manner(Manner::SendsAll),
        Way::new("414, 8 MiB after it", then_much(long_target()), &[&[414]]),
        Way::new(
            "431 size, 8 MiB after it",
            then_much(long_field()),
            &[&[431]],
        ),
        Way::new(
            "431 count, 8 MiB after it",
            then_much(many_fields()),
            &[&[431]],
        ),
        Way::new(
            "400 two framings, 8 MiB",
            upload("/upload", TWO_FRAMINGS),
            &[&[400]],
        ),
        Way::new("400 bad chunk, 8 MiB after it", bad_chunk(), &[&[400]]),
        Way::new(
            "400 TLS on the plain port",
            then_much(tls_hello()),
            &[&[400]],
        ),
        Way::new("501, 8 MiB unread", then_much(unknown_coding()), &[&[501]]),
        Way::new(
            "505, 8 MiB unread",
            then_much(b"GET / HTTP/2.0\r\n\r\n".into()),
            &[&[505]],
        ),
        Way::new(
            "417, 8 MiB unread",
            upload("/upload", "expect: tea\r\n"),
            &[&[417]],
        ),
        Way::new(
            "413 to Expect, sent anyway",
            upload("/small", EXPECT),
            &[&[413]],
        ),
        Way::new(
            "404 to Expect, sent anyway",
            upload("/nowhere", EXPECT),
            &[&[404]],
        ),
        Way::new("trickles on after its 404", trickles_on(), &[&[404]]).manner(Manner::SendsAll),
    ]
}

/// An upload that finds no memory left, on a server that has memory for little more than one.
pub(super) fn short_of_memory() -> Way {
    Way::new(
        "503 no memory, 8 MiB",
        upload("/upload", CLOSE),
        &[&[200, 503]],
    )
    .seen(503)
}

/// Connections to a server with fewer places than there are clients: those that are answered have
/// to leave for those that wait.
pub(super) fn short_of_places() -> Vec<Way> {
    let idle = [Step::Send(get("/hello", "")), Step::AwaitEnd];
    vec![
        Way::new("8 places: idle clients leave", idle, &[&[200]]),
        Way::new(
            "8 places: 404, 8 MiB unread",
            upload("/nowhere", ""),
            &[&[404]],
        ),
    ]
}

/// Connections that end while more was sent than is answered.
pub(super) fn unwanted() -> Vec<Way> {
    vec![
        Way::new(
            "8 MiB after connection: close",
            then_much(get("/hello", CLOSE)),
            &[&[200]],
        ),
        Way::new(
            "8 MiB after HTTP/1.0",
            then_much(http10("/hello", "")),
            &[&[200]],
        ),
        Way::new(
            "junk after a good request",
            junk_after(get("/hello", "")),
            &[&[200], &[400]],
        ),
        Way::new(
            "junk after twenty requests",
            junk_after_twenty(),
            &TWENTY_THEN_400,
        ),
        Way::new("8 MiB after a trap's 500", trap_after_upload(), &[&[500]]),
        Way::new(
            "8 MiB after a 504",
            then_much(get("/spin-forever", CLOSE)),
            &[&[504]],
        ),
        Way::new(
            "junk after a full guest's 503",
            junk_after(get("/one", "")),
            &FULL,
        )
        .seen(503),
    ]
}

/// Connections that end in peace, or that the client ends.
pub(super) fn orderly() -> Vec<Way> {
    let (half_close, hello) = (Step::HalfClose, get("/hello", ""));
    vec![
        Way::new(
            "half close after a request",
            [Step::Send(hello.clone()), half_close.clone()],
            &[&[200]],
        )
        .body_bytes(HELLO_BYTES),
        Way::new("half close, 4 MiB echo", echo(""), &[&[200]]).body_bytes(ECHO_BYTES),
        Way::new("half close, 4 MiB echo, Expect", echo(EXPECT), &[&[200]]).body_bytes(ECHO_BYTES),
        Way::new(
            "half close in a head",
            half("GET /hello HTTP/1.1\r\nhost: a\r\n"),
            &[&[400]],
        ),
        Way::new("half close in a body", half(HALF_BODY), &[&[400]]),
        Way::new("half close in a chunk", half(HALF_CHUNK), &[&[400]]),
        Way::new("half close in a chunk's size", half(HALF_SIZE), &[&[400]]),
        Way::new(
            "HTTP/1.0",
            [Step::Send(http10("/hello", "")), Step::AwaitEnd],
            &[&[200]],
        ),
        Way::new(
            "HTTP/1.0, kept, then closed",
            kept_http10(),
            &[&[200], &[200]],
        ),
        Way::new(
            "connection: close",
            [Step::Send(get("/hello", CLOSE)), Step::AwaitEnd],
            &[&[200]],
        ),
        Way::new("HEAD and close", head_and_close(), &[&[200]]).method("HEAD"),
        Way::new(
            "404, small body, kept",
            small_body_kept(),
            &[&[404], &[200]],
        ),
        Way::new("client closes first", closes_first(hello), &[&[200]]),
        Way::new("nothing is sent", [half_close.clone()], &[]),
        Way::new(
            "empty lines are sent",
            [Step::Send(b"\r\n\r\n".into()), half_close],
            &[],
        ),
    ]
}

/// Connections that a short time-out ends.
pub(super) fn late() -> Vec<Way> {
    let head = "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n";
    let send = |text: &str| Step::Send(text.as_bytes().to_vec());
    let hello = Step::Send(get("/hello", ""));
    let idle = [hello.clone(), Step::AwaitEnd];
    let too_late = [&idle[..], &[hello]].concat();
    vec![
        Way::new("408 slow head", [send(head), Step::AwaitEnd], &[&[408]]),
        Way::new(
            "408 slow head trickles on",
            [send(head), Step::Trickle(250)],
            &[&[408]],
        )
        .manner(Manner::SendsAll),
        Way::new(
            "408 slow body",
            [send(head), send("\r\nabc"), Step::AwaitEnd],
            &[&[408]],
        ),
        Way::new(
            "408 slow body trickles on",
            late_body(send(head)),
            &[&[408]],
        )
        .manner(Manner::SendsAll),
        Way::new("kept connection times out", idle, &[&[200]]),
        Way::new("a request after that", too_late, &[&[200]]),
        Way::new("connects and waits", [Step::AwaitEnd], &[]),
    ]
}

/// Connections that are open when the server stops. [`Step::Gate`] is where it does.
pub(super) fn stopped() -> Vec<Way> {
    let send = |bytes: Vec<u8>| Step::Send(bytes);
    let half_upload = |target, bytes| {
        let head = format!("POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {bytes}\r\n\r\n");
        vec![
            send(head.into()),
            Step::Fill(bytes / 2),
            Step::Gate,
            Step::Fill(bytes / 2),
        ]
    };
    let idle = [
        send(get("/hello", "")),
        Step::AwaitResponses(1),
        Step::Gate,
        Step::AwaitEnd,
    ];
    let just_sent = [send(get("/hello", "")), Step::Gate, Step::AwaitEnd];
    let mut head = get("/hello", "");
    let rest = head.split_off(10);
    let in_head = [send(head), Step::Gate, send(rest), Step::AwaitEnd];
    vec![
        Way::new("stop: idle clients", idle, &[&[200]]),
        Way::new("stop: requests just sent", just_sent, &[&[200]]),
        Way::new("stop: new clients", [Step::Gate, Step::AwaitEnd], &[]),
        Way::new("stop: in a head", in_head, &[&[200]]),
        Way::new(
            "stop: 2 MiB upload under way",
            half_upload("/echo", 2 << 20),
            &[&[200]],
        )
        .body_bytes(2 << 20),
        Way::new(
            "stop: after a 413, still sending",
            half_upload("/small", MUCH),
            &[&[413]],
        )
        .manner(Manner::SendsAll),
    ]
}

/// Clients that reset the connection in the middle of an upload.
pub(super) fn reset_by_client() -> Way {
    let mut steps = upload("/upload", "");
    steps[1] = Step::Fill(100_000);
    Way::new("client resets", steps, &[]).manner(Manner::Resets)
}

/// Clients that have their response and the end, and still do not close.
pub(super) fn answered() -> Way {
    let steps = [Step::Send(get("/hello", CLOSE)), Step::AwaitEnd];
    Way::new("client never closes", steps, &[&[200]]).manner(Manner::Stays)
}

/// The guest has one place, so one client at a time waits for its deadline there.
const FULL: [&[u16]; 2] = [&[503, 504], &[400]];
const TWENTY_THEN_400: [&[u16]; 21] = {
    let mut answers: [&[u16]; 21] = [&[200]; 21];
    answers[20] = &[400];
    answers
};

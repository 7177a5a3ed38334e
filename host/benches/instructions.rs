//! One request's way through the host without sockets: parsed, routed, answered, encoded. It is
//! there to be counted, not timed:
//!
//! `cargo xtask bench --instructions` runs `instructions FOLDER WAY TIMES` under callgrind. A way
//! is `refused` (there is no route), `fresh` or `reused` (a small lean guest, or the component that
//! the environment's GUEST names).

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be done cannot be counted"
)]

use httpd_host::config::Config;
use httpd_host::dispatch::{
    Answer, Control, Decision, Dispatch, FieldRef, Incoming, IncomingHead, RequestId, RequestIds,
    Served, http_date,
};
use httpd_host::guest::WELCOME;
use httpd_http1::{Connection, Event, Limits, RequestHead, ResponseHead, ResponseLength};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const DEADLINE: Duration = Duration::from_secs(60);
const CONFIG: &str = r#"
[cache]
directory = "cache"
[sandbox]
instances_max = 16
[guests.fresh]
component = "welcome.wat"
[guests.reused]
component = "welcome.wat"
instances = { reuse = 1_000_000 }
[[routes]]
path = "/fresh"
guest = "fresh"
[[routes]]
path = "/reused"
guest = "reused"
"#;

/// A request without a body.
struct Received {
    id: RequestId,
    head: Box<RequestHead>,
}

impl IncomingHead for Received {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn client(&self) -> &'static str {
        "127.0.0.1:50000"
    }

    fn control(&self) -> Control<'_> {
        let text = self.head.text();
        Control {
            method: text.method,
            scheme: "http",
            authority: text.authority,
            path: text.path,
            query: text.query,
        }
    }

    fn fields(&self) -> Vec<FieldRef<'_>> {
        let field = |(name, value)| FieldRef { name, value };
        self.head.fields().map(field).collect()
    }
}

impl Incoming for Received {
    type Spent = Box<RequestHead>;

    fn body(&self) -> &[u8] {
        b""
    }

    fn spend(self) -> Box<RequestHead> {
        self.head
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Among all benchmarks it has nothing to do: time says nothing about it.
    let [folder, way, times] = arguments.as_slice() else {
        return;
    };
    let times: u32 = times.parse().expect("how often");
    let folder = Path::new(folder);
    let component = match std::env::var_os("GUEST") {
        None => WELCOME.into(),
        Some(file) => std::fs::read(file).expect("GUEST names no readable file"),
    };
    std::fs::write(folder.join("welcome.wat"), component).expect("no folder");
    let config = Config::parse(CONFIG, &folder.join("config.toml")).expect("no configuration");
    let dispatch = Dispatch::load(&config).expect("no guests");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("no runtime");
    let bytes = format!(
        "GET /{way} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    );
    let mut connection = Connection::new(Limits::default());
    let (ids, mut out) = (RequestIds::new(), Vec::new());
    for _ in 0..times {
        connection.receive(bytes.as_bytes());
        let head = match connection.next_event() {
            Ok(Event::Head(head)) => head,
            other => panic!("{other:?}"),
        };
        let (answer, head) = answer(&dispatch, &runtime, ids.next(), head);
        out.clear();
        encode(&mut connection, &answer, &mut out);
        assert!(!out.is_empty());
        connection.recycle(head);
        assert!(connection.next_cycle(), "the connection stays open");
    }
}

fn answer(
    dispatch: &Dispatch,
    runtime: &Runtime,
    id: RequestId,
    head: Box<RequestHead>,
) -> (Answer, Box<RequestHead>) {
    let text = head.text();
    match dispatch.decide(text.method, text.authority, text.path) {
        Decision::Refuse(refusal) => (refusal.answer(id, Duration::from_secs(1)), head),
        Decision::Call(plan) => {
            let received = Received { id, head };
            let (mut served, now) = (Served::default(), Instant::now());
            let call = plan.call(received, now, now + DEADLINE, &mut served);
            let (answer, head) = runtime.block_on(call);
            (
                answer.expect("the guest failed"),
                head.expect("the call was stopped"),
            )
        }
        Decision::Answer(answer) => (answer, head),
    }
}

fn encode(connection: &mut Connection, answer: &Answer, out: &mut Vec<u8>) {
    let fields = answer
        .fields
        .iter()
        .map(|field| (field.name.as_str(), &field.value[..]));
    let head = ResponseHead {
        status: answer.status,
        length: ResponseLength::Known(answer.body.len() as u64),
        date: Some(&http_date(Instant::now())),
    };
    connection.send_head(&head, fields, out).expect("no head");
    connection.send_data(&answer.body, out).expect("no body");
    connection.send_end([], out).expect("no end");
}

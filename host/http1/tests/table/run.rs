//! Drives a connection through an input, answers what can be answered, and writes down what it saw.

use httpd_http1::{BodyLength, Connection, Cycle, Event, Limits, RequestError, RequestHead};
use httpd_http1::{RequestText, ResponseHead, ResponseLength, Trailers, Version};
use std::fmt::Write;

/// What came of an input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// A line for each request and one for each body.
    pub(crate) text: String,
    /// Status and text of the refusal.
    pub(crate) refusal: Option<(u16, String)>,
    /// Whether a further request would be read.
    pub(crate) open: bool,
}

pub(crate) fn whole(input: &[u8], limits: Limits) -> Trace {
    let mut runner = Runner::new(limits);
    runner.connection.receive(input);
    runner.read();
    runner.trace
}

/// As [`whole`], with room in the buffer behind the input, which a server makes before each read.
pub(crate) fn whole_with_room(input: &[u8], limits: Limits) -> Trace {
    let mut runner = Runner::new(limits);
    runner.connection.input().reserve(input.len() + 1024);
    runner.connection.receive(input);
    runner.read();
    runner.trace
}

pub(crate) fn byte_by_byte(input: &[u8], limits: Limits) -> Trace {
    let mut runner = Runner::new(limits);
    for byte in input {
        runner.connection.receive(&[*byte]);
        runner.read();
    }
    runner.trace
}

pub(crate) fn with_eof(input: &[u8], limits: Limits) -> Trace {
    let mut runner = Runner::new(limits);
    runner.connection.receive(input);
    runner.connection.receive_eof();
    runner.read();
    runner.trace
}

struct Runner {
    connection: Connection,
    /// What looking ahead said of what is here of a body, less what was taken since.
    foreseen: Option<Result<u64, RequestError>>,
    body: Vec<u8>,
    trace: Trace,
}

enum Seen {
    Head(Box<RequestHead>),
    Data(Vec<u8>),
    End(Trailers),
    Stop { open: bool },
}

impl Runner {
    fn new(limits: Limits) -> Self {
        Self {
            connection: Connection::new(limits),
            foreseen: None,
            body: Vec::new(),
            trace: Trace::default(),
        }
    }

    fn read(&mut self) {
        self.foreseen = self.foreseen.as_ref().map(|_| self.connection.look_ahead());
        loop {
            let seen = match self.connection.next_event() {
                Ok(Event::Head(head)) => Seen::Head(head),
                Ok(Event::Data(data)) => Seen::Data(data.to_vec()),
                Ok(Event::End(trailers)) => Seen::End(trailers),
                Ok(Event::NeedData) => Seen::Stop { open: true },
                Ok(Event::Paused | Event::Closed) => Seen::Stop { open: false },
                Err(error) => {
                    if let Some(foreseen) = &self.foreseen {
                        assert_eq!(*foreseen, Err(error.clone()), "not foreseen");
                    }
                    assert_eq!(
                        self.connection.next_event(),
                        Err(error.clone()),
                        "not sticky"
                    );
                    self.trace.refusal = Some((error.status(), error.to_string()));
                    Seen::Stop { open: false }
                }
            };
            match seen {
                Seen::Head(head) => self.head(head),
                Seen::Data(data) => self.data(&data),
                Seen::End(trailers) => self.end(&trailers),
                Seen::Stop { open } => {
                    if let Some(Ok(bytes)) = self.foreseen {
                        assert_eq!(bytes, 0, "foreseen and not there");
                    }
                    self.trace.open = open;
                    return;
                }
            }
        }
    }

    fn head(&mut self, head: Box<RequestHead>) {
        writeln!(self.trace.text, "{}", describe(&head)).unwrap();
        self.connection.recycle(head);
        self.foreseen = Some(self.connection.look_ahead());
    }

    fn data(&mut self, data: &[u8]) {
        assert!(!data.is_empty());
        if let Some(Ok(bytes)) = &mut self.foreseen {
            *bytes = bytes.checked_sub(data.len() as u64).expect("foreseen");
        }
        self.body.extend_from_slice(data);
    }

    fn end(&mut self, trailers: &Trailers) {
        assert_eq!(
            self.foreseen.take(),
            Some(Ok(0)),
            "another end than foreseen"
        );
        let body = std::mem::take(&mut self.body);
        write!(self.trace.text, "body `{}`", body.escape_ascii()).unwrap();
        for (name, value) in trailers.fields() {
            write!(self.trace.text, " [{name}: {}]", value.escape_ascii()).unwrap();
        }
        let mut out = Vec::new();
        let head = ResponseHead {
            status: 200,
            length: ResponseLength::Known(0),
            date: None,
        };
        // A CONNECT cannot be accepted.
        let refusal = ResponseHead {
            status: 405,
            ..head
        };
        let sent = self.connection.send_head(&head, [], &mut out);
        sent.or_else(|_| self.connection.send_head(&refusal, [], &mut out))
            .unwrap();
        self.connection.send_end([], &mut out).unwrap();
        let kept = match self.connection.cycle() {
            Cycle::Ready => self.connection.next_cycle(),
            _ => false,
        };
        writeln!(self.trace.text, " {}", if kept { "kept" } else { "closed" }).unwrap();
    }
}

fn describe(head: &RequestHead) -> String {
    let all = RequestText {
        method: head.method(),
        target: head.target(),
        authority: head.authority(),
        path: head.path(),
        query: head.query(),
    };
    assert_eq!(head.text(), all);
    let mut text = format!(
        "{} {:?} scheme={} authority={} path={} query={}",
        head.method(),
        head.form(),
        head.scheme().unwrap_or("-"),
        head.authority().unwrap_or("-"),
        head.path(),
        head.query().unwrap_or("-"),
    );
    text.push_str(match head.version() {
        Version::Http10 => " 1.0",
        Version::Http11 => " 1.1",
    });
    match head.body_length() {
        BodyLength::None => text.push_str(" bodiless"),
        BodyLength::Known(length) => write!(text, " length={length}").unwrap(),
        BodyLength::Chunked => text.push_str(" chunked"),
    }
    text.push_str(if head.wants_keep_alive() {
        " keep"
    } else {
        " close"
    });
    text.push_str(if head.expects_continue() {
        " expects"
    } else {
        ""
    });
    for (name, value) in head.fields() {
        assert_eq!(
            head.field(name).is_some(),
            head.field(&name.to_uppercase()).is_some()
        );
        write!(text, " [{name}: {}]", value.escape_ascii()).unwrap();
    }
    text
}

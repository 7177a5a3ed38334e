//! Calls everything a driver may call, in the order the steering bytes say, and checks what must
//! hold after every call.

use crate::trace::LIMITS;
use httpd_http1::{Connection, Cycle, Event, ResponseHead, ResponseLength, SendError};

/// A client's bytes still to come and everything sent back.
struct Driver<'a> {
    connection: Connection,
    rest: &'a [u8],
    out: Vec<u8>,
}

/// Runs through the steering bytes twice, so that short ones still come to an end of something.
pub(crate) fn run(bytes: &[u8], steering: &[u8]) {
    let connection = Connection::new(LIMITS);
    let mut driver = Driver {
        connection,
        rest: bytes,
        out: Vec::new(),
    };
    for step in steering.iter().chain(steering) {
        driver.step(*step);
        driver.check();
    }
}

impl Driver<'_> {
    fn step(&mut self, step: u8) {
        let argument = step >> 4;
        match step & 0xf {
            0..=2 => self.receive(argument as usize * 8 + 1),
            3..=5 => self.take_events(argument as usize + 1),
            6 => self.send_head(argument),
            7 => self.send_data(argument as usize),
            8 => self.send_end(argument),
            9 => self.connection.send_continue(&mut self.out),
            10 => self.answer_rightly(argument),
            11 => drop(self.connection.next_cycle()),
            12 => self.connection.release_buffers(),
            13 if argument == 0 => self.connection.receive_eof(),
            13 => self.connection.set_limits(LIMITS),
            14 if argument == 0 => self.connection.close_after_response(),
            14 if argument == 1 => self.connection.abandon_response(),
            _ => self.take_events(100),
        }
    }

    fn receive(&mut self, len: usize) {
        let (piece, rest) = self.rest.split_at(self.rest.len().min(len));
        self.connection.receive(piece);
        self.rest = rest;
    }

    fn take_events(&mut self, count: usize) {
        for _ in 0..count {
            match self.connection.next_event() {
                Ok(Event::Head(head)) => {
                    check_head(&head);
                    self.connection.recycle(head);
                }
                Ok(Event::Data(data)) => assert!(!data.is_empty(), "empty data"),
                Ok(Event::End(_)) => {}
                Ok(Event::NeedData | Event::Paused | Event::Closed) => return,
                Err(error) => {
                    let again = self.connection.next_event();
                    assert_eq!(again, Err(error.clone()), "the error changed");
                    assert!(matches!(error.status(), 400 | 414 | 417 | 431 | 501 | 505));
                    assert!(error.to_string().len() < 500, "a long text: {error}");
                    return;
                }
            }
        }
    }

    fn send_head(&mut self, argument: u8) {
        let status = [200, 204, 304, 103, 404, 205, 99, 101][argument as usize & 7];
        let length = match argument & 8 {
            0 => ResponseLength::Known(u64::from(argument)),
            _ => ResponseLength::Unknown,
        };
        let head = ResponseHead {
            status,
            length,
            date: None,
        };
        let before = self.out.len();
        let begun = self.connection.response_begun();
        let result = self
            .connection
            .send_head(&head, [("x", &b"y"[..])], &mut self.out);
        self.unchanged_after(before, &result);
        if result.is_ok() && status >= 200 {
            assert!(!begun && self.connection.response_begun());
            assert!(self.out.ends_with(b"\r\n\r\n"));
        }
    }

    fn send_data(&mut self, len: usize) {
        let before = self.out.len();
        let result = self.connection.send_data(&[b'd'; 16][..len], &mut self.out);
        self.unchanged_after(before, &result);
    }

    fn send_end(&mut self, argument: u8) {
        let trailers = match argument {
            0 => [("host", &b"x"[..])],
            1 => [("x", &b"\n"[..])],
            _ => [("x", &b"y"[..])],
        };
        let before = self.out.len();
        let result = self.connection.send_end(trailers, &mut self.out);
        self.unchanged_after(before, &result);
        if let Err(SendError::BodyTooShort { .. }) = result {
            assert_eq!(self.connection.cycle(), Cycle::MustClose);
        }
    }

    /// A whole answer, as an orderly driver gives it, and then the next request.
    fn answer_rightly(&mut self, argument: u8) {
        if self.connection.response_begun() {
            return;
        }
        let length = ResponseLength::Known(u64::from(argument));
        let head = ResponseHead {
            status: 404,
            length,
            date: None,
        };
        self.connection
            .send_head(&head, [], &mut self.out)
            .expect("the head is right");
        let body = [b'd'; 16];
        let body = &body[..argument as usize];
        self.connection
            .send_data(body, &mut self.out)
            .expect("the body is right");
        self.connection
            .send_end([], &mut self.out)
            .expect("the end is right");
        assert!(self.connection.response_complete());
        assert_ne!(self.connection.cycle(), Cycle::Open);
        self.take_events(100);
        let ready = self.connection.cycle() == Cycle::Ready;
        assert_eq!(self.connection.next_cycle(), ready);
    }

    fn unchanged_after(&self, before: usize, result: &Result<(), SendError>) {
        if result.is_err() {
            assert_eq!(self.out.len(), before, "an error wrote something");
        }
    }

    fn check(&mut self) {
        let cycle = self.connection.cycle();
        assert_eq!(cycle == Cycle::Open, !self.connection.response_complete());
        assert!(!(self.connection.is_idle() && self.connection.head_begun()));
        if cycle == Cycle::MustClose {
            assert!(
                !self.connection.next_cycle(),
                "a connection to be closed went on"
            );
        }
        self.check_buffer();
    }

    /// Once all events are taken, no more than an incomplete section is held back, or what was
    /// pipelined behind a request that waits for its answer.
    fn check_buffer(&mut self) {
        if let Ok(Event::NeedData) = self.connection.next_event() {
            let held = self.connection.input().len();
            assert!(held < LIMITS.head_bytes_max, "{held} bytes are held back");
        }
    }
}

fn check_head(head: &httpd_http1::RequestHead) {
    assert!(!head.method().is_empty() && !head.target().is_empty());
    assert!(head.target().len() <= LIMITS.target_bytes_max);
    assert!(head.head_bytes() <= LIMITS.head_bytes_max);
    assert!(head.fields().len() <= LIMITS.fields_max);
    for (name, value) in head.fields() {
        assert!(httpd_http1::is_field_name(name.as_bytes()));
        assert!(httpd_http1::is_field_value(value));
        assert_eq!(name, name.to_ascii_lowercase());
    }
}

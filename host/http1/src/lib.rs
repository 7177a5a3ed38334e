//! A sans-IO HTTP/1.1 server protocol: bytes in, events out; answers in, bytes out.
//!
//! What may never be in this crate: sockets, a runtime, a clock, logging, or anything about who
//! answers a request. That is what makes every byte split testable and fuzzable, and what makes
//! cancelling a read harmless: all state is in [`Connection`].
//!
//! ```
//! use httpd_http1::{Connection, Cycle, Event, Limits, ResponseHead, ResponseLength};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut connection = Connection::new(Limits::default());
//! connection.receive(b"GET /hello?a=1 HTTP/1.1\r\nHost: example.com\r\n\r\n");
//! let Event::Head(head) = connection.next_event()? else { return Err("no head".into()) };
//! assert_eq!((head.method(), head.path(), head.query()), ("GET", "/hello", Some("a=1")));
//! assert!(matches!(connection.next_event()?, Event::End(_)));
//!
//! let mut out = Vec::new();
//! let answer = ResponseHead { status: 200, length: ResponseLength::Known(2), date: None };
//! connection.send_head(&answer, [("content-type", &b"text/plain"[..])], &mut out)?;
//! connection.send_data(b"hi", &mut out)?;
//! connection.send_end([], &mut out)?;
//! assert_eq!(connection.cycle(), Cycle::Ready);
//! assert!(out.ends_with(b"Content-Length: 2\r\n\r\nhi"));
//! # Ok(())
//! # }
//! ```

mod authority;
mod block;
mod chunked;
mod class;
mod connection;
mod decode;
mod encode;
mod error;
mod event;
mod excerpt;
mod fields;
mod framing;
mod head;
mod limits;
mod line;
mod list;
mod meaning;
mod padded;
mod section;
mod sending;
mod state;
mod target;

pub use class::{is_field_name, is_field_value, is_token};
pub use connection::Connection;
pub use encode::is_framing_field;
pub use error::{RequestError, SendError};
pub use event::{Event, Trailers};
pub use excerpt::{Excerpt, Place, Section};
pub use framing::{BodyLength, ResponseLength};
pub use head::{RequestHead, RequestText, TargetForm, Version};
pub use limits::Limits;
pub use sending::ResponseHead;
pub use state::Cycle;

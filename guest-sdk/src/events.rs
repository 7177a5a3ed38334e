//! Server-sent events: how one is written down (HTML standard, section 9.2), and the writer of a
//! stream of them. When events are sent is the handler's affair.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::{BodyWriter, Gone};

/// One server-sent event.
///
/// ```
/// use httpd_guest::Event;
///
/// let event = Event::new("two\nlines").with_name("note").with_id("7");
/// assert_eq!(event.to_string(), "event: note\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    data: String,
}

impl Event {
    /// An event with data, which may have several lines.
    pub fn new(data: impl fmt::Display) -> Self {
        Self {
            data: data.to_string(),
            ..Self::default()
        }
    }

    /// What kind of event it is: the name a page listens for. `message` when none is said.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = Some(one_line(name));
        self
    }

    /// What a client that comes back says in `last-event-id`.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(one_line(id));
        self
    }

    /// How long a client that lost the connection shall wait.
    #[must_use]
    pub fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(retry);
        self
    }
}

/// A line break in a name or an id would be the start of another field.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ")
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            writeln!(f, "event: {name}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(retry) = self.retry {
            writeln!(f, "retry: {}", retry.as_millis())?;
        }
        // A bare CR ends a line too.
        let data = self.data.replace("\r\n", "\n");
        for line in data.split(['\n', '\r']) {
            writeln!(f, "data: {line}")?;
        }
        f.write_char('\n')
    }
}

/// Where the events of a response are sent to.
pub struct EventWriter<'a> {
    out: &'a mut BodyWriter,
}

impl<'a> EventWriter<'a> {
    pub(crate) fn new(out: &'a mut BodyWriter) -> Self {
        Self { out }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// When the client has gone.
    pub async fn send(&mut self, event: Event) -> Result<(), Gone> {
        self.out.write(event.to_string()).await
    }

    /// Sends a comment, which clients ignore: it keeps the connection from looking dead.
    ///
    /// # Errors
    /// When the client has gone.
    pub async fn keep_alive(&mut self) -> Result<(), Gone> {
        self.out.write(":\n\n").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_sent_starts_another_event() {
        let event = Event::new("a\r\nb\rc\n\nevent: x")
            .with_name("n\nid: 1")
            .with_retry(Duration::from_secs(2));
        let expected = "event: n id: 1\nretry: 2000\n\
            data: a\ndata: b\ndata: c\ndata: \ndata: event: x\n\n";
        assert_eq!(event.to_string(), expected);
        assert_eq!(Event::new("").to_string(), "data: \n\n");
    }
}

//! A response as a client sees it, read strictly: whatever the host sends has to be well-formed,
//! whichever test looks at it.

/// A response, its body taken off the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// In order, names as sent.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// How many bytes of a body follow a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many.
    Length(usize),
    /// Chunks.
    Chunked,
    /// All until the end of the connection.
    UntilClose,
}

impl Response {
    /// Reads a head, given with the empty line that ends it.
    ///
    /// # Panics
    /// When it is not well-formed.
    pub(crate) fn parse(head: &[u8]) -> Response {
        let text = std::str::from_utf8(head).expect("a response's head that is not UTF-8");
        let lines = text.strip_suffix("\r\n\r\n").expect("a head without end");
        let mut lines = lines.split("\r\n");
        let status = parse_status(lines.next().unwrap_or_default());
        let fields: Vec<_> = lines.map(parse_field).collect();
        let response = Response {
            status,
            fields,
            body: Vec::new(),
        };
        response.check_fields();
        response
    }

    /// The value of a field that is there once, or not at all.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(n, _)| n == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice: {self:?}");
        value
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body that is not UTF-8")
    }

    /// Whether the host says that it closes the connection.
    pub(crate) fn closes(&self) -> bool {
        self.field("connection") == Some("close")
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Response {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
        assert_eq!(
            self.status, status,
            "instead of {status}: {:?} {body}",
            self.fields
        );
        self
    }

    /// Itself, if it is an error of the host with this status: a text with the request's id.
    #[track_caller]
    pub(crate) fn expect_refusal(self, status: u16) -> Response {
        let response = self.expect(status);
        let id = response.field("x-request-id").expect("no x-request-id");
        assert!(!id.is_empty());
        if !response.body.is_empty() {
            assert!(response.text().starts_with(&status.to_string()));
            assert!(response.text().contains(id), "no id in {}", response.text());
        }
        response
    }

    /// How the body to a request of this method is framed (RFC 9112 section 6.3).
    pub(crate) fn framing(&self, method: &str) -> Framing {
        let bodiless = method == "HEAD" || matches!(self.status, 100..=199 | 204 | 304);
        let length = self.field("content-length").map(parse_length);
        match (bodiless, self.field("transfer-encoding"), length) {
            (true, _, _) => Framing::Length(0),
            (_, Some(coding), None) => {
                assert_eq!(coding, "chunked");
                Framing::Chunked
            }
            (_, Some(_), Some(_)) => panic!("two framings: {self:?}"),
            (_, None, Some(length)) => Framing::Length(length),
            (_, None, None) => Framing::UntilClose,
        }
    }

    fn check_fields(&self) {
        let interim = self.status < 200;
        match self.field("date") {
            Some(date) => assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}"),
            None => assert!(interim, "a final response without date: {self:?}"),
        }
        if interim || self.status == 204 {
            assert_eq!(self.field("content-length"), None);
            assert_eq!(self.field("transfer-encoding"), None);
        }
    }
}

fn parse_status(line: &str) -> u16 {
    let rest = line.strip_prefix("HTTP/1.1 ");
    let rest = rest.unwrap_or_else(|| panic!("not a status line: {line:?}"));
    let (status, _reason) = rest.split_once(' ').expect("no space after the status");
    let digits = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    assert!(digits, "not a status: {line:?}");
    status.parse().unwrap()
}

fn parse_field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').expect("a field line without colon");
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    assert!(
        !name.is_empty() && name.bytes().all(is_token),
        "not a field name: {line:?}"
    );
    let is_text = |byte: u8| byte == b'\t' || byte >= b' ' && byte != 0x7f;
    assert!(value.bytes().all(is_text), "not a field value: {line:?}");
    (name.to_ascii_lowercase(), value.trim().to_owned())
}

fn parse_length(value: &str) -> usize {
    assert!(value.bytes().all(|byte| byte.is_ascii_digit()), "{value:?}");
    value.parse().unwrap()
}

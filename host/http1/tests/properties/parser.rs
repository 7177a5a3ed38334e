//! A small response parser of its own, sharing no code with the crate: a client's view.

/// A response as a client understands it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// The bytes behind the response.
    pub(crate) rest: Vec<u8>,
}

/// Reads one response; `bodiless` says that the request was HEAD.
pub(crate) fn parse(bytes: &[u8], bodiless: bool) -> Parsed {
    let (line, rest) = line(bytes);
    assert_eq!(&line[..9], b"HTTP/1.1 ");
    assert_eq!(line[12], b' ');
    let status = std::str::from_utf8(&line[9..12]).unwrap().parse().unwrap();
    let (fields, rest) = section(rest);
    let (body, trailers, rest) = body(status, &fields, rest, bodiless);
    Parsed {
        status,
        fields,
        body: body.to_vec(),
        trailers,
        rest: rest.to_vec(),
    }
}

type Fields = Vec<(String, Vec<u8>)>;

fn body<'a>(
    status: u16,
    fields: &Fields,
    rest: &'a [u8],
    bodiless: bool,
) -> (Vec<u8>, Fields, &'a [u8]) {
    let find = |wanted: &str| {
        fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if bodiless || status == 204 || status == 304 {
        return (Vec::new(), Vec::new(), rest);
    }
    if let Some((_, coding)) = find("transfer-encoding") {
        assert_eq!(coding, b"chunked");
        assert!(find("content-length").is_none());
        return chunks(rest);
    }
    match find("content-length") {
        Some((_, length)) => {
            let length = std::str::from_utf8(length).unwrap().parse().unwrap();
            (rest[..length].to_vec(), Vec::new(), &rest[length..])
        }
        None => (rest.to_vec(), Vec::new(), &[]),
    }
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, Fields, &[u8]) {
    let mut body = Vec::new();
    loop {
        let (size, after) = line(rest);
        let size = usize::from_str_radix(std::str::from_utf8(size).unwrap(), 16).unwrap();
        if size == 0 {
            let (trailers, rest) = section(after);
            return (body, trailers, rest);
        }
        body.extend_from_slice(&after[..size]);
        assert_eq!(&after[size..size + 2], b"\r\n");
        rest = &after[size + 2..];
    }
}

fn section(mut rest: &[u8]) -> (Fields, &[u8]) {
    let mut fields = Vec::new();
    loop {
        let (line, after) = line(rest);
        rest = after;
        if line.is_empty() {
            return (fields, rest);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap();
        assert_eq!(line[colon + 1], b' ');
        let name = String::from_utf8(line[..colon].to_vec()).unwrap();
        fields.push((name, line[colon + 2..].to_vec()));
    }
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .expect("a line end");
    (&bytes[..end], &bytes[end + 2..])
}

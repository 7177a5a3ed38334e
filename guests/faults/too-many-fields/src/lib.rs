//! Puts 100,000 fields into WASI's `fields`, and then one of a mebibyte, and answers with what the
//! host has taken: what does not fit has to be refused when it is put there.

use httpd_guest::handler;
use httpd_guest::wasi::{ErrorCode, Fields, Request, Response, wit_future};

const FIELDS: u32 = 100_000;
const LONG_VALUE_BYTES: usize = 1 << 20;

#[handler]
async fn handle(_: Request) -> Result<Response, ErrorCode> {
    let fields = Fields::new();
    for number in 0..FIELDS {
        // Going on although the host says no is what makes this guest a bad one.
        let _ = fields.append(&name(number), b"value");
    }
    let _ = fields.append("x-long", &vec![b'x'; LONG_VALUE_BYTES]);
    let (_, trailers) = wit_future::new(|| Ok(None));
    Ok(Response::new(fields, None, trailers).0)
}

fn name(number: u32) -> String {
    format!("x-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_have_the_same_name() {
        let names: std::collections::BTreeSet<_> = (0..FIELDS).map(name).collect();
        assert_eq!(names.len(), 100_000);
    }
}

//! Logs 100,000 lines and one of a mebibyte, then answers as if nothing had happened.

use httpd_guest::{Request, Response, handler, log};

const LINES: u32 = 100_000;
const LONG_LINE_BYTES: usize = 1 << 20;

#[handler]
fn handle(_: Request) -> Response {
    log::error!("{}", "long ".repeat(LONG_LINE_BYTES / 5));
    for line in 0..LINES {
        log::error!("line {line}\r\nand a second line in it");
    }
    Response::text("done")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_many_lines_and_a_long_one() {
        let (response, lines) = httpd_guest::testing::capture_log(|| handle(Request::get("/")));
        assert_eq!(response.status_code(), 200);
        assert_eq!(lines.len(), 100_001);
        assert!(lines[0].message.len() > 1_000_000);
    }
}

//! Whether what is compared is the same: every server must give the same answers before its speed
//! counts.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use super::subject::Subject;
use crate::lab::http::{Client, Response};

/// What `/hello` answers.
pub(super) const GREETING: &[u8] = b"Hello world!";
const ECHOED: usize = 100_000;

/// Checks the answers of `/hello` and, where there is one, `/echo`: status, type, date and body,
/// over a connection that stays open.
///
/// # Errors
/// Something is different.
pub(super) fn answers(address: SocketAddr, subject: &Subject) -> Result<()> {
    let mut client = Client::connect(address)?;
    for _ in 0..2 {
        client.get("/hello")?;
        check(&client.receive_all()?, "text/plain", GREETING)?;
    }
    if subject.echoes() {
        let body: Vec<u8> = (0..ECHOED).map(|at| (at * 7 % 256) as u8).collect();
        client.post("/echo", &body)?;
        check(&client.receive_all()?, "application/octet-stream", &body)?;
    }
    Ok(())
}

fn check(response: &Response, media_type: &str, body: &[u8]) -> Result<()> {
    let has = |start: &str| response.head.iter().any(|line| line.starts_with(start));
    ensure!(response.status() == 200, "{:?}", response.head);
    ensure!(
        has(&format!("content-type: {media_type}")),
        "{:?}",
        response.head
    );
    ensure!(has("date: "), "no date: {:?}", response.head);
    ensure!(
        response.body == body,
        "another body, {} bytes",
        response.body.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_counts() {
        let response = |head: &[&str], body: &[u8]| Response {
            head: head.iter().map(ToString::to_string).collect(),
            body: body.to_vec(),
        };
        let right = ["http/1.1 200 ok", "content-type: text/plain", "date: now"];
        let verdict = |head: &[&str], body: &[u8]| {
            check(&response(head, body), "text/plain", GREETING).is_ok()
        };
        assert!(verdict(&right, GREETING));
        assert!(!verdict(&right, b"Hello world"));
        assert!(!verdict(&right[..2], GREETING));
        assert!(!verdict(&["http/1.1 500 no", right[1], right[2]], GREETING));
        assert!(!verdict(
            &[right[0], "content-type: text/html", right[2]],
            GREETING
        ));
    }
}

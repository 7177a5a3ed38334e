//! A client that looks for the response only once it has sent the whole request, and gives up
//! if it cannot send it. Many HTTP libraries work so, Python's `http.client` among them; curl
//! watches both directions at once and so is spared some of what this one suffers.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::Result;

use super::{
    client::{Run, see},
    resets::describe,
};

/// As curl's, so that a hang shows the same way.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends a POST with `bytes` of body to `server` and only then reads. The exit status of the
/// run is 0 or 1, as a script made of such a library would have it.
///
/// # Errors
/// The client cannot connect; what happens afterwards is a result.
pub(crate) fn post(server: SocketAddr, bytes: usize) -> Result<Run> {
    let mut request =
        format!("POST /lab HTTP/1.1\r\nHost: {server}\r\nContent-Length: {bytes}\r\n\r\n")
            .into_bytes();
    request.resize(request.len() + bytes, b'u');
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if let Err(error) = stream.write_all(&request) {
        return Ok(failed(&format!("cannot send: {}", describe(&error)), &[]));
    }
    let mut response = Vec::new();
    match stream.read_to_end(&mut response) {
        Ok(_) => Ok(Run {
            exit: 0,
            said: String::new(),
            seen: see(&response),
        }),
        Err(error) => Ok(failed(
            &format!("cannot read: {}", describe(&error)),
            &response,
        )),
    }
}

fn failed(said: &str, response: &[u8]) -> Run {
    Run {
        exit: 1,
        said: said.to_owned(),
        seen: see(response),
    }
}

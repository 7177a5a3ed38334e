//! Computes for as many rounds as `?iterations=` says (a million unless told), then answers. There
//! is no clock in a guest, so the time it takes is the machine's affair.

use httpd_guest::{Error, Request, Response, handler};

#[handler]
fn handle(request: Request) -> Result<Response, Error> {
    let iterations = match request.query_param("iterations") {
        Some(text) => text.parse().map_err(|error| Error::new(400, error))?,
        None => 1_000_000,
    };
    Ok(Response::text(format!("{:016x}", churn(iterations))))
}

/// Xorshift: each round needs the one before, so that no optimiser can skip any.
fn churn(iterations: u64) -> u64 {
    let mut state = 1_u64;
    for _ in 0..iterations {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_counts() {
        let body = |target| handle(Request::get(target)).map(|r| r.body().to_vec());
        assert_eq!(body("/?iterations=0").unwrap(), b"0000000000000001");
        assert_eq!(body("/?iterations=1").unwrap(), b"0000000040822041");
        assert_ne!(
            body("/?iterations=99").unwrap(),
            body("/?iterations=100").unwrap()
        );
        assert_eq!(body("/?iterations=ten").unwrap_err().status(), 400);
    }
}

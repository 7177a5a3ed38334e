//! Answers at once and works on: it logs a line every 100 ms until `?for=` seconds (1) are over, or
//! spins for ever with `?for=ever`. The client has its answer and must not wait for that; the host
//! must not let it go on past its deadline.

use std::time::Duration;

use httpd_guest::{Body, Error, Request, Response, handler, log, spawn, time};

#[handler]
async fn handle(request: Request<Body>) -> Result<Response, Error> {
    match request.query_param("for").as_deref() {
        Some("ever") => spawn(async {
            time::sleep(Duration::from_millis(100)).await;
            loop {
                std::hint::spin_loop();
            }
        }),
        seconds => {
            let seconds = seconds.unwrap_or("1").parse();
            let seconds: u64 = seconds.map_err(|error| Error::new(400, error))?;
            spawn(work(seconds * 10));
        }
    }
    Ok(Response::text("answered\n"))
}

async fn work(steps: u64) {
    for step in 1..=steps {
        time::sleep(Duration::from_millis(100)).await;
        log::info!("step {step} of {steps} after the answer");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::{call, capture_log};

    #[test]
    fn the_work_goes_on_after_the_answer() {
        let (response, lines) = capture_log(|| call(handle, Request::get("/?for=2")));
        assert_eq!(response.body_str(), Some("answered\n"));
        assert_eq!(lines.len(), 20);
        assert_eq!(lines[19].message, "step 20 of 20 after the answer");
    }
}

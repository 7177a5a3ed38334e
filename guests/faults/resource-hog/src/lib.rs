//! Has the host keep things for it until it gives no more: `?of=fields` (unless told), `values` in
//! fields, `streams`, `futures` or `timers`. None takes memory of the guest worth mentioning.

use std::time::Duration;

use httpd_guest::wasi::{ErrorCode, Fields, wit_future, wit_stream};
use httpd_guest::{Body, Error, Request, Response, handler, spawn, time};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Fields,
    Values,
    Streams,
    Futures,
    Timers,
}

#[handler]
async fn handle(request: Request<Body>) -> Result<Response, Error> {
    let of = request.query_param("of");
    match kind(of.as_deref().unwrap_or("fields"))? {
        Kind::Fields => loop {
            std::mem::forget(Fields::new());
        },
        Kind::Values => loop {
            let fields = Fields::new();
            let value = [b'v'; 1024];
            while fields.append("x", &value).is_ok() {}
            std::mem::forget(fields);
        },
        Kind::Streams => loop {
            std::mem::forget(wit_stream::new::<u8>());
        },
        Kind::Futures => loop {
            std::mem::forget(wit_future::new::<Result<(), ErrorCode>>(|| Ok(())));
        },
        Kind::Timers => loop {
            spawn(time::sleep(DAY));
            // Spawned work begins when this one waits for something that takes time.
            time::sleep(Duration::from_millis(1)).await;
        },
    }
}

fn kind(text: &str) -> Result<Kind, Error> {
    Ok(match text {
        "fields" => Kind::Fields,
        "values" => Kind::Values,
        "streams" => Kind::Streams,
        "futures" => Kind::Futures,
        "timers" => Kind::Timers,
        _ => {
            return Err(Error::new(
                400,
                "of is fields, values, streams, futures or timers",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name() {
        assert_eq!(kind("fields").unwrap(), Kind::Fields);
        assert_eq!(kind("values").unwrap(), Kind::Values);
        assert_eq!(kind("streams").unwrap(), Kind::Streams);
        assert_eq!(kind("futures").unwrap(), Kind::Futures);
        assert_eq!(kind("timers").unwrap(), Kind::Timers);
        assert_eq!(kind("memory").unwrap_err().status(), 400);
    }
}

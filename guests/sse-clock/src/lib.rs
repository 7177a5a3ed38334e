//! Tells the time in server-sent events, one a second: `?every=100ms` for another pace,
//! `?count=5` to end after so many.

use std::time::Duration;

use httpd_guest::{Body, Error, Event, Request, Response, handler, time};

/// A faster pace is only asked for by mistake.
const EVERY_MIN: Duration = Duration::from_millis(10);

#[handler]
async fn handle(request: Request<Body>) -> Result<Response<Body>, Error> {
    let every = match request.query_param("every") {
        Some(text) => parse_pace(&text)?,
        None => Duration::from_secs(1),
    };
    let count: u64 = match request.query_param("count") {
        Some(text) => text.parse().map_err(|error| Error::new(400, error))?,
        None => u64::MAX,
    };
    Ok(Response::events(async move |events| {
        for number in 1..=count {
            time::sleep(every).await;
            let clock = clock_face(time::since_1970());
            let event = Event::new(clock).with_name("tick");
            events.send(event.with_id(&number.to_string())).await?;
        }
        Ok(())
    }))
}

/// `100ms` or `2s`.
fn parse_pace(text: &str) -> Result<Duration, Error> {
    let wrong = || Error::new(400, "every is a time such as 100ms or 2s");
    let pace = match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().map_err(|_| wrong())?),
        None => {
            let number = text.strip_suffix('s').ok_or_else(wrong)?;
            Duration::from_secs(number.parse().map_err(|_| wrong())?)
        }
    };
    Ok(pace.max(EVERY_MIN))
}

/// The time of day, UTC, as `13:37:00.250`.
fn clock_face(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs() % 86_400;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let (seconds, milliseconds) = (seconds % 60, since_1970.subsec_millis());
    format!("{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::{block_on, call};

    #[test]
    fn events_come_at_the_pace_asked_for() {
        let request = Request::get("/?every=250ms&count=3");
        block_on(async {
            let mut response = handle(request.into()).await.unwrap();
            assert_eq!(
                response.field("content-type"),
                Some(&b"text/event-stream"[..])
            );
            for number in 1..=3 {
                let event = response.body_mut().next().await.unwrap().unwrap();
                let event = String::from_utf8(event).unwrap();
                let start = format!("event: tick\nid: {number}\ndata: ");
                assert!(event.starts_with(&start), "{event}");
                assert_eq!(time::monotonic(), Duration::from_millis(250) * number);
            }
            assert_eq!(response.body_mut().next().await.unwrap(), None);
        });
    }

    #[test]
    fn a_pace_that_is_none_is_refused() {
        for query in ["every=1", "every=s", "every=-1s", "count=x"] {
            let request = Request::get(&format!("/?{query}"));
            assert_eq!(call(handle, request).status_code(), 400, "{query}");
        }
        assert_eq!(parse_pace("0ms").unwrap(), EVERY_MIN);
    }

    #[test]
    fn the_clock_is_read_as_people_do() {
        let time = Duration::from_millis((13 * 3_600 + 37 * 60) * 1_000 + 86_400_000 + 250);
        assert_eq!(clock_face(time), "13:37:00.250");
    }
}

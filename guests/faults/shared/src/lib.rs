//! Counts its requests in memory, which those that share an instance see: it answers with how many
//! there were, and how many are there now. `?do=wait` waits until a later request says
//! `?do=release`; `hang` waits for a day; `trap` fails, `spin` runs for ever, `work` computes for
//! `?for=` milliseconds, and `sleep` waits for so long: all of them after a line of body. `late`
//! and `spin-late` do it before they answer, `log` writes lines, `error` is answered with one.

use std::cell::Cell;
use std::time::Duration;

use httpd_guest::wasi::wasi::cli::stdout;
use httpd_guest::wasi::wit_stream;
use httpd_guest::{Body, Error, Request, Response, handler, log, time};

const DAY: Duration = Duration::from_secs(86_400);
const LOOK: Duration = Duration::from_millis(5);

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
    static INSIDE: Cell<u32> = const { Cell::new(0) };
    static RELEASED: Cell<bool> = const { Cell::new(false) };
}

/// One request, for as long as it is here.
struct Here(u32);

impl Here {
    fn enter() -> Here {
        INSIDE.set(INSIDE.get() + 1);
        COUNT.set(COUNT.get() + 1);
        Here(COUNT.get())
    }

    fn line(&self) -> String {
        format!("number {} of {}\n", self.0, INSIDE.get())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

#[handler]
async fn handle(request: Request<Body>) -> Result<Response<Body>, Error> {
    let here = Here::enter();
    let what = request.query_param("do").unwrap_or_default().into_owned();
    let time_long = request.query_param("for").unwrap_or("0".into()).parse();
    let time_long = Duration::from_millis(time_long.map_err(|error| Error::new(400, error))?);
    match &*what {
        "log" => {
            log::info!("line of number {}", here.0);
            print(format!("output of number {}\n", here.0)).await;
        }
        "error" => return Err(Error::new(418, "a refusal is no failure")),
        "release" => RELEASED.set(true),
        "late" => time::sleep(DAY).await,
        "spin-late" => spin(),
        "" => {}
        _ => {
            return Ok(Response::stream(async move |out| {
                out.write(here.line()).await?;
                // The line is on its way before whatever comes next.
                time::sleep(LOOK).await;
                match &*what {
                    "wait" => released().await,
                    "hang" => time::sleep(DAY).await,
                    "trap" => panic!("the guest shared panics when it is asked to"),
                    "sleep" => time::sleep(time_long).await,
                    "spin" => spin(),
                    "work" => work(time_long),
                    _ => {}
                }
                out.write(here.line()).await?;
                Ok(())
            }));
        }
    }
    Ok(Response::text(here.line()).into())
}

async fn print(line: String) {
    let (mut out, stream) = wit_stream::new();
    let ended = stdout::write_via_stream(stream);
    out.write_all(line.into_bytes()).await;
    drop(out);
    // Whatever became of it.
    let _ = ended.await;
}

async fn released() {
    while !RELEASED.get() {
        time::sleep(LOOK).await;
    }
}

fn spin() {
    loop {
        std::hint::spin_loop();
    }
}

fn work(time_long: Duration) {
    let end = time::monotonic() + time_long;
    while time::monotonic() < end {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn it_counts_and_says_who_is_there() {
        let text = |target| {
            let response = call(handle, Request::get(target));
            response.body_str().unwrap().to_owned()
        };
        assert_eq!(text("/"), "number 1 of 1\n");
        assert_eq!(text("/?do=release"), "number 2 of 1\n");
        assert_eq!(text("/?do=wait"), "number 3 of 1\nnumber 3 of 1\n");
    }
}

//! Never returns and never calls the host. Shows that a deadline interrupts even a busy loop.

use httpd_guest::{Request, Response, handler};

#[handler]
fn handle(_: Request) -> Response {
    loop {
        std::hint::spin_loop();
    }
}

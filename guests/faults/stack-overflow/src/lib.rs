//! Calls itself until the stack ends. The recursion keeps no data in the guest's memory, so that
//! it is the host's limit on the call stack that ends it.

use httpd_guest::{Request, Response, handler};

#[handler]
fn handle(request: Request) -> Response {
    let depth = request
        .query_param("depth")
        .and_then(|depth| depth.parse().ok());
    Response::text(descend(depth.unwrap_or(u64::MAX)).to_string())
}

/// What is done with the result is no sum or product, so that no optimiser can make a loop of it.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    if depth == 0 {
        return 1;
    }
    descend(depth - 1).rotate_left(7) ^ depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shallow_descent_returns() {
        let response = handle(Request::get("/?depth=2"));
        assert_eq!(response.body_str(), Some("16514"));
    }
}

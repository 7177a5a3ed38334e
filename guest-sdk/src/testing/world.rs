//! What a handler under test finds around it: environment, configuration, directories, buckets,
//! and whoever answers its fetches. It belongs to the thread of one test and begins empty.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::exchange::{Outcome, Streamed};
use crate::{Body, Error, Request, Response};

type Upstream = Rc<dyn Fn(Request<Body>) -> Response<Body>>;

/// The world of this thread.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) dirs: BTreeMap<String, PathBuf>,
    pub(crate) buckets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    upstream: Option<Upstream>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

/// Looks at this thread's world, or changes it. Calls must not nest.
pub(crate) fn with_world<T>(call: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(call)
}

/// Sets an environment variable for the handlers that this thread calls.
pub fn set_env(name: &str, value: &str) {
    with_world(|world| world.env.insert(name.to_owned(), value.to_owned()));
}

/// Sets a value of `wasi:config` for the handlers that this thread calls.
pub fn set_config(key: &str, value: &str) {
    with_world(|world| world.config.insert(key.to_owned(), value.to_owned()));
}

/// Shows a directory to the handlers that this thread calls, under the path they know it by.
pub fn grant_dir(guest_path: &str, directory: &Path) {
    with_world(|world| {
        world
            .dirs
            .insert(guest_path.to_owned(), directory.to_owned())
    });
}

/// Has `upstream` answer what the handlers that this thread calls [`fetch`](crate::fetch()). Until
/// then nobody can be reached.
pub fn answer_fetches<A: Streamed>(upstream: impl Fn(Request<Body>) -> A + 'static) {
    let answer = move |request| match upstream(request).into_outcome() {
        Outcome::Response(response) => response,
        Outcome::Raw(_) => Response::status(502).into(),
    };
    with_world(|world| world.upstream = Some(Rc::new(answer)));
}

/// Answers a fetch. What a host would add or refuse is not imitated.
pub(crate) async fn send(request: Request<Body>) -> Result<Response<Body>, Error> {
    match with_world(|world| world.upstream.clone()) {
        Some(upstream) => Ok(upstream(request)),
        None => Err(Error::new(502, "no test answers fetches")),
    }
}

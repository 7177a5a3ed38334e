//! From a request to its response: route, guest, and the only table from failure to status.
//!
//! No sockets and no protocol here: requests come as text and bytes, and leave as an [`Answer`].

mod budget;
mod chain;
mod date;
mod id;
mod live;
mod phase;
mod refusal;
mod served;
mod streamed;

use std::borrow::Cow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::poll_immediate;
use tokio::time::timeout_at;

use crate::config::Config;
use crate::guest::{self, CallError, Stage};
use crate::registry::{
    Admitted, Change, Generation, Registry, RegistryError, Slot, Staged, TargetHandle,
};
use crate::router::{Found, RouteConflict, Router};
use crate::shards::{Handle, Handles};

pub use crate::guest::{Field, FieldRef, Usage};
pub use crate::registry::Target;
pub use budget::{Budget, Lease};
pub use chain::{Link, Report};
pub use date::http_date;
pub use id::{RequestId, RequestIds};
pub use phase::Phase;
pub use refusal::Refusal;
use served::Left;
pub use served::Served;
pub use streamed::{
    Allowance, Demand, Exchange, Piece, Streamed, StreamedHead, Upload, UploadFailure,
    UploadSender, upload,
};

/// How long past its deadline a guest that waits is stopped. One that runs is stopped by its ticks
/// before that, and then it is known what it was doing.
const TICKS_FIRST: Duration = Duration::from_millis(100);

/// A whole response, checked and ready to be encoded.
pub type Answer = guest::Response;

/// Routes and the guests behind them.
#[derive(Debug)]
pub struct Dispatch {
    router: Router,
    registry: Handles<Registry>,
}

/// A dispatch that is ready and serves nothing yet.
#[derive(Debug)]
pub struct StagedDispatch {
    router: Router,
    staged: Staged,
}

/// What is to be done with a request, known from its head alone.
#[derive(Debug)]
pub enum Decision {
    /// Receive its body, then [`Plan::call`]; or [`Plan::open`] where it is streamed.
    Call(Plan),
    /// The host answers by itself.
    Answer(Answer),
    /// It is refused.
    Refuse(Refusal),
}

/// Which guest gets a request, and within which bounds. It owns what it names: a configuration
/// that is replaced meanwhile lives on for this request.
#[derive(Debug)]
pub struct Plan {
    target: TargetHandle,
    body_max: u64,
    deadline: Duration,
    /// The normalised path, where it is not what the client sent.
    path: Option<String>,
    captures: Vec<(String, String)>,
    /// The generation of the first guest that served when the request came. If it streams bodies,
    /// as every middleware does, and one is swapped in that takes only whole ones, this one
    /// answers.
    serving: Handle<Generation>,
}

/// A request's control data (RFC 9110 section 6.2).
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and optional port the client asked for.
    pub authority: Option<&'a str>,
    /// The path as sent.
    pub path: &'a str,
    /// The query, not decoded.
    pub query: Option<&'a str>,
}

/// The head of a request. Its guest may run on any thread, so it owns what it shows.
pub trait IncomingHead: Send + Sync + 'static {
    /// The request's id.
    fn id(&self) -> &str;
    /// The peer's address and port, or `unix`.
    fn client(&self) -> &str;
    /// Its control data.
    fn control(&self) -> Control<'_>;
    /// The field lines in order, names in lower case.
    fn fields(&self) -> Vec<FieldRef<'_>>;
}

/// A request that has arrived completely.
pub trait Incoming: IncomingHead {
    /// What can be used again when the request is answered.
    type Spent: Send + 'static;

    /// The whole body.
    fn body(&self) -> &[u8];

    /// Lets go of everything else.
    fn spend(self) -> Self::Spent;
}

impl Dispatch {
    /// Makes the routes of a configuration and the guests behind them ready. Blocks for as long as
    /// the guests take to compile.
    ///
    /// # Errors
    ///
    /// Every guest that cannot be made ready.
    pub fn load(config: &Config) -> Result<Self, Vec<RegistryError>> {
        Ok(Self {
            router: router(config)?,
            registry: Handles::new(&Arc::new(Registry::load(config)?)),
        })
    }

    /// Makes ready what a changed configuration asks for, while this one serves on. Blocks like
    /// [`Dispatch::load`].
    ///
    /// # Errors
    ///
    /// Every guest that cannot be made ready; nothing has changed then.
    pub fn stage(&self, config: &Config) -> Result<StagedDispatch, Vec<RegistryError>> {
        Ok(StagedDispatch {
            router: router(config)?,
            staged: self.registry.stage(config)?,
        })
    }

    /// The guests, and the targets of the routes.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Decides from a head: method, authority (RFC 9110 section 7.2) and path of the target.
    pub fn decide(&self, method: &str, authority: Option<&str>, path: &str) -> Decision {
        match (method, path) {
            // The method of proxies; this host is none (RFC 9110 section 9.3.6).
            ("CONNECT", _) => {
                return Decision::Refuse(Refusal::MethodNotAllowed {
                    allow: String::new(),
                });
            }
            ("OPTIONS", "*") => return Decision::Answer(server_options()),
            _ => {}
        }
        match self.router.find(method, authority, path) {
            Found::Route {
                index,
                path,
                captures,
            } => match TargetHandle::new(&self.registry, index) {
                Some(target) => Decision::Call(Plan::new(target, path, captures)),
                None => Decision::Refuse(Refusal::NoRoute),
            },
            Found::NotFound => Decision::Refuse(Refusal::NoRoute),
            Found::MethodNotAllowed { allow } => {
                Decision::Refuse(Refusal::MethodNotAllowed { allow })
            }
            Found::BadPath(bad) => Decision::Refuse(Refusal::malformed(400, &bad)),
        }
    }
}

impl StagedDispatch {
    /// Lets it serve. Returns what is to be used from now on, and what is different from before.
    pub fn commit(self) -> (Dispatch, Vec<Change>) {
        let (registry, changes) = self.staged.commit();
        let dispatch = Dispatch {
            router: self.router,
            registry: Handles::new(&Arc::new(registry)),
        };
        (dispatch, changes)
    }
}

impl Plan {
    fn new(target: TargetHandle, path: Cow<'_, str>, captures: Vec<(&str, String)>) -> Self {
        target.touch();
        let serving = target.first().serving();
        target.requests.add();
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        Self {
            body_max: match serving.guest().kind().is_streamed() {
                true => target.route.body_max,
                false => target.whole_body_max,
            },
            deadline: target.slot.deadline(),
            path: match path {
                Cow::Borrowed(_) => None,
                Cow::Owned(path) => Some(path),
            },
            captures: captures.into_iter().map(owned).collect(),
            serving,
            target,
        }
    }

    /// The captures as a guest gets them.
    fn captures(&self) -> Vec<guest::Capture<'_>> {
        borrowed(&self.captures)
    }

    /// The guest that gets the request first.
    fn first(&self) -> &Arc<Slot> {
        self.target.first()
    }

    /// What stands behind the route.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How many bytes the request's body may have.
    pub fn body_max(&self) -> u64 {
        self.body_max
    }

    /// From the request's first byte to the last byte of the guest's answer. The route's guest says
    /// how long that may take, for those in front of it as well.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Why the request would be refused whatever else it holds, so that it need not be received.
    pub fn refusal(&self) -> Option<Refusal> {
        self.first().would_refuse().map(Refusal::Busy)
    }

    /// Waits for a place and calls the guest; the end of its request was `received` then. What is
    /// known of the call is noted in `served`, also when the future is dropped, which stops the
    /// guest. Returns the answer, or what the client is to be told instead, and what can be used
    /// again of the request: nothing if its call was stopped or panicked.
    pub async fn call<I: Incoming>(
        self,
        incoming: I,
        received: Instant,
        deadline: Instant,
        served: &mut Served,
    ) -> (Result<Answer, Refusal>, Option<I::Spent>) {
        let Self {
            target,
            path,
            captures,
            serving,
            ..
        } = self;
        let admitted = pin!(target.into_first().admit(serving, deadline, received));
        let (admitted, queued) = timed(admitted).await;
        served.queued = queued;
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refused) => return (Err(Refusal::Busy(refused)), Some(incoming.spend())),
        };
        let called = admitted.called();
        let generation = served.generation.insert(admitted.generation().clone());
        let guest = generation.guest();
        let call = give_to(path, captures, admitted, incoming, deadline);
        let mut run = guest.run(deadline, call);
        let ended = if guest.may_wait() {
            // No tick comes while it waits for a clock or for others.
            let stage = Stage::Running;
            let late = Err(CallError::Deadline { stage });
            let late = (late, Usage::default(), None, None);
            // On the heap: other calls need not have room for it.
            let waited = Box::pin(timeout_at((deadline + TICKS_FIRST).into(), run)).await;
            waited.unwrap_or(Some(late))
        } else {
            match poll_immediate(&mut run).await {
                Some(ended) => {
                    // It did not go into the background, where time passes that is not its own.
                    let usage = ended.as_ref().map(|(_, usage, ..)| *usage);
                    served.ended = usage.map(|it| called + it.instantiate + it.run);
                    ended
                }
                None => run.await,
            }
        };
        let failed = || (Err(CallError::Host), Usage::default(), None, None);
        let (result, usage, left, spent) = ended.unwrap_or_else(failed);
        served.usage = usage;
        served.left = left;
        (result.map_err(Refusal::Guest), spent)
    }
}

/// What a call came to: its answer, what it used, what it left behind, and what is left of the
/// request.
type Ended<S> = (
    Result<Answer, CallError>,
    Usage,
    Option<Box<Left>>,
    Option<S>,
);

/// The call as a future that owns all it needs, so that it can go on on another thread.
async fn give_to<I: Incoming>(
    path: Option<String>,
    captures: Vec<(String, String)>,
    admitted: Admitted,
    incoming: I,
    deadline: Instant,
) -> Ended<I::Spent> {
    let control = incoming.control();
    let request = guest::Request {
        id: incoming.id(),
        client: incoming.client(),
        method: control.method,
        scheme: control.scheme,
        authority: control.authority,
        path: path.as_deref().unwrap_or(control.path),
        query: control.query,
        fields: &incoming.fields(),
        captures: &borrowed(&captures),
        body: incoming.body(),
    };
    let guest = admitted.generation().guest();
    let called = admitted.called();
    let (result, usage, remains) = guest.call_and_leave(request, called, deadline).await;
    let left = if remains.is_empty() {
        admitted.ended(&result);
        None
    } else {
        Some(Box::new(Left {
            _remains: remains,
            _room: admitted.ended_leaving(&result),
        }))
    };
    (result, usage, left, Some(incoming.spend()))
}

/// Captures as a guest gets them.
fn borrowed(captures: &[(String, String)]) -> Vec<guest::Capture<'_>> {
    let captures = captures.iter();
    captures
        .map(|(name, value)| guest::Capture { name, value })
        .collect()
}

/// A future's output, and how long it was waited for. The clock is read only if it was.
async fn timed<T>(mut future: Pin<&mut impl Future<Output = T>>) -> (T, Duration) {
    if let Some(output) = poll_immediate(&mut future).await {
        return (output, Duration::ZERO);
    }
    let since = Instant::now();
    let output = future.await;
    (output, since.elapsed())
}

/// `OPTIONS *` asks about the server, not about a resource (RFC 9110 section 9.3.7).
fn server_options() -> Answer {
    Answer {
        status: 204,
        fields: Vec::new(),
        body: Vec::new(),
        content_length: None,
    }
}

fn router(config: &Config) -> Result<Router, Vec<RegistryError>> {
    let pattern = |index: usize| config.routes[index].path.to_string();
    Router::new(&config.routes).map_err(|conflicts| {
        let overlap = |conflict: &RouteConflict| RegistryError::Overlap {
            first: pattern(conflict.first),
            second: pattern(conflict.second),
        };
        conflicts.iter().map(overlap).collect()
    })
}

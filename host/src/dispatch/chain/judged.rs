//! One call of a guest that streams, and what is made of its end: a link of a chain is not blamed
//! for what it waited for.

use std::sync::Arc;
use std::time::Instant;

use super::Chain;
use crate::dispatch::Usage;
use crate::guest::{CallError, Serving};
use crate::registry::{Admitted, Generation};
use crate::shards::Handle;

/// What a call comes to.
pub(in crate::dispatch) type Ended = (Result<(), CallError>, Usage);

/// Leave to call a guest, and the link that it is, if it is one.
pub(in crate::dispatch) struct Judged {
    /// Gone when it was judged.
    admitted: Option<Admitted>,
    link: Option<(Arc<Chain>, usize)>,
    generation: Handle<Generation>,
}

/// Calls the guest.
pub(in crate::dispatch) async fn serve(
    judged: Judged,
    serving: Serving,
    deadline: Instant,
) -> Ended {
    let guest = judged.generation.guest();
    let (result, usage) = guest.serve(serving, deadline).await;
    judged.ended(&result);
    (result, usage)
}

impl Judged {
    /// For a guest that is called for its route alone, or as this link of a chain.
    pub(in crate::dispatch) fn new(admitted: Admitted, link: Option<(&Arc<Chain>, usize)>) -> Self {
        let link = link.map(|(chain, index)| (Arc::clone(chain), index));
        let mut admitted = admitted;
        if let Some((chain, _)) = &link {
            admitted.set_deadline(chain.time);
        }
        Self {
            generation: admitted.generation().clone(),
            admitted: Some(admitted),
            link,
        }
    }

    /// Tells what came of the call.
    pub(super) fn ended<T>(mut self, result: &Result<T, CallError>) {
        let Some(admitted) = self.admitted.take() else {
            return;
        };
        if self.has_passed_on(result) {
            admitted.excused();
        } else {
            admitted.ended(result);
        }
    }

    /// Whether it failed only because another link did.
    fn has_passed_on<T>(&self, result: &Result<T, CallError>) -> bool {
        let Some((chain, index)) = &self.link else {
            return false;
        };
        match result {
            Err(CallError::Refused { .. }) => chain.has_failed_behind(*index),
            Err(CallError::Deadline { .. }) => chain.culprit() > *index,
            _ => false,
        }
    }
}

impl Drop for Judged {
    fn drop(&mut self) {
        let waited = |(chain, index): &(Arc<Chain>, usize)| chain.culprit() != *index;
        if self.link.as_ref().is_some_and(waited)
            && let Some(admitted) = self.admitted.take()
        {
            admitted.excused();
        }
    }
}

//! The host's side of a direct call: what the guest is to do next, and what becomes of it. Only
//! memory and numbers; wasmtime is in `link`.

use super::broken::Broken;
use super::lift;
use super::parcel::Parcel;
use super::step::{Step, Told};
use crate::guest::interface::{Answer, Request};
use std::cell::Cell;

thread_local! {
    /// Room for the next request that this thread hands over, which needs none of its own.
    static SPARE: Cell<Parcel> = Cell::default();
}

/// One instance's calls.
#[derive(Debug, Default)]
pub(in crate::guest) struct Exchange {
    parcel: Parcel,
    phase: Phase,
    /// The guest is to free its answers, since it will be called again.
    frees: bool,
    copy_max: usize,
}

#[derive(Debug, Default)]
enum Phase {
    /// Nothing is asked of the guest.
    #[default]
    Idle,
    /// It allocates what was asked for last.
    Allocating,
    /// All is in its memory.
    Placed,
    Handling,
    Answered(Answer),
}

impl Exchange {
    /// `copy_max` is how many bytes may be copied out of the guest for one answer.
    pub(in crate::guest) fn new(copy_max: usize, frees: bool) -> Exchange {
        Exchange {
            copy_max,
            frees,
            ..Exchange::default()
        }
    }

    /// Begins a call. Returns what the guest is to do first.
    ///
    /// # Errors
    /// The request does not fit into any guest's memory.
    pub(super) fn begin(&mut self, request: &Request<'_>) -> Result<Step, Broken> {
        // Threads that end have none.
        self.parcel = SPARE.try_with(Cell::take).unwrap_or_default();
        self.parcel.pack(request)?;
        Ok(self.go_on())
    }

    /// How many bytes may be copied out of the guest for one answer.
    pub(super) fn copy_max(&self) -> usize {
        self.copy_max
    }

    /// What the guest is to do, whose last step came to these addresses.
    ///
    /// # Errors
    /// It broke the canonical ABI.
    pub(super) fn step(&mut self, memory: &mut [u8], told: &Told) -> Result<Step, Broken> {
        match self.phase {
            Phase::Allocating => {
                self.parcel.place(memory, told)?;
                Ok(self.go_on())
            }
            Phase::Handling => {
                let answer = lift::answer(memory, told[0], self.copy_max)?;
                self.phase = Phase::Answered(answer);
                Ok(if self.frees { Step::Free } else { Step::Return })
            }
            Phase::Idle | Phase::Placed | Phase::Answered(_) => Ok(Step::Return),
        }
    }

    /// Where in the guest's memory the request's body is to be copied to if it was too large to be
    /// packed, and what the guest is to do then.
    pub(super) fn wants_body(&mut self) -> Option<(u32, Step)> {
        let is_placed = matches!(self.phase, Phase::Placed);
        let address = self.parcel.take_body().filter(|_| is_placed)?;
        Some((address, self.go_on()))
    }

    /// The answer, once the guest has returned.
    pub(super) fn end(&mut self) -> Option<Answer> {
        let mut parcel = std::mem::take(&mut self.parcel);
        parcel.clear();
        let _ = SPARE.try_with(|spare| spare.set(parcel));
        match std::mem::take(&mut self.phase) {
            Phase::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    fn go_on(&mut self) -> Step {
        let (pieces, count) = self.parcel.ask();
        if count > 0 {
            self.phase = Phase::Allocating;
            return Step::Allocate(pieces, count);
        }
        if self.parcel.lacks_body() {
            self.phase = Phase::Placed;
            return Step::Return;
        }
        self.phase = Phase::Handling;
        Step::Handle(self.parcel.request())
    }
}

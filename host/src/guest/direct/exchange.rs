//! The host's side of a direct call: what the guest is to do next, and what becomes of it. Only
//! memory and numbers; wasmtime is in `link`.

use super::broken::Broken;
use super::lift;
use super::parcel::Parcel;
use super::step::{Step, Told};
use crate::guest::interface::{Answer, Request};

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
    /// It has been asked for nothing yet.
    Packed,
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

    /// Begins a call.
    ///
    /// # Errors
    /// The request does not fit into any guest's memory.
    pub(super) fn begin(&mut self, request: &Request<'_>) -> Result<(), Broken> {
        self.parcel.pack(request)?;
        self.phase = Phase::Packed;
        Ok(())
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
            Phase::Packed => self.allocate(),
            Phase::Allocating => {
                self.parcel.place(memory, told)?;
                self.allocate()
            }
            Phase::Placed => {
                self.phase = Phase::Handling;
                Ok(Step::Handle(self.parcel.request()))
            }
            Phase::Handling => {
                let answer = lift::answer(memory, told[0], self.copy_max)?;
                self.phase = Phase::Answered(answer);
                Ok(if self.frees { Step::Free } else { Step::Return })
            }
            Phase::Idle | Phase::Answered(_) => Ok(Step::Return),
        }
    }

    /// Where in the guest's memory the request's body is to be copied to before the guest goes on,
    /// if it was too large to be packed.
    pub(super) fn wants_body(&mut self) -> Option<u32> {
        self.parcel.take_body()
    }

    /// The answer, once the guest has returned.
    pub(super) fn end(&mut self) -> Option<Answer> {
        self.parcel.clear();
        match std::mem::take(&mut self.phase) {
            Phase::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    fn allocate(&mut self) -> Result<Step, Broken> {
        let (pieces, count) = self.parcel.ask();
        if count > 0 {
            self.phase = Phase::Allocating;
            return Ok(Step::Allocate(pieces, count));
        }
        if self.parcel.lacks_body() {
            self.phase = Phase::Placed;
            return Ok(Step::Return);
        }
        self.phase = Phase::Handling;
        Ok(Step::Handle(self.parcel.request()))
    }
}

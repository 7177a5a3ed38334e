//! The parts of a guest that every call looks at. Whoever has them finds them all at once: with
//! many guests each comes from memory, and one behind the other they take as long as a third of a
//! call.

use super::kit::Kit;
use super::load::Loaded;
use super::run::Course;
use super::subject::Subject;
use crate::shards::{Handle, Handles};
use std::hint::black_box;
use std::sync::Arc;

/// Where a guest's parts are, for the threads of one part.
pub struct Near {
    kit: Arc<Kit>,
    course: Arc<Course>,
    loaded: Arc<Loaded>,
    subject: Handle<Subject>,
}

impl Near {
    pub(super) fn new(kit: &Arc<Kit>, part: usize) -> Near {
        Near {
            kit: Arc::clone(kit),
            course: Arc::clone(&kit.course),
            loaded: Arc::clone(&kit.loaded),
            subject: Handles::take_for(&kit.course.subject, part),
        }
    }

    /// Reads a little of everything that a call needs. It waits for nothing that it reads but on
    /// the way to something else.
    pub fn touch(&self) {
        self.kit.touch();
        Handle::touch(&self.subject);
        black_box(self.subject.pace.is_slow());
        self.course.touch();
        self.loaded.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shards::Alone;

    #[test]
    fn it_fills_what_a_line_has_room_for() {
        assert_eq!(size_of::<Near>(), size_of::<Alone>());
    }
}

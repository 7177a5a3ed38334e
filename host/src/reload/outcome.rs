//! What came of a reload.

/// Everything a reload did and did not do. It went well when there are no errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is different now.
    pub changes: Vec<String>,
    /// What could not be taken, and what serves in its place.
    pub errors: Vec<String>,
    /// Keys whose new value counts from the next start on.
    pub needs_restart: Vec<String>,
}

impl Outcome {
    /// A reload that was not even begun.
    pub(super) fn refused(reason: &str) -> Self {
        Self {
            errors: vec![reason.to_owned()],
            ..Self::default()
        }
    }

    /// Whether all that was asked for serves now.
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }

    /// One line in the log for each thing to tell. `reason` is why there was a reload.
    pub(super) fn log(&self, reason: &str) {
        for change in &self.changes {
            tracing::info!(reason, "{change}");
        }
        for key in &self.needs_restart {
            tracing::warn!(reason, "{key} has changed: that takes a restart");
        }
        for error in &self.errors {
            tracing::error!(reason, "{error}");
        }
    }
}

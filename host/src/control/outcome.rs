//! What came of a reload, and how it is told to a person.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What came of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadOutcome {
    /// Whether everything in the files now serves, but for what needs a restart.
    pub ok: bool,
    /// What serves differently now, a line each.
    pub changes: Vec<String>,
    /// What was wrong, and what serves in its place, a line each.
    pub errors: Vec<String>,
    /// What changed in the files, and will only at a restart in the host.
    pub needs_restart: Vec<String>,
}

/// Lines for a person, each with its end.
impl fmt::Display for ReloadOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, lines) in [
            ("changed", &self.changes),
            ("needs a restart", &self.needs_restart),
            ("error", &self.errors),
        ] {
            for line in lines {
                writeln!(formatter, "{word}: {line}")?;
            }
        }
        match (self.ok, self.changes.is_empty()) {
            (true, true) => writeln!(formatter, "reloaded: nothing is different"),
            (true, false) => writeln!(formatter, "reloaded"),
            (false, _) => writeln!(formatter, "the reload failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_everything_a_line_each() {
        let mut outcome = ReloadOutcome {
            ok: true,
            ..ReloadOutcome::default()
        };
        assert_eq!(outcome.to_string(), "reloaded: nothing is different\n");
        outcome.changes = vec!["hello is generation 2".to_owned()];
        assert_eq!(
            outcome.to_string(),
            "changed: hello is generation 2\nreloaded\n"
        );
        outcome.needs_restart = vec!["server.listen".to_owned()];
        outcome.errors = vec!["echo: it is empty".to_owned()];
        outcome.ok = false;
        let text = "changed: hello is generation 2\nneeds a restart: server.listen\n\
                    error: echo: it is empty\nthe reload failed\n";
        assert_eq!(outcome.to_string(), text);
    }
}

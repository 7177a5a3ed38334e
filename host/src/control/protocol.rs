//! What is said over the control socket, as JSON. No IO.
//!
//! A question is one line, `{"command":"status"}` or `{"command":"reload"}`. An answer is one
//! object with one key that says what it is: `status`, `reload` or `error`. White space may come
//! before it: that is a sign of life while a reload takes its time.

use serde::{Deserialize, Serialize};

use super::outcome::ReloadOutcome;
use super::status::Status;

/// The longest question in bytes, its line's end included.
pub(super) const QUESTION_MAX: usize = 1024;
/// What is sent while the answer is being made.
pub(super) const SIGN_OF_LIFE: &[u8] = b"\n";

/// What a host can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// How it is.
    Status,
    /// To look at its files again, and to say what came of it.
    Reload,
}

/// A question as it is sent.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    command: Command,
}

/// An answer as it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// To [`Command::Status`].
    Status(Box<Status>),
    /// To [`Command::Reload`].
    Reload(ReloadOutcome),
    /// To everything else: what was wrong with the question.
    Error(String),
}

/// A question in a line.
pub(super) fn question(command: Command) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Question { command })?;
    line.push(b'\n');
    Ok(line)
}

/// Reads a question, with or without its line's end.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn command(line: &[u8]) -> Result<Command, String> {
    let question: Question = serde_json::from_slice(line).map_err(|error| {
        format!("not understood: {error}; ask {{\"command\":\"status\"}} or \"reload\"")
    })?;
    Ok(question.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_understood_as_they_are_asked() {
        for asked in [Command::Status, Command::Reload] {
            let line = question(asked).unwrap();
            assert!(line.len() < QUESTION_MAX && line.ends_with(b"\n"));
            assert_eq!(command(&line), Ok(asked));
        }
        let later = br#"{"command":"status","colour":"green"}"#;
        assert_eq!(command(later), Ok(Command::Status));
    }

    #[test]
    fn what_is_no_question_is_told_what_would_be_one() {
        for line in [
            &b""[..],
            b"status",
            b"{}",
            b"\xff\xfe",
            b"{\"command\":\"stop\"}",
            b"{\"command\":\"status\"} {\"command\":\"status\"}",
        ] {
            let message = command(line).unwrap_err();
            assert!(
                message.contains("status") && message.contains("reload"),
                "{message}"
            );
        }
    }

    #[test]
    fn an_answer_says_what_it_is() {
        let reply = Reply::Reload(ReloadOutcome::default());
        let text = serde_json::to_string(&reply).unwrap();
        assert!(text.starts_with("{\"reload\":{"), "{text}");
        let alive = format!("\n\n{text}");
        assert_eq!(serde_json::from_str::<Reply>(&alive).unwrap(), reply);
    }
}

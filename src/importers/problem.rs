//! Why files cannot be imported as they are.

use super::limits;
use crate::domain::script::floor_boundary;

/// A reason why files cannot be imported as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file; empty: it concerns no single one.
    pub path: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The error message: lower case, without full stop.
    pub message: String,
    /// The HINT.
    pub hint: String,
    /// Whether a limit is exceeded (54000); otherwise something is wrong (22023).
    pub is_beyond: bool,
}

impl Problem {
    /// A problem of a file.
    pub fn of(path: &str, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem {
            path: path.to_owned(),
            line: None,
            message: shortened(message.into()),
            hint: hint.into(),
            is_beyond: false,
        }
    }

    /// A limit that a file exceeds.
    pub fn beyond(path: &str, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { is_beyond: true, ..Problem::of(path, message, hint) }
    }

    /// A problem in a line of a file.
    pub fn at(
        path: &str,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Problem {
        Problem { line: Some(line), ..Problem::of(path, message, hint) }
    }

    /// A file has no marker for the beginning of its up.
    pub fn without_up(path: &str, marker: &str) -> Problem {
        let hint = "Add it above the SQL that applies the migration.";
        Problem::of(path, format!("there is no \"{marker}\""), hint)
    }

    /// The name of a file does not show what the file is.
    pub fn unknown_name(path: &str) -> Problem {
        let base = super::path::split(path).1;
        Problem::of(
            path,
            format!("file name \"{}\" is not that of a migration", base.escape_debug()),
            "Name it NNN_name.sql, where NNN are digits, move it away, or specify the convention, such as convention => 'flyway'.",
        )
    }
}

/// A message of limited length. It may quote a file, where anything can be long.
fn shortened(mut message: String) -> String {
    if message.len() > limits::MAX_MESSAGE {
        message.truncate(floor_boundary(&message, limits::MAX_MESSAGE));
        message.push_str(" ...");
    }
    message
}

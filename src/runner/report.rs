//! What a run tells besides its rows.

use crate::error::Error;
use crate::pg::context::{Context, Step};
use crate::pg::message;
use crate::store::RunId;
use std::time::Duration;

/// Which way a migration is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is rolled back.
    Down,
}

impl Direction {
    /// As the column `direction` has it.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Direction::Up => "applied",
            Direction::Down => "rolled back",
        }
    }
}

/// The migration in the words of a CONTEXT line.
pub fn label(direction: Direction, version: &str, name: &str, project: &str) -> String {
    let of = if direction == Direction::Down { "down of " } else { "" };
    format!("{of}migration {version} ({name}) of project {project}")
}

/// A NOTICE for a finished migration.
pub fn finished(direction: Direction, version: &str, name: &str, took: Duration) {
    let word = direction.done();
    message::notice(&format!("{word} {version} ({name}) in {:.1} ms", took.as_secs_f64() * 1000.0));
}

/// Where in a body something failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct At {
    statement: Option<usize>,
    line: Option<usize>,
}

impl At {
    /// What a context was at last.
    pub fn of(context: &Context) -> At {
        let statement = match context.step() {
            Step::Statement { number, .. } => Some(number),
            _ => None,
        };
        At { statement, line: context.line() }
    }
}

/// The one line that the server's log keeps of a failed atomic run, which leaves nothing
/// in the database. `key=value` pairs, with quotes around what may hold spaces.
pub fn failed(run: RunId, project: &str, version: &str, at: At, error: &Error) {
    let (sqlstate, message) = error.summary();
    let number = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
    message::log(&format!(
        "pg_migrations: run failed: run={run} project={project:?} version={version:?} \
         statement={} line={} sqlstate={sqlstate} message={message:?}",
        number(at.statement),
        number(at.line),
    ));
}

//! What a run tells besides its rows.

use crate::domain::script::floor_boundary;
use crate::error::Error;
use crate::pg::context::{ScriptErrorContext, Stage};
use crate::pg::message;
use crate::store::RunId;
use std::time::Duration;

/// What becomes of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is rolled back.
    Down,
    /// Its precondition doesn't hold: it stays pending.
    Skip,
    /// Its precondition doesn't hold: it counts as applied.
    Mark,
}

impl Direction {
    /// As the column `direction` has it.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Skip => "skip",
            Direction::Mark => "mark",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Direction::Up => "applied",
            Direction::Down => "rolled back",
            Direction::Skip => "skipped",
            Direction::Mark => "marked as applied",
        }
    }
}

/// A script of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Applies it.
    Up,
    /// Takes it back.
    Down,
    /// Must hold before.
    Precondition,
    /// Must hold after.
    Verify,
}

/// A migration in one line: its version and name, or the name of a repeatable one.
pub fn title(version: Option<&str>, name: &str) -> String {
    match version {
        Some(version) => format!("{version} ({name})"),
        None => format!("repeatable ({name})"),
    }
}

/// A script in the words of a CONTEXT line.
pub fn label(part: Part, version: Option<&str>, name: &str, project: &str) -> String {
    let of = match part {
        Part::Up => "",
        Part::Down => "down of ",
        Part::Precondition => "precondition of ",
        Part::Verify => "verify of ",
    };
    let migration = match version {
        Some(version) => format!("migration {version}"),
        None => "repeatable migration".to_owned(),
    };
    format!("{of}{migration} ({name}) of project {project}")
}

/// A NOTICE for a finished migration.
pub fn finished(direction: Direction, title: &str, took: Duration) {
    let word = direction.done();
    message::notice(&format!("{word} {title} in {:.1} ms", took.as_secs_f64() * 1000.0));
}

/// As much of a statement as is needed to find what it names.
fn beginning(statement: &str) -> String {
    const LONGEST: usize = 64 << 10;
    statement[..floor_boundary(statement, statement.len().min(LONGEST))].to_owned()
}

/// Where in a body something failed.
#[derive(Debug, Clone, Default)]
pub struct At {
    statement: Option<usize>,
    line: Option<usize>,
    text: String,
}

impl At {
    /// What a context was at last.
    pub fn of(context: &ScriptErrorContext) -> At {
        let statement = match context.stage() {
            Stage::Statement { number, .. } => Some(number),
            _ => None,
        };
        At { statement, line: context.line(), text: beginning(context.statement()) }
    }

    /// The number of the statement, from 1.
    pub fn statement(&self) -> Option<i32> {
        self.statement.map(|n| n as i32)
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<i32> {
        self.line.map(|n| n as i32)
    }

    /// The text of the statement; of a very long one, its beginning.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The one line that the server's log keeps of a failed atomic run, which leaves nothing
/// in the database. `key=value` pairs, with quotes around what may hold spaces.
pub fn failed(run: RunId, project: &str, version: &str, at: &At, error: &Error) {
    let (sqlstate, message) = error.summary();
    let number = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
    message::log(&format!(
        "pg_migrations: run failed: run={run} project={project:?} version={version:?} \
         statement={} line={} sqlstate={sqlstate} message={message:?}",
        number(at.statement),
        number(at.line),
    ));
}

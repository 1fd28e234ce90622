//! The error of a step, with the statement that raised it.

use crate::domain::script::floor_boundary;
use crate::pg::context::{Context, Step};

/// As much of a statement as is needed to find what it names.
fn beginning(statement: &str) -> String {
    const LONGEST: usize = 64 << 10;
    statement[..floor_boundary(statement, statement.len().min(LONGEST))].to_owned()
}

/// Where in a body something failed.
#[derive(Debug, Clone, Default)]
pub struct StatementLocation {
    statement: Option<usize>,
    line: Option<usize>,
    text: String,
}

impl StatementLocation {
    /// What a context was at last.
    pub fn of(context: &Context) -> StatementLocation {
        let statement = match context.step() {
            Step::Statement { number, .. } => Some(number),
            _ => None,
        };
        StatementLocation { statement, line: context.line(), text: beginning(context.statement()) }
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

//! The error of a step, with the statement that raised it.

use super::naming::ScriptKind;
use crate::domain::script::floor_boundary;
use crate::error::Error;
use crate::pg::context::{ScriptErrorContext, Stage};

/// The result of work on a step.
pub type StepResult<T> = std::result::Result<T, Box<StepError>>;

/// The error of a step.
#[derive(Debug)]
pub struct StepError {
    /// The error.
    pub error: Error,
    /// The script that failed. None: no script did.
    pub script: Option<ScriptKind>,
    /// The statement that failed.
    pub location: StatementLocation,
}

impl StepError {
    /// An error that a script has raised.
    pub fn in_script(
        mut error: Error,
        script: ScriptKind,
        context: &ScriptErrorContext,
    ) -> Box<StepError> {
        error.hide(context.mask());
        let location = StatementLocation::of(context);
        Box::new(StepError { error, script: Some(script), location })
    }
}

impl From<Error> for Box<StepError> {
    fn from(error: Error) -> Box<StepError> {
        Box::new(StepError { error, script: None, location: StatementLocation::default() })
    }
}

/// The statement that a script has failed at. All is empty if no script has.
#[derive(Debug, Clone, Default)]
pub struct StatementLocation {
    statement: Option<usize>,
    line: Option<usize>,
    text: String,
}

impl StatementLocation {
    /// The statement that a script is at.
    pub fn of(context: &ScriptErrorContext) -> StatementLocation {
        let statement = match context.stage() {
            Stage::Statement { number, .. } => Some(number),
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

    /// The text of the statement. Of a very long one, only the beginning.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// As much of a statement as is needed to find the names in it.
fn beginning(statement: &str) -> String {
    const LONGEST: usize = 64 << 10;
    statement[..floor_boundary(statement, statement.len().min(LONGEST))].to_owned()
}

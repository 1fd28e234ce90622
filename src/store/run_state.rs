//! What each transaction of a run reads about a project besides the plan.

use super::Batch;
use super::event::number;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};

/// Which records a project has.
pub struct RunState {
    /// The number of the last event. 0: there is no event.
    pub last_seq: i64,
    /// Whether the last try of a migration has failed.
    pub has_failures: bool,
    /// Whether a stepwise run has begun a migration and not finished it.
    pub has_journal: bool,
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// Reads the records of a project in the newest committed state.
    pub fn run_state(&self, project: i64) -> Result<RunState> {
        const RUN_STATE: Statement = Statement {
            sql: "SELECT (SELECT seq FROM migrations.event WHERE project_id = $1
                          ORDER BY seq DESC LIMIT 1),
                         EXISTS (SELECT FROM migrations.unfinished WHERE project_id = $1),
                         EXISTS (SELECT FROM migrations.journal WHERE project_id = $1)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&RUN_STATE, [Value::BigInt(project)], View::Newest)?;
        let row = found.first();
        Ok(RunState {
            last_seq: row.as_ref().filter(|row| !row.is_null(0)).map_or(0, |row| number(row, 0)),
            has_failures: row.as_ref().is_some_and(|row| row.bool(1)),
            has_journal: row.as_ref().is_some_and(|row| row.bool(2)),
        })
    }
}

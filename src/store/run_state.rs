//! What a run must know of a project besides its plan.

use super::Batch;
use super::event::number;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};

/// What is on record of a project; looked up for each transaction of a run.
pub struct Standing {
    /// The number of its last event; 0: there is none.
    pub last_seq: i64,
    /// The last try of some of its migrations has failed.
    pub has_failures: bool,
    /// A stepwise run has begun some of its migrations and not finished them.
    pub is_under_way: bool,
}

impl Batch<'_> {
    /// How a project stands, in the newest committed state.
    pub fn standing(&self, project: i64) -> Result<Standing> {
        const STANDING: Statement = Statement {
            sql: "SELECT (SELECT seq FROM migrations.event WHERE project_id = $1
                          ORDER BY seq DESC LIMIT 1),
                         EXISTS (SELECT FROM migrations.unfinished WHERE project_id = $1),
                         EXISTS (SELECT FROM migrations.journal WHERE project_id = $1)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&STANDING, [Value::BigInt(project)], View::Newest)?;
        let row = found.first();
        Ok(Standing {
            last_seq: row.as_ref().filter(|row| !row.is_null(0)).map_or(0, |row| number(row, 0)),
            has_failures: row.as_ref().is_some_and(|row| row.bool(1)),
            is_under_way: row.as_ref().is_some_and(|row| row.bool(2)),
        })
    }
}

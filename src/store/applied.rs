//! The applied state.

use super::overview::Pending;
use super::registry::Text;
use super::{Batch, RunId};
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};

/// A migration that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Key of its row.
    pub id: i64,
    /// Its version as it was written.
    pub version: String,
    /// The name that it had when applied.
    pub name: String,
    /// Whether a down was paired with it.
    pub has_down: bool,
}

impl Batch<'_> {
    /// The last applied migrations, the newest first.
    pub fn last_applied(&self, project: i64, n: i32) -> Result<Vec<Applied>> {
        const LAST: Statement = Statement {
            sql: "SELECT id, version, name, down_checksum IS NOT NULL
                  FROM migrations.applied WHERE project_id = $1 ORDER BY id DESC LIMIT $2",
            types: &[Type::BigInt, Type::Int],
        };
        let found = self.spi.run(&LAST, [Value::BigInt(project), Value::Int(n)], View::Newest)?;
        let applied = found.rows().map(|row| Applied {
            id: row.bigint(0),
            version: row.text(1),
            name: row.text(2),
            has_down: row.bool(3),
        });
        Ok(applied.collect())
    }

    /// The highest applied version.
    pub fn highest_applied(&self, project: i64, view: View) -> Result<Option<String>> {
        const HIGHEST: Statement = Statement {
            sql: "SELECT version FROM migrations.applied
                  WHERE project_id = $1 AND target_schema = '' ORDER BY version_key DESC LIMIT 1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&HIGHEST, [Value::BigInt(project)], view)?;
        Ok(found.first().map(|row| row.text(0)))
    }

    /// Makes the row of a migration that is about to run, with the checksum and the down
    /// that is registered. Gives the row's key.
    pub fn claim(
        &self,
        migration: &Pending,
        run: RunId,
        started_at: i64,
        event_seq: i64,
    ) -> Result<i64> {
        const CLAIM: Statement = Statement {
            sql: "INSERT INTO migrations.applied
                  (project_id, version, version_key, name, up_checksum, checksum_algorithm, down,
                   down_checksum,
                   run_id, applied_at, applied_by, event_seq)
                  SELECT project_id, version, version_key, name, up_checksum, checksum_algorithm,
                         down, down_checksum, $2, $3, $4, $5
                  FROM migrations.migration WHERE id = $1
                  RETURNING id",
            types: &[Type::BigInt, Type::Uuid, Type::Timestamp, Type::Text, Type::BigInt],
        };
        let made = self.spi.run(
            &CLAIM,
            [
                Value::BigInt(migration.id),
                Value::Uuid(run.0),
                Value::Timestamp(started_at),
                self.store.caller.as_str().into(),
                Value::BigInt(event_seq),
            ],
            View::Transaction,
        )?;
        Ok(made.first().map_or(0, |row| row.bigint(0)))
    }

    /// The down that was paired with a migration when it was applied, with its checksum,
    /// and the checksum of the up that ran.
    pub fn down(&self, id: i64) -> Result<Option<Text>> {
        const DOWN: Statement = Statement {
            sql: "SELECT down, down_checksum, up_checksum FROM migrations.applied WHERE id = $1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DOWN, [Value::BigInt(id)], View::Newest)?;
        Ok(found.first().and_then(|row| Text::read(&row)))
    }

    /// Takes a migration out of the applied state. False: its row is gone.
    pub fn unclaim(&self, id: i64) -> Result<bool> {
        const DELETE: Statement = Statement {
            sql: "DELETE FROM migrations.applied WHERE id = $1",
            types: &[Type::BigInt],
        };
        Ok(self.spi.run(&DELETE, [Value::BigInt(id)], View::Transaction)?.count() == 1)
    }
}

//! The last failure of each migration (table `unfinished`), which stepwise runs record.

use super::Batch;
use super::event::{Event, Failure};
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use std::collections::HashMap;

/// Notes that the history has all failures of a migration.
const RECORDED: Statement = Statement {
    sql: "UPDATE migrations.unfinished
          SET failures_recorded = failures, recorded_at = last_failed_at
          WHERE project_id = $1 AND version_key = $2",
    types: &[Type::BigInt, Type::Bytes],
};

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// Adds to the history the failures of a migration that it does not have yet, unless they
    /// are equal to `like`. Call it before the failures are forgotten and before another event
    /// is added. `seq` is the number for the event. False: no event was added.
    pub fn record_failures(
        &self,
        project: i64,
        key: &[u8],
        like: Option<&Failure>,
        seq: i64,
    ) -> Result<bool> {
        const LEFT: Statement = Statement {
            sql: "SELECT direction, sqlstate, message, statement_no, line_no,
                         failures - failures_recorded, last_failed_at
                  FROM migrations.unfinished
                  WHERE project_id = $1 AND version_key = $2 AND failures > failures_recorded",
            types: &[Type::BigInt, Type::Bytes],
        };
        let key_values = || [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let (failure, times, started_at) = {
            let found = self.spi.run(&LEFT, key_values(), View::Newest)?;
            let Some(row) = found.first() else { return Ok(false) };
            let failure = Failure {
                direction: row.text(0),
                sqlstate: row.text(1),
                message: row.text(2),
                statement: row.get(3),
                line: row.get(4),
            };
            (failure, row.bigint(5), row.timestamp(6).unwrap_or_default())
        };
        if like == Some(&failure) {
            return Ok(false);
        }
        self.spi.run(&RECORDED, key_values(), View::Transaction)?;
        let (version, name) = self.title(project, key, View::Newest)?.unwrap_or_default();
        self.record(&Event {
            project,
            seq,
            version: version.as_deref(),
            name: Some(&name),
            action: failure.action(),
            started_at,
            failure: Some((&failure, times)),
            ..Event::default()
        })?;
        Ok(true)
    }

    /// Notes a failure. When the same failure is repeated, it is counted, and the history gets
    /// an event once an hour.
    pub fn note_failure(&self, key: &[u8], failure: &Failure, mut event: Event) -> Result<()> {
        if self.record_failures(event.project, key, Some(failure), event.seq)? {
            event.seq += 1;
        }
        // Returns how many failures the history does not have, and whether an event is due.
        const NOTE: Statement = Statement {
            sql: "INSERT INTO migrations.unfinished AS u
                  (project_id, version_key, direction, sqlstate, message, statement_no, line_no,
                   failures, failures_recorded, first_failed_at, last_failed_at, recorded_at)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 0, $8, $8, '-infinity')
                  ON CONFLICT (project_id, version_key) DO UPDATE
                  SET (direction, sqlstate, message, statement_no, line_no, last_failed_at,
                       failures, failures_recorded, first_failed_at, recorded_at)
                    = (SELECT $3, $4, $5, $6, $7, $8,
                              CASE WHEN same THEN u.failures + 1 ELSE 1 END,
                              CASE WHEN same THEN u.failures_recorded ELSE 0 END,
                              CASE WHEN same THEN u.first_failed_at ELSE $8 END,
                              CASE WHEN same THEN u.recorded_at ELSE '-infinity' END
                       FROM (SELECT (u.direction, u.sqlstate, u.message, u.statement_no, u.line_no)
                                    IS NOT DISTINCT FROM ($3, $4, $5, $6, $7) AS same) s)
                  RETURNING failures - failures_recorded,
                            recorded_at <= last_failed_at - interval '1 hour'",
            types: &[
                Type::BigInt,
                Type::Bytes,
                Type::Text,
                Type::Text,
                Type::Text,
                Type::Int,
                Type::Int,
                Type::Timestamp,
            ],
        };
        let noted = self.spi.run(
            &NOTE,
            [
                Value::BigInt(event.project),
                Value::Bytes(key.to_vec()),
                failure.direction.as_str().into(),
                failure.sqlstate.as_str().into(),
                failure.message.as_str().into(),
                failure.statement.into(),
                failure.line.into(),
                Value::Timestamp(event.started_at + event.duration.unwrap_or(0)),
            ],
            View::Transaction,
        )?;
        let (times, is_due) = noted.first().map_or((1, true), |row| (row.bigint(0), row.bool(1)));
        if is_due {
            let values = [Value::BigInt(event.project), Value::Bytes(key.to_vec())];
            self.spi.run(&RECORDED, values, View::Transaction)?;
            self.record(&Event { failure: Some((failure, times)), ..event })?;
        }
        Ok(())
    }

    /// Removes the failure of a migration that has succeeded, or that no run will try again.
    /// False: there was no failure.
    pub fn forget_failure(&self, project: i64, key: &[u8]) -> Result<bool> {
        const FORGET: Statement = Statement {
            sql: "DELETE FROM migrations.unfinished WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        Ok(self.spi.run(&FORGET, values, View::Transaction)?.count() > 0)
    }

    /// The failures of a project by `version_key`: the direction, and a description.
    pub fn failures(&self, project: i64, view: View) -> Result<HashMap<Vec<u8>, (String, String)>> {
        const FAILURES: Statement = Statement {
            sql: "SELECT version_key, direction,
                         format('%s (%s)', message, sqlstate)
                         || CASE WHEN statement_no IS NULL THEN '' ELSE format(', statement %s', statement_no) END
                         || CASE WHEN line_no IS NULL THEN '' ELSE format(', line %s', line_no) END
                         || CASE WHEN failures = 1 THEN '' ELSE format(', %s times', failures) END
                  FROM migrations.unfinished WHERE project_id = $1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&FAILURES, [Value::BigInt(project)], view)?;
        Ok(found.rows().map(|row| (row.bytes(0), (row.text(1), row.text(2)))).collect())
    }
}

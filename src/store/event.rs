//! The history (table `event`).

use super::{Batch, RunId};
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};
use std::collections::HashMap;

/// An event of the history.
#[derive(Debug, Default)]
pub struct Event<'a> {
    /// The project's row.
    pub project: i64,
    /// The number of the event within the project's history.
    pub seq: i64,
    /// The run that the event is part of.
    pub run: Option<RunId>,
    /// The migration's version; None: a repeatable one, or the project as a whole.
    pub version: Option<&'a str>,
    /// The migration's name; None: the project as a whole.
    pub name: Option<&'a str>,
    /// The effective role; None: the caller.
    pub role: Option<&'a str>,
    /// What was done: a word of the column `action`.
    pub action: &'static str,
    /// When the work started.
    pub started_at: i64,
    /// How long the work took, in microseconds.
    pub duration: Option<i64>,
    /// The digest of the migration.
    pub digest: Option<&'a [u8]>,
    /// The digest before a change.
    pub former_digest: Option<&'a [u8]>,
    /// Details of what was done.
    pub message: Option<&'a str>,
    /// The reason that the caller gave.
    pub reason: Option<&'a str>,
    /// The failure, and how many times it has happened. None: the event is a success.
    pub failure: Option<(&'a Failure, i64)>,
}

/// A failure of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `up` or `down`.
    pub direction: String,
    /// The SQLSTATE of the error.
    pub sqlstate: String,
    /// The primary message of the error.
    pub message: String,
    /// The number of the statement, from 1.
    pub statement: Option<i32>,
    /// The number of the line, from 1.
    pub line: Option<i32>,
}

impl Failure {
    /// The action of the event that records the failure.
    pub fn action(&self) -> &'static str {
        if self.direction == "down" { "rollback" } else { "apply" }
    }
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The number of the last event of a project. 0: there is no event.
    pub fn last_seq(&self, project: i64, view: View) -> Result<i64> {
        const LAST: Statement = Statement {
            sql: "SELECT seq FROM migrations.event WHERE project_id = $1 ORDER BY seq DESC LIMIT 1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&LAST, [Value::BigInt(project)], view)?;
        Ok(found.first().map_or(0, |row| number(&row, 0)))
    }

    /// Adds the event of a migration that was applied. `applied` is its row in the applied
    /// state. False: that row is gone.
    pub fn record_apply(&self, applied: i64, duration: i64) -> Result<bool> {
        const RECORD: Statement = Statement {
            sql: "INSERT INTO migrations.event
                  (project_id, seq, run_id, version, name, action, outcome, started_at, duration,
                   effective_role, digest)
                  SELECT project_id, event_seq, run_id, version, name, 'apply', 'success',
                         applied_at, $2, applied_by, digest
                  FROM migrations.applied WHERE id = $1",
            types: &[Type::BigInt, Type::Interval],
        };
        let values = [Value::BigInt(applied), Value::Interval(duration)];
        Ok(self.spi.run(&RECORD, values, View::Transaction)?.count() == 1)
    }

    /// Adds an event to the history.
    pub fn record(&self, event: &Event) -> Result<()> {
        const RECORD: Statement = Statement {
            sql: "INSERT INTO migrations.event
                  (project_id, seq, run_id, version, name, action, outcome, started_at, duration,
                   effective_role, digest, former_digest, message, reason,
                   sqlstate, statement_no, line_no, times)
                  VALUES ($1, $2, $3, $4, $5, $6,
                          CASE WHEN $14 IS NULL THEN 'success' ELSE 'failure' END,
                          $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            types: &[
                Type::BigInt,
                Type::BigInt,
                Type::Uuid,
                Type::Text,
                Type::Text,
                Type::Text,
                Type::Timestamp,
                Type::Interval,
                Type::Text,
                Type::Bytes,
                Type::Bytes,
                Type::Text,
                Type::Text,
                Type::Text,
                Type::Int,
                Type::Int,
                Type::BigInt,
            ],
        };
        let (failure, times) = event.failure.map_or((None, 1), |(f, times)| (Some(f), times));
        let bytes = |sum: Option<&[u8]>| sum.map_or(Value::Null, |sum| Value::Bytes(sum.to_vec()));
        self.spi.run(
            &RECORD,
            [
                Value::BigInt(event.project),
                Value::BigInt(event.seq),
                event.run.map_or(Value::Null, |run| Value::Uuid(run.0)),
                event.version.into(),
                event.name.into(),
                event.action.into(),
                Value::Timestamp(event.started_at),
                event.duration.map_or(Value::Null, Value::Interval),
                event.role.unwrap_or(&self.store.caller).into(),
                bytes(event.digest),
                bytes(event.former_digest),
                failure.map_or(event.message, |f| Some(f.message.as_str())).into(),
                event.reason.into(),
                failure.map(|f| f.sqlstate.as_str()).into(),
                failure.and_then(|f| f.statement).into(),
                failure.and_then(|f| f.line).into(),
                Value::BigInt(times),
            ],
            View::Transaction,
        )?;
        Ok(())
    }

    /// Whether the last event of a migration is a person's decision about a statement that
    /// was interrupted.
    pub fn is_decided(
        &self,
        project: i64,
        version: Option<&str>,
        name: &str,
        view: View,
    ) -> Result<bool> {
        const LAST: Statement = Statement {
            sql: "SELECT action IN ('retry', 'mark_statement_done') FROM migrations.event
                  WHERE project_id = $1 AND version IS NOT DISTINCT FROM $2
                    AND (version IS NOT NULL OR name = $3)
                  ORDER BY seq DESC LIMIT 1",
            types: &[Type::BigInt, Type::Text, Type::Text],
        };
        let values = [Value::BigInt(project), version.into(), name.into()];
        Ok(self.spi.run(&LAST, values, view)?.first().is_some_and(|row| row.bool(0)))
    }

    /// The migrations that were skipped by the last run that reached them, with the reason.
    pub fn skipped(&self, project: i64, view: View) -> Result<HashMap<Identity, String>> {
        const ANY: Statement = Statement {
            sql: "SELECT FROM migrations.event WHERE project_id = $1 AND action = 'skip' LIMIT 1",
            types: &[Type::BigInt],
        };
        const SKIPPED: Statement = Statement {
            sql: "SELECT version, name, reason FROM (
                      SELECT DISTINCT ON (version, CASE WHEN version IS NULL THEN name END)
                             version, name, reason, action
                      FROM migrations.event
                      WHERE project_id = $1 AND action = ANY ('{skip, apply, rollback, mark_applied,
                                                                mark_pending, baseline, remove}')
                        -- A failed try changes nothing about it.
                        AND outcome = 'success'
                      ORDER BY version, CASE WHEN version IS NULL THEN name END, seq DESC
                  ) last WHERE action = 'skip'",
            types: &[Type::BigInt],
        };
        if self.spi.run(&ANY, [Value::BigInt(project)], view)?.count() == 0 {
            return Ok(HashMap::new());
        }
        let found = self.spi.run(&SKIPPED, [Value::BigInt(project)], view)?;
        let skipped = found.rows().map(|row| {
            let (version, name): (Option<String>, String) = (row.get(0), row.text(1));
            (identity(version.as_deref(), &name), row.text(2))
        });
        Ok(skipped.collect())
    }
}

/// The number of an event, from a column that is never NULL.
pub(super) fn number(row: &Row, column: usize) -> i64 {
    let number = row.bigint(column);
    // The next events need higher numbers.
    if !(0..i64::MAX / 2).contains(&number) {
        row.damaged(column);
        return 0;
    }
    number
}

/// How the history identifies a migration of a project: by the version, or by the name of a
/// repeatable migration.
pub type Identity = (Option<String>, Option<String>);

/// The identity of a migration.
pub fn identity(version: Option<&str>, name: &str) -> Identity {
    (version.map(str::to_owned), version.is_none().then(|| name.to_owned()))
}

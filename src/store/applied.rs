//! The applied state (table `applied`).

use super::overview::Pending;
use super::parts::{PARTS_COLUMNS, parts, parts_columns};
use super::script::StoredScript;
use super::{Batch, RunId};
use crate::domain::digest::Changes;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};

/// An applied migration that has a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The row's id, which increases in the order in which migrations were applied.
    pub id: i64,
    /// The version as it was written.
    pub version: String,
    /// The migration's `version_key`.
    pub key: Vec<u8>,
    /// The name that it had when it was applied.
    pub name: String,
    /// Whether it had a down when it was applied.
    pub has_down: bool,
    /// Whether it can run inside a transaction. None: its statements decide.
    pub transactional: Option<bool>,
}

impl Applied {
    fn read(row: &Row) -> Applied {
        Applied {
            id: row.bigint(0),
            version: row.text(1),
            key: row.bytes(2),
            name: row.text(3),
            has_down: row.bool(4),
            transactional: row.get(5),
        }
    }
}

/// A change of the registry that was accepted into the applied state.
pub struct Accepted {
    /// The migration's name.
    pub name: String,
    /// The former digest.
    pub former: Vec<u8>,
    /// The new digest.
    pub new: Vec<u8>,
    /// What has changed.
    pub changes: Changes,
    /// Whether the new digest is that of its parts.
    pub is_intact: bool,
}

/// How a migration became applied without a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was marked as applied.
    Mark,
    /// It was applied before pg_migrations was installed.
    Baseline,
}

impl Origin {
    fn word(self) -> &'static str {
        match self {
            Origin::Mark => "mark",
            Origin::Baseline => "baseline",
        }
    }
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The versions that were applied or marked as applied after a row of the applied state
    /// (after 0: all), the last one first, at most `limit`. Baselines are left out.
    pub fn applied_after(
        &self,
        project: i64,
        row: i64,
        limit: Option<i32>,
        view: View,
    ) -> Result<Vec<Applied>> {
        const APPLIED: Statement = Statement {
            sql: "SELECT id, version, version_key, name, down_checksum IS NOT NULL, transactional
                  FROM migrations.applied
                  WHERE project_id = $1 AND version IS NOT NULL AND origin <> 'baseline'
                    AND id > $2
                  ORDER BY id DESC LIMIT $3",
            types: &[Type::BigInt, Type::BigInt, Type::Int],
        };
        let values = [Value::BigInt(project), Value::BigInt(row), limit.into()];
        let found = self.spi.run(&APPLIED, values, view)?;
        Ok(found.rows().map(|row| Applied::read(&row)).collect())
    }

    /// All applied versions, baselines included, the last one first.
    pub fn applied_versions(&self, project: i64) -> Result<Vec<Applied>> {
        const APPLIED: Statement = Statement {
            sql: "SELECT id, version, version_key, name, down_checksum IS NOT NULL, transactional
                  FROM migrations.applied WHERE project_id = $1 AND version IS NOT NULL
                  ORDER BY id DESC",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&APPLIED, [Value::BigInt(project)], View::Newest)?;
        Ok(found.rows().map(|row| Applied::read(&row)).collect())
    }

    /// The row of the migration with this `version_key`. None: it is not applied.
    pub fn applied_row(&self, project: i64, key: &[u8]) -> Result<Option<i64>> {
        const ROW: Statement = Statement {
            sql: "SELECT id FROM migrations.applied
                  WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let found = self.spi.run(&ROW, values, View::Newest)?;
        Ok(found.first().map(|row| row.bigint(0)))
    }

    /// The highest applied version. None: no version is applied.
    pub fn highest_applied(&self, project: i64, view: View) -> Result<Option<String>> {
        const HIGHEST: Statement = Statement {
            sql: "SELECT version FROM migrations.applied
                  WHERE project_id = $1 AND version IS NOT NULL
                  ORDER BY version_key DESC LIMIT 1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&HIGHEST, [Value::BigInt(project)], view)?;
        Ok(found.first().map(|row| row.text(0)))
    }

    /// Inserts the row of a migration that is about to run, with the registered checksums and
    /// the registered down. `role` is the role as which it runs, if that is not the caller.
    /// Returns the row's id. None: the registered text or digest is not the one that is about
    /// to run.
    pub fn insert_applied(
        &self,
        migration: &Pending,
        run: RunId,
        started_at: i64,
        event_seq: i64,
        text: &StoredScript,
        role: Option<&str>,
    ) -> Result<Option<i64>> {
        const INSERT: Statement = Statement {
            sql: "INSERT INTO migrations.applied
                  (project_id, version, version_key, name, up_checksum, checksum_algorithm, down,
                   down_checksum, precondition_checksum, verify_checksum, requires,
                   transactional, on_fail, moment, digest,
                   run_id, applied_at, applied_by, event_seq)
                  SELECT project_id, version, version_key, name, up_checksum, checksum_algorithm,
                         down, down_checksum, precondition_checksum, verify_checksum, requires,
                         transactional, on_fail, moment, digest, $2, $3, $4, $5
                  FROM migrations.migration WHERE id = $1 AND up_checksum = $6 AND digest = $7
                  RETURNING id",
            types: &[
                Type::BigInt,
                Type::Uuid,
                Type::Timestamp,
                Type::Text,
                Type::BigInt,
                Type::Bytes,
                Type::Bytes,
            ],
        };
        let made = self.spi.run(
            &INSERT,
            [
                Value::BigInt(migration.id),
                Value::Uuid(run.0),
                Value::Timestamp(started_at),
                role.unwrap_or(&self.store.caller).into(),
                Value::BigInt(event_seq),
                text.parts.up.clone().map_or(Value::Null, Value::Bytes),
                Value::Bytes(text.digest.clone()),
            ],
            View::Transaction,
        )?;
        Ok(made.first().map(|row| row.bigint(0)))
    }

    /// Inserts the row of a migration that does not run. `migration` is its row in the
    /// registry. Returns its digest.
    pub fn insert_marked(
        &self,
        migration: i64,
        origin: Origin,
        run: RunId,
        at: i64,
        event_seq: i64,
    ) -> Result<Vec<u8>> {
        const INSERT: Statement = Statement {
            sql: "INSERT INTO migrations.applied
                  (project_id, version, version_key, name, origin, up_checksum,
                   checksum_algorithm, down, down_checksum, precondition_checksum,
                   verify_checksum, requires, transactional, on_fail, moment, digest,
                   run_id, applied_at, applied_by, event_seq)
                  SELECT project_id, version, version_key, name, $2, up_checksum,
                         checksum_algorithm, down, down_checksum, precondition_checksum,
                         verify_checksum, requires, transactional, on_fail, moment, digest,
                         $3, $4, $5, $6
                  FROM migrations.migration WHERE id = $1
                  RETURNING digest",
            types: &[
                Type::BigInt,
                Type::Text,
                Type::Uuid,
                Type::Timestamp,
                Type::Text,
                Type::BigInt,
            ],
        };
        let made = self.spi.run(
            &INSERT,
            [
                Value::BigInt(migration),
                origin.word().into(),
                Value::Uuid(run.0),
                Value::Timestamp(at),
                self.store.caller.as_str().into(),
                Value::BigInt(event_seq),
            ],
            View::Transaction,
        )?;
        Ok(made.first().map(|row| row.bytes(0)).unwrap_or_default())
    }

    /// Copies the registered content of a migration into the applied state. None: they are
    /// equal already.
    pub fn accept(&self, applied: i64) -> Result<Option<Accepted>> {
        const ACCEPT: Statement = Statement {
            sql: concat!(
                "UPDATE migrations.applied a
                 SET (name, up_checksum, checksum_algorithm, down, down_checksum,
                      precondition_checksum, verify_checksum, requires, transactional, on_fail,
                      moment, digest)
                   = (SELECT m.name, m.up_checksum, m.checksum_algorithm, m.down,
                             m.down_checksum, m.precondition_checksum, m.verify_checksum,
                             m.requires, m.transactional, m.on_fail, m.moment, m.digest)
                 FROM migrations.applied former, migrations.migration m
                 WHERE a.id = $1 AND former.id = a.id AND m.project_id = a.project_id
                   AND m.version_key = a.version_key AND m.up_checksum IS NOT NULL
                   AND m.digest IS DISTINCT FROM former.digest
                 RETURNING a.name, ",
                parts_columns!("former"),
                ", ",
                parts_columns!("a")
            ),
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&ACCEPT, [Value::BigInt(applied)], View::Transaction)?;
        Ok(found.first().map(|row| {
            let ((former, before), (new, now)) = (parts(&row, 1), parts(&row, 1 + PARTS_COLUMNS));
            let is_intact = now.digest()[..] == new;
            Accepted { name: row.text(0), former, new, changes: before.changes(&now), is_intact }
        }))
    }

    /// Deletes a row of the applied state. False: it was gone.
    pub fn delete_applied(&self, id: i64) -> Result<bool> {
        const DELETE: Statement = Statement {
            sql: "DELETE FROM migrations.applied WHERE id = $1",
            types: &[Type::BigInt],
        };
        Ok(self.spi.run(&DELETE, [Value::BigInt(id)], View::Transaction)?.count() == 1)
    }
}

//! The state of a project: what is registered beside what is applied. No body is read.

use super::Batch;
use crate::domain::plan::Versioned;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};

/// A migration that isn't applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Key of its row in the registry.
    pub id: i64,
    /// Its version as it was written.
    pub version: String,
    /// Its version's order.
    pub key: Vec<u8>,
    /// Its name.
    pub name: String,
    /// Whether it has an up.
    pub has_up: bool,
    /// Whether it can run inside a transaction; None: as its statements show.
    pub transactional: Option<bool>,
}

impl Versioned for Pending {
    fn key(&self) -> &[u8] {
        &self.key
    }
}

/// A row of `status()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its version as it was written.
    pub version: String,
    /// Its version's order.
    pub key: Vec<u8>,
    /// Its name.
    pub name: String,
    /// Whether the registry has it, and with an up.
    pub registered: Option<bool>,
    /// Whether its registered mark says that it can run inside a transaction.
    pub transactional: Option<bool>,
    /// Whether a rollback would have a down: the applied one's, or the registered one's.
    pub has_down: bool,
    /// When, by whom and how long it was applied.
    pub applied: Option<(i64, String, Option<i64>)>,
    /// The checksums of the text that ran and of the one registered are the same.
    pub checksum_ok: Option<bool>,
}

impl Versioned for State {
    fn key(&self) -> &[u8] {
        &self.key
    }
}

impl Batch<'_> {
    /// Registered migrations that aren't applied.
    pub fn pending(&self, project: i64, view: View) -> Result<Vec<Pending>> {
        const PENDING: Statement = Statement {
            sql: "SELECT m.id, m.version, m.version_key, m.name, m.up IS NOT NULL, m.transactional
                  FROM migrations.migration m
                  WHERE m.project_id = $1 AND NOT EXISTS (
                      SELECT FROM migrations.applied a
                      WHERE a.project_id = $1 AND a.target_schema = '' AND a.version_key = m.version_key)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&PENDING, [Value::BigInt(project)], view)?;
        let pending = found.rows().map(|row| Pending {
            id: row.bigint(0),
            version: row.text(1),
            key: row.bytes(2),
            name: row.text(3),
            has_up: row.bool(4),
            transactional: row.get(5),
        });
        Ok(pending.collect())
    }

    /// Whether a registered migration isn't applied.
    pub fn has_pending(&self, project: i64) -> Result<bool> {
        const HAS: Statement = Statement {
            sql: "SELECT FROM migrations.migration m
                  WHERE m.project_id = $1 AND NOT EXISTS (
                      SELECT FROM migrations.applied a
                      WHERE a.project_id = $1 AND a.target_schema = '' AND a.version_key = m.version_key)
                  LIMIT 1",
            types: &[Type::BigInt],
        };
        Ok(self.spi.run(&HAS, [Value::BigInt(project)], View::Newest)?.count() > 0)
    }

    /// Applied migrations whose registered text is another than the one that ran: version,
    /// checksum of the text that ran, checksum of the registered one.
    pub fn modified(&self, project: i64, view: View) -> Result<Vec<(String, String, String)>> {
        const MODIFIED: Statement = Statement {
            sql: "SELECT m.version, encode(a.up_checksum, 'hex'),
                         coalesce(encode(m.up_checksum, 'hex'), 'nothing')
                  FROM migrations.migration m
                  JOIN migrations.applied a USING (project_id, version_key)
                  WHERE m.project_id = $1 AND m.up_checksum IS DISTINCT FROM a.up_checksum
                  ORDER BY m.version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&MODIFIED, [Value::BigInt(project)], view)?;
        Ok(found.rows().map(|row| (row.text(0), row.text(1), row.text(2))).collect())
    }

    /// Whether a version is registered or applied.
    pub fn knows(&self, project: i64, key: &[u8], view: View) -> Result<bool> {
        const KNOWS: Statement = Statement {
            sql: "SELECT FROM migrations.migration WHERE project_id = $1 AND version_key = $2
                  UNION ALL
                  SELECT FROM migrations.applied WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        Ok(self.spi.run(&KNOWS, values, view)?.count() > 0)
    }

    /// Every migration that is registered or applied.
    pub fn states(&self, project: i64) -> Result<Vec<State>> {
        const STATES: Statement = Statement {
            sql: "SELECT coalesce(m.version, a.version), version_key, coalesce(m.name, a.name),
                         CASE WHEN m.id IS NOT NULL THEN m.up IS NOT NULL END, m.transactional,
                         CASE WHEN a.id IS NULL THEN m.down IS NOT NULL ELSE a.down IS NOT NULL END,
                         a.applied_at, a.applied_by, e.duration, m.up_checksum = a.up_checksum
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)
                  LEFT JOIN migrations.event e ON e.project_id = $1 AND e.seq = a.event_seq",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&STATES, [Value::BigInt(project)], View::Caller)?;
        let states = found.rows().map(|row| State {
            version: row.text(0),
            key: row.bytes(1),
            name: row.text(2),
            registered: row.get(3),
            transactional: row.get(4),
            has_down: row.bool(5),
            applied: row.timestamp(6).map(|at| (at, row.text(7), row.interval(8))),
            checksum_ok: row.get(9),
        });
        Ok(states.collect())
    }
}

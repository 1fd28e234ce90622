//! The state of a project: what is registered beside what is applied. No body is read.

use super::Batch;
use crate::domain::plan::Versioned;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use std::collections::HashMap;

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

/// Where registry and applied state differ.
#[derive(Debug, Default)]
pub struct Differences {
    /// Registered, but not applied.
    pub pending: Vec<Pending>,
    /// Applied, but registered with another text than the one that ran: version, checksum
    /// of the text that ran, checksum of the registered one.
    pub modified: Vec<(String, String, String)>,
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
    /// Where registry and applied state differ: what isn't applied, and what was modified
    /// since, in version order.
    ///
    /// A full join, here and below, since the server never does one as a nested loop:
    /// the tables may have grown by thousands of rows since they were last analyzed. Their
    /// bodies stay out of it: checksums tell whether there is one.
    pub fn differences(&self, project: i64, view: View) -> Result<Differences> {
        const DIFFERENCES: Statement = Statement {
            sql: "SELECT a.id IS NULL, m.id, m.version, version_key, m.name, m.up_checksum IS NOT NULL,
                         m.transactional, encode(a.up_checksum, 'hex'),
                         coalesce(encode(m.up_checksum, 'hex'), 'nothing')
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)
                  WHERE CASE WHEN a.id IS NULL THEN true WHEN m.id IS NULL THEN false
                        ELSE m.up_checksum IS DISTINCT FROM a.up_checksum END
                  ORDER BY version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DIFFERENCES, [Value::BigInt(project)], view)?;
        let mut differences = Differences::default();
        for row in found.rows() {
            let version = row.text(2);
            if row.bool(0) {
                differences.pending.push(Pending {
                    id: row.bigint(1),
                    version,
                    key: row.bytes(3),
                    name: row.text(4),
                    has_up: row.bool(5),
                    transactional: row.get(6),
                });
            } else {
                differences.modified.push((version, row.text(7), row.text(8)));
            }
        }
        Ok(differences)
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
                         CASE WHEN m.id IS NOT NULL THEN m.up_checksum IS NOT NULL END, m.transactional,
                         CASE WHEN a.id IS NULL THEN m.down_checksum ELSE a.down_checksum END
                             IS NOT NULL,
                         a.applied_at, a.applied_by, a.event_seq, m.up_checksum = a.up_checksum
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&STATES, [Value::BigInt(project)], View::Caller)?;
        let mut durations = self.durations(project)?;
        let states = found.rows().map(|row| State {
            version: row.text(0),
            key: row.bytes(1),
            name: row.text(2),
            registered: row.get(3),
            transactional: row.get(4),
            has_down: row.bool(5),
            applied: row.timestamp(6).map(|at| {
                let duration = row.get(8).and_then(|seq: i64| durations.remove(&seq));
                (at, row.text(7), duration)
            }),
            checksum_ok: row.get(9),
        });
        Ok(states.collect())
    }

    /// How long each event of a project took, by its number. Not a join in the statement
    /// above: without statistics about fresh tables the server may choose a slow one.
    fn durations(&self, project: i64) -> Result<HashMap<i64, i64>> {
        const DURATIONS: Statement = Statement {
            sql: "SELECT seq, duration FROM migrations.event
                  WHERE project_id = $1 AND action = 'apply' AND duration IS NOT NULL",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DURATIONS, [Value::BigInt(project)], View::Caller)?;
        Ok(found.rows().filter_map(|row| Some((row.bigint(0), row.interval(1)?))).collect())
    }
}

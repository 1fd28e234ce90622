//! The state of each migration of a project, as `status()` shows it.

use super::Batch;
use super::overview::requirements;
use super::parts::moment;
use super::project::Project;
use crate::domain::digest::Changes;
use crate::domain::moment::Moment;
use crate::domain::requirement::Requirement;
use crate::domain::version::is_repeatable;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use std::collections::HashMap;

/// The state of a migration that is registered or applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The version as it was written. None: a repeatable migration.
    pub version: Option<String>,
    /// The migration's `version_key`.
    pub key: Vec<u8>,
    /// The name.
    pub name: String,
    /// Whether an up is registered. None: the migration is not registered.
    pub registered: Option<bool>,
    /// Whether it is marked as able to run inside a transaction. None: it is not marked.
    pub transactional: Option<bool>,
    /// What it requires.
    pub requires: Vec<Requirement>,
    /// Whether a rollback would have a down: the applied one, or the registered one.
    pub has_down: bool,
    /// When and by whom it was applied, and how long that took in microseconds.
    pub applied: Option<(i64, String, Option<i64>)>,
    /// How it became applied: `apply`, `mark` or `baseline`.
    pub origin: String,
    /// Whether the registered digest is equal to the applied one.
    pub checksum_ok: Option<bool>,
    /// What differs between the registered and the applied parts.
    pub changes: Changes,
    /// When a repeatable migration runs.
    pub moment: Moment,
}

impl State {
    /// Whether it is a repeatable migration.
    pub fn is_repeatable(&self) -> bool {
        is_repeatable(&self.key)
    }

    /// Whether a run may apply it: it is not applied, or it is a repeatable migration that has
    /// changed or belongs to each run.
    pub fn may_run(&self) -> bool {
        self.applied.is_none()
            || self.is_repeatable()
                && (self.checksum_ok == Some(false) || self.moment != Moment::Changed)
    }
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// All migrations that are registered or applied: versions in their order, then
    /// repeatable ones by name.
    pub fn states(&self, project: &Project) -> Result<Vec<State>> {
        const STATES: Statement = Statement {
            sql: "SELECT coalesce(m.version, a.version) AS version, version_key,
                         coalesce(m.name, a.name) AS name,
                         CASE WHEN m.id IS NOT NULL THEN m.up_checksum IS NOT NULL END, m.transactional,
                         CASE WHEN a.id IS NULL THEN m.down_checksum ELSE a.down_checksum END
                             IS NOT NULL,
                         a.applied_at, a.applied_by, a.event_seq, m.digest = a.digest,
                         nullif(m.requires, '{}') AS requires, a.origin, m.moment
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&STATES, [Value::BigInt(project.id)], View::Caller)?;
        let mut durations = self.durations(project.id)?;
        let differs = found.rows().any(|row| row.get(9) == Some(false));
        let mut changes =
            if differs { self.changes(project.id, View::Caller)? } else { HashMap::new() };
        let states = found.rows().map(|row| {
            Ok(State {
                version: row.get(0),
                key: row.bytes(1),
                name: row.text(2),
                registered: row.get(3),
                transactional: row.get(4),
                requires: requirements(&row, 10, &project.name),
                has_down: row.bool(5),
                applied: row.timestamp(6).map(|at| {
                    let duration = row.get(8).and_then(|seq: i64| durations.remove(&seq));
                    (at, row.text(7), duration)
                }),
                origin: row.get(11).unwrap_or_default(),
                checksum_ok: row.get(9),
                changes: changes.remove(&row.bytes(1)).unwrap_or_default(),
                moment: if row.is_null(3) { Moment::default() } else { moment(&row, 12) },
            })
        });
        let mut states: Vec<State> = states.collect::<Result<_>>()?;
        states.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(states)
    }

    /// How long each event of a project took, by number. Not a join in the statement above:
    /// while the tables have no statistics the server may choose a slow plan.
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

//! The state of a project: what is registered beside what is applied. No body is read.

use super::Batch;
use super::project::Project;
use crate::domain::convention::Moment;
use crate::domain::plan::Node;
use crate::domain::requirement::Requirement;
use crate::domain::version::is_repeatable;
use crate::error::{Error, Result};
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};
use std::collections::{HashMap, HashSet};

/// A migration that isn't applied, or a repeatable one that has changed since it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Key of its row in the registry.
    pub id: i64,
    /// Its version as it was written; None: a repeatable migration.
    pub version: Option<String>,
    /// Its order.
    pub key: Vec<u8>,
    /// Its name.
    pub name: String,
    /// Whether it has an up.
    pub has_up: bool,
    /// Whether it can run inside a transaction; None: as its statements show.
    pub transactional: Option<bool>,
    /// What must be there before it runs.
    pub requires: Vec<Requirement>,
    /// A repeatable migration's row in the applied state, which it is to replace.
    pub former: Option<i64>,
}

/// Where registry and applied state differ.
#[derive(Debug, Default)]
pub struct Differences {
    /// Registered, but not applied: versions in their order, then repeatables by name.
    pub pending: Vec<Pending>,
    /// Applied, but registered with another text than the one that ran: version, checksum
    /// of the text that ran, checksum of the registered one.
    pub modified: Vec<(String, String, String)>,
    /// What runs before and after each run, by name; pending or not.
    pub hooks: Vec<(Moment, Pending)>,
    /// The keys of those of them whose last try has failed, so that there is something to do.
    pub failed_hooks: HashSet<Vec<u8>>,
}

/// A row of `status()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its version as it was written; None: a repeatable migration.
    pub version: Option<String>,
    /// Its order.
    pub key: Vec<u8>,
    /// Its name.
    pub name: String,
    /// Whether the registry has it, and with an up.
    pub registered: Option<bool>,
    /// Whether its registered mark says that it can run inside a transaction.
    pub transactional: Option<bool>,
    /// What must be there before it runs.
    pub requires: Vec<Requirement>,
    /// Whether a rollback would have a down: the applied one's, or the registered one's.
    pub has_down: bool,
    /// When, by whom and how long it was applied.
    pub applied: Option<(i64, String, Option<i64>)>,
    /// How it came to be applied: apply, mark or baseline.
    pub origin: String,
    /// The checksums of the text that ran and of the one registered are the same.
    pub checksum_ok: Option<bool>,
    /// When it runs, if it is a repeatable one.
    pub moment: Moment,
}

impl State {
    /// Whether it has no version.
    pub fn is_repeatable(&self) -> bool {
        is_repeatable(&self.key)
    }
}

/// The requirements in a column of the registry, which may be NULL for none.
fn requirements(row: &Row, column: usize, project: &str) -> Result<Vec<Requirement>> {
    let texts: Vec<String> = row.get(column).unwrap_or_default();
    let parse = |text: String| {
        Requirement::parse(&text, project).map_err(|why| Error::InvalidRequirement { text, why })
    };
    texts.into_iter().map(parse).collect()
}

impl Batch<'_> {
    /// Where registry and applied state differ: what isn't applied, and what was modified
    /// since.
    ///
    /// A full join, here and below, since the server never does one as a nested loop:
    /// the tables may have grown by thousands of rows since they were last analyzed. Their
    /// bodies stay out of it: checksums tell whether there is one.
    pub fn differences(&self, project: &Project, view: View) -> Result<Differences> {
        const DIFFERENCES: Statement = Statement {
            sql: "SELECT m.id, m.version, version_key, m.name, m.up_checksum IS NOT NULL,
                         m.transactional, nullif(m.requires, '{}'), a.id,
                         encode(a.up_checksum, 'hex'),
                         coalesce(encode(m.up_checksum, 'hex'), 'nothing'), m.moment,
                         m.moment <> 'changed' AND EXISTS (
                             SELECT FROM migrations.unfinished u
                             WHERE u.project_id = $1 AND u.version_key = m.version_key)
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)
                  WHERE CASE WHEN a.id IS NULL THEN true WHEN m.id IS NULL THEN false
                        ELSE m.up_checksum IS DISTINCT FROM a.up_checksum OR m.moment <> 'changed' END
                  ORDER BY version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DIFFERENCES, [Value::BigInt(project.id)], view)?;
        let mut differences = Differences::default();
        for row in found.rows() {
            let (version, former): (Option<String>, Option<i64>) = (row.get(1), row.get(7));
            match (version, former) {
                (Some(version), Some(_)) => {
                    differences.modified.push((version, row.text(8), row.text(9)));
                }
                (version, former) => {
                    let migration = Pending {
                        id: row.bigint(0),
                        version,
                        key: row.bytes(2),
                        name: row.text(3),
                        has_up: row.bool(4),
                        transactional: row.get(5),
                        requires: requirements(&row, 6, &project.name)?,
                        former,
                    };
                    match Moment::parse(&row.text(10)).unwrap_or_default() {
                        Moment::Changed => differences.pending.push(migration),
                        moment => {
                            if row.bool(11) {
                                differences.failed_hooks.insert(migration.key.clone());
                            }
                            differences.hooks.push((moment, migration));
                        }
                    }
                }
            }
        }
        Ok(differences)
    }

    /// Compares, and notes if all that is registered is applied now. Nothing has to be noted
    /// if it isn't: see [`Project::is_complete`].
    pub fn note_completeness(&self, project: &Project) -> Result<()> {
        let left = self.differences(project, View::Newest)?;
        if left.pending.is_empty() && left.modified.is_empty() && left.failed_hooks.is_empty() {
            self.set_complete(project.id)?;
        }
        Ok(())
    }

    /// The registry's part of these migrations, applied or not, by their keys; those that
    /// aren't registered are left out.
    pub fn registered_as_pending(&self, project: &Project, keys: &[&[u8]]) -> Result<Vec<Pending>> {
        const ONE: Statement = Statement {
            sql: "SELECT id, version, version_key, name, up_checksum IS NOT NULL, transactional,
                         nullif(requires, '{}')
                  FROM migrations.migration WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let values = [Value::BigInt(project.id), Value::Bytes(key.to_vec())];
            let found = self.spi.run(&ONE, values, View::Newest)?;
            if let Some(row) = found.first() {
                all.push(Pending {
                    id: row.bigint(0),
                    version: row.get(1),
                    key: row.bytes(2),
                    name: row.text(3),
                    has_up: row.bool(4),
                    transactional: row.get(5),
                    requires: requirements(&row, 6, &project.name)?,
                    former: None,
                });
            }
        }
        Ok(all)
    }

    /// All versions that are registered or applied, with what they require.
    pub fn nodes(&self, project: &Project, view: View) -> Result<Vec<Node>> {
        const NODES: Statement = Statement {
            sql: "SELECT version_key, nullif(m.requires, '{}'), a.id IS NOT NULL
                  FROM (SELECT * FROM migrations.migration
                        WHERE project_id = $1 AND version IS NOT NULL) m
                  FULL JOIN (SELECT * FROM migrations.applied
                             WHERE project_id = $1 AND version IS NOT NULL) a
                  USING (version_key)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&NODES, [Value::BigInt(project.id)], view)?;
        let nodes = found.rows().map(|row| {
            let requires = requirements(&row, 1, &project.name)?;
            Ok(Node { key: row.bytes(0), requires: within(&requires), applied: row.bool(2) })
        });
        nodes.collect()
    }

    /// A version as it is registered or applied: its text, and whether it is applied.
    pub fn find(&self, project: i64, key: &[u8], view: View) -> Result<Option<(String, bool)>> {
        const FIND: Statement = Statement {
            sql: "SELECT version, true FROM migrations.applied
                  WHERE project_id = $1 AND target_schema = '' AND version_key = $2
                  UNION ALL
                  SELECT version, false FROM migrations.migration
                  WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let found = self.spi.run(&FIND, values, view)?;
        Ok(found.first().map(|row| (row.text(0), row.bool(1))))
    }

    /// Every migration that is registered or applied: versions in their order, then
    /// repeatables by name.
    pub fn states(&self, project: &Project) -> Result<Vec<State>> {
        const STATES: Statement = Statement {
            sql: "SELECT coalesce(m.version, a.version), version_key, coalesce(m.name, a.name),
                         CASE WHEN m.id IS NOT NULL THEN m.up_checksum IS NOT NULL END, m.transactional,
                         CASE WHEN a.id IS NULL THEN m.down_checksum ELSE a.down_checksum END
                             IS NOT NULL,
                         a.applied_at, a.applied_by, a.event_seq, m.up_checksum = a.up_checksum,
                         nullif(m.requires, '{}'), a.origin, m.moment
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&STATES, [Value::BigInt(project.id)], View::Caller)?;
        let mut durations = self.durations(project.id)?;
        let states = found.rows().map(|row| {
            Ok(State {
                version: row.get(0),
                key: row.bytes(1),
                name: row.text(2),
                registered: row.get(3),
                transactional: row.get(4),
                requires: requirements(&row, 10, &project.name)?,
                has_down: row.bool(5),
                applied: row.timestamp(6).map(|at| {
                    let duration = row.get(8).and_then(|seq: i64| durations.remove(&seq));
                    (at, row.text(7), duration)
                }),
                origin: row.text(11),
                checksum_ok: row.get(9),
                moment: Moment::parse(&row.text(12)).unwrap_or_default(),
            })
        });
        let mut states: Vec<State> = states.collect::<Result<_>>()?;
        states.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(states)
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

/// The keys of those requirements that concern the same project.
pub fn within(requires: &[Requirement]) -> Vec<Vec<u8>> {
    let key = |requirement: &Requirement| match requirement {
        Requirement::Within(version) => Some(version.key().to_vec()),
        _ => None,
    };
    requires.iter().filter_map(key).collect()
}

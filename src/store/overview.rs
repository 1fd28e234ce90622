//! The registry compared with the applied state. No script is read.

use super::Batch;
use super::parts::{PARTS_COLUMNS, moment, parts, parts_columns};
use super::project::Project;
use crate::domain::digest::Changes;
use crate::domain::moment::Moment;
use crate::domain::plan::Node;
use crate::domain::requirement::Requirement;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};
use std::collections::{HashMap, HashSet};

/// A migration that is not applied, or a repeatable one that has changed since it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The id of the row in the registry.
    pub id: i64,
    /// The version as it was written. None: a repeatable migration.
    pub version: Option<String>,
    /// The migration's `version_key`.
    pub key: Vec<u8>,
    /// The name.
    pub name: String,
    /// Whether it has an up.
    pub has_up: bool,
    /// Whether it can run inside a transaction. None: its statements decide.
    pub transactional: Option<bool>,
    /// What it requires.
    pub requires: Vec<Requirement>,
    /// The row in the applied state that a run of the repeatable migration replaces.
    pub former: Option<i64>,
}

/// The differences between the registry and the applied state.
#[derive(Debug, Default)]
pub struct Differences {
    /// Registered, but not applied: versions in their order, then repeatable ones by name.
    pub pending: Vec<Pending>,
    /// Applied, but the registered parts are not those that were applied.
    pub modified: Vec<Modified>,
    /// The repeatable migrations that run before and after each run, by name, pending or not.
    pub hooks: Vec<(Moment, Pending)>,
    /// The keys of those hooks whose last try has failed, so that the next run repeats them.
    pub failed_hooks: HashSet<Vec<u8>>,
}

/// An applied migration whose registered parts are not those that were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modified {
    /// The version.
    pub version: String,
    /// The migration's `version_key`.
    pub key: Vec<u8>,
    /// The applied digest.
    pub applied: String,
    /// The registered digest.
    pub registered: String,
    /// Which parts differ.
    pub parts: String,
}

impl Differences {
    /// Adds an applied version, unless only parts were added to it.
    fn add_modified(&mut self, row: &Row, version: String, changed: &Changes) {
        if changed.is_modification() {
            self.modified.push(Modified {
                version,
                key: row.bytes(2),
                applied: row.text(8),
                registered: row.text(9),
                parts: changed.list(),
            });
        }
    }

    /// Adds a migration that is not applied, or a repeatable one.
    fn add_pending(
        &mut self,
        row: &Row,
        version: Option<String>,
        former: Option<i64>,
        project: &Project,
    ) {
        let migration = Pending {
            id: row.bigint(0),
            version,
            key: row.bytes(2),
            name: row.text(3),
            has_up: row.bool(4),
            transactional: row.get(5),
            requires: requirements(row, 6, &project.name),
            former,
        };
        match moment(row, 10) {
            Moment::Changed => self.pending.push(migration),
            moment => {
                if row.bool(11) {
                    self.failed_hooks.insert(migration.key.clone());
                }
                self.hooks.push((moment, migration));
            }
        }
    }
}

/// The requirements in a column of the registry. NULL means none.
pub(super) fn requirements(row: &Row, column: usize, project: &str) -> Vec<Requirement> {
    let parse = |text: String| {
        let requirement = Requirement::parse(&text, project).ok();
        if requirement.is_none() {
            row.damaged(column);
        }
        requirement
    };
    row.texts(column).into_iter().filter_map(parse).collect()
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// Compares the registry of a project with its applied state.
    ///
    /// Here and below it is a full join, which the server never runs as a nested loop: the
    /// tables may have grown by thousands of rows since they were last analyzed. Scripts are
    /// not read: a checksum says whether there is one.
    pub fn differences(&self, project: &Project, view: View) -> Result<Differences> {
        const DIFFERENCES: Statement = Statement {
            sql: "SELECT m.id, m.version, version_key, m.name, m.up_checksum IS NOT NULL,
                         m.transactional, nullif(m.requires, '{}') AS requires, a.id,
                         encode(a.digest, 'hex'), encode(m.digest, 'hex'), m.moment,
                         m.moment <> 'changed' AND EXISTS (
                             SELECT FROM migrations.unfinished u
                             WHERE u.project_id = $1 AND u.version_key = m.version_key)
                  FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)
                  WHERE CASE WHEN a.id IS NULL THEN true WHEN m.id IS NULL THEN false
                        ELSE m.digest IS DISTINCT FROM a.digest OR m.moment <> 'changed' END
                  ORDER BY version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DIFFERENCES, [Value::BigInt(project.id)], view)?;
        let mut differences = Differences::default();
        let mut changes = None;
        for row in found.rows() {
            match (row.get::<String>(1), row.get::<i64>(7)) {
                (Some(version), Some(_)) => {
                    let changes = match &mut changes {
                        Some(changes) => changes,
                        none => none.insert(self.changes(project.id, view)?),
                    };
                    let changed = changes.remove(&row.bytes(2)).unwrap_or_default();
                    differences.add_modified(&row, version, &changed);
                }
                (version, former) => differences.add_pending(&row, version, former, project),
            }
        }
        Ok(differences)
    }

    /// What differs between the registered and the applied parts, by `version_key`.
    pub(super) fn changes(&self, project: i64, view: View) -> Result<HashMap<Vec<u8>, Changes>> {
        const CHANGES: Statement = Statement {
            sql: concat!(
                "SELECT version_key, ",
                parts_columns!("a"),
                ", ",
                parts_columns!("m"),
                " FROM (SELECT * FROM migrations.migration WHERE project_id = $1) m
                  FULL JOIN (SELECT * FROM migrations.applied WHERE project_id = $1) a
                  USING (version_key)
                  WHERE CASE WHEN a.id IS NULL OR m.id IS NULL THEN false
                        ELSE m.digest IS DISTINCT FROM a.digest END"
            ),
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&CHANGES, [Value::BigInt(project)], view)?;
        let changes = found.rows().map(|row| {
            let (before, now) = (parts(&row, 1).1, parts(&row, 1 + PARTS_COLUMNS).1);
            (row.bytes(0), before.changes(&now))
        });
        Ok(changes.collect())
    }

    /// Compares, and notes if all registered migrations are applied. Otherwise there is nothing
    /// to note: see [`Project::is_complete`].
    pub fn note_completeness(&self, project: &Project) -> Result<()> {
        let left = self.differences(project, View::Newest)?;
        if left.pending.is_empty() && left.modified.is_empty() && left.failed_hooks.is_empty() {
            self.set_complete(project.id)?;
        }
        Ok(())
    }

    /// The registered migrations with these keys, applied or not. Keys that are not
    /// registered are left out.
    pub fn registered_as_pending(&self, project: &Project, keys: &[&[u8]]) -> Result<Vec<Pending>> {
        const ONE: Statement = Statement {
            sql: "SELECT id, version, version_key, name, up_checksum IS NOT NULL, transactional,
                         nullif(requires, '{}') AS requires
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
                    requires: requirements(&row, 6, &project.name),
                    former: None,
                });
            }
        }
        Ok(all)
    }

    /// The registered repeatable migrations that run when they have changed, by name.
    pub fn repeatables(&self, project: &Project, view: View) -> Result<Vec<Pending>> {
        const REPEATABLES: Statement = Statement {
            sql: "SELECT m.id, version_key, m.name, m.up_checksum IS NOT NULL, m.transactional,
                         nullif(m.requires, '{}') AS requires, a.id
                  FROM (SELECT * FROM migrations.migration
                        WHERE project_id = $1 AND version IS NULL AND moment = 'changed') m
                  FULL JOIN (SELECT * FROM migrations.applied
                             WHERE project_id = $1 AND version IS NULL) a
                  USING (version_key)
                  WHERE m.id IS NOT NULL ORDER BY version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&REPEATABLES, [Value::BigInt(project.id)], view)?;
        let repeatables = found.rows().map(|row| Pending {
            id: row.bigint(0),
            version: None,
            key: row.bytes(1),
            name: row.text(2),
            has_up: row.bool(3),
            transactional: row.get(4),
            requires: requirements(&row, 5, &project.name),
            former: row.get(6),
        });
        Ok(repeatables.collect())
    }

    /// All versions that are registered or applied, with the versions that they require.
    pub fn nodes(&self, project: &Project, view: View) -> Result<Vec<Node>> {
        const NODES: Statement = Statement {
            sql: "SELECT version_key, nullif(m.requires, '{}') AS requires, a.id IS NOT NULL
                  FROM (SELECT * FROM migrations.migration
                        WHERE project_id = $1 AND version IS NOT NULL) m
                  FULL JOIN (SELECT * FROM migrations.applied
                             WHERE project_id = $1 AND version IS NOT NULL) a
                  USING (version_key)",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&NODES, [Value::BigInt(project.id)], view)?;
        let nodes = found.rows().map(|row| {
            let requires = requirements(&row, 1, &project.name);
            Ok(Node { key: row.bytes(0), requires: within(&requires), applied: row.bool(2) })
        });
        nodes.collect()
    }

    /// Version and name of a migration that is registered or applied. A repeatable migration
    /// has no version.
    pub fn title(
        &self,
        project: i64,
        key: &[u8],
        view: View,
    ) -> Result<Option<(Option<String>, String)>> {
        const TITLE: Statement = Statement {
            sql: "SELECT version, name FROM migrations.migration
                  WHERE project_id = $1 AND version_key = $2
                  UNION ALL
                  SELECT version, name FROM migrations.applied
                  WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let found = self.spi.run(&TITLE, values, view)?;
        Ok(found.first().map(|row| (row.get(0), row.text(1))))
    }

    /// The version of a migration, or the name of a repeatable one, and whether it is applied.
    /// None: it is neither registered nor applied.
    pub fn find(&self, project: i64, key: &[u8], view: View) -> Result<Option<(String, bool)>> {
        const FIND: Statement = Statement {
            sql: "SELECT coalesce(version, name) AS version, true FROM migrations.applied
                  WHERE project_id = $1 AND version_key = $2
                  UNION ALL
                  SELECT coalesce(version, name), false FROM migrations.migration
                  WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let found = self.spi.run(&FIND, values, view)?;
        Ok(found.first().map(|row| (row.text(0), row.bool(1))))
    }
}

/// The keys of the requirements within the same project.
pub fn within(requires: &[Requirement]) -> Vec<Vec<u8>> {
    requires.iter().filter_map(|requirement| Some(requirement.within()?.0)).collect()
}

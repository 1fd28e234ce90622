//! Who requires which migration.

use super::Batch;
use crate::domain::requirement::Requirement;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use std::collections::HashMap;

/// A migration that requires another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependent {
    /// The row of its project.
    pub project_id: i64,
    /// Its project.
    pub project: String,
    /// Its version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// Its `version_key`.
    pub key: Vec<u8>,
    /// The `version_key` of the version that it requires.
    pub requires: Vec<u8>,
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The rows of the projects with these names, by name. Unknown names are left out.
    pub fn project_ids(&self, names: Vec<String>, view: View) -> Result<HashMap<String, i64>> {
        const IDS: Statement = Statement {
            sql: "SELECT name, id FROM migrations.project WHERE name = ANY ($1)",
            types: &[Type::TextArray],
        };
        let found = self.spi.run(&IDS, [Value::TextArray(names)], view)?;
        Ok(found.rows().map(|row| (row.text(0), row.bigint(1))).collect())
    }

    /// The registered migrations of all projects that require a version of this project,
    /// applied or not. Callers check the few that matter: with a join to the applied state
    /// the server may choose a nested loop while the tables have no statistics.
    pub fn dependents(&self, project: &str, view: View) -> Result<Vec<Dependent>> {
        const DEPENDENTS: Statement = Statement {
            sql: "SELECT p.id, p.name, m.version, m.name, m.version_key, r.requires
                  FROM migrations.migration m
                  JOIN migrations.project p ON p.id = m.project_id
                  CROSS JOIN LATERAL unnest(m.requires) r(requires)
                  WHERE m.requires <> '{}'
                    AND (starts_with(r.requires, $1 || ':')
                         OR p.name = $1 AND strpos(r.requires, ':') = 0)
                  ORDER BY p.name, m.version_key",
            types: &[Type::Text],
        };
        let found = self.spi.run(&DEPENDENTS, [project.into()], view)?;
        let dependents = found.rows().filter_map(|row| {
            let Ok(Requirement::Within(required)) = Requirement::parse(&row.text(5), project)
            else {
                return None;
            };
            Some(Dependent {
                project_id: row.bigint(0),
                project: row.text(1),
                version: row.get(2),
                name: row.text(3),
                key: row.bytes(4),
                requires: required.key().to_vec(),
            })
        });
        Ok(dependents.collect())
    }
}

impl Dependent {
    /// The migration's title in messages of `project`: with the project's name if it belongs
    /// to another one.
    pub fn title(&self, project: &str) -> String {
        let title = self.version.as_deref().unwrap_or(&self.name);
        match self.project == project {
            true => title.to_owned(),
            false => format!("{}:{title}", self.project),
        }
    }
}

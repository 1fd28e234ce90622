//! What is there of what migrations require, and who requires what.

use super::Batch;
use crate::domain::requirement::Requirement;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use std::collections::{HashMap, HashSet};

/// A migration in force that requires another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependent {
    /// Its project.
    pub project: String,
    /// Its version.
    pub version: String,
    /// The key of its version.
    pub key: Vec<u8>,
    /// The key of the version that it requires.
    pub requires: Vec<u8>,
}

impl Batch<'_> {
    /// The names of the installed extensions.
    pub fn extensions(&self, view: View) -> Result<HashSet<String>> {
        const EXTENSIONS: Statement =
            Statement { sql: "SELECT extname::text FROM pg_extension", types: &[] };
        let found = self.spi.run(&EXTENSIONS, [], view)?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }

    /// Keys of existing projects, by name, of those that are named.
    pub fn project_ids(&self, names: Vec<String>, view: View) -> Result<HashMap<String, i64>> {
        const IDS: Statement = Statement {
            sql: "SELECT name, id FROM migrations.project WHERE name = ANY ($1)",
            types: &[Type::TextArray],
        };
        let found = self.spi.run(&IDS, [Value::TextArray(names)], view)?;
        Ok(found.rows().map(|row| (row.text(0), row.bigint(1))).collect())
    }

    /// The versions in force, of all projects, that require one of a project, as the
    /// registry has it. Repeatables don't count: they would keep for ever what they
    /// require, since they are never rolled back.
    pub fn dependents(&self, project: &str, view: View) -> Result<Vec<Dependent>> {
        const DEPENDENTS: Statement = Statement {
            sql: "SELECT p.name, m.version, m.version_key, r.requires
                  FROM migrations.migration m
                  JOIN migrations.project p ON p.id = m.project_id
                  CROSS JOIN LATERAL unnest(m.requires) r(requires)
                  WHERE m.requires <> '{}' AND m.version IS NOT NULL
                    AND (starts_with(r.requires, $1 || ':')
                         OR p.name = $1 AND strpos(r.requires, ':') = 0)
                    AND EXISTS (SELECT FROM migrations.applied a
                                WHERE a.project_id = m.project_id AND a.target_schema = ''
                                  AND a.version_key = m.version_key)
                  ORDER BY p.name, m.version_key",
            types: &[Type::Text],
        };
        let found = self.spi.run(&DEPENDENTS, [project.into()], view)?;
        let mut dependents = Vec::new();
        for row in found.rows() {
            let requires = match Requirement::parse(&row.text(3), project) {
                Ok(Requirement::Within(version)) => version.key().to_vec(),
                _ => continue,
            };
            let (project, version, key) = (row.text(0), row.text(1), row.bytes(2));
            dependents.push(Dependent { project, version, key, requires });
        }
        Ok(dependents)
    }

    /// The versions of a project, or names of repeatables, that require this one and
    /// aren't it, in force or not.
    pub fn required_by(&self, project: &str, key: &[u8]) -> Result<Vec<String>> {
        const ALL: Statement = Statement {
            sql: "SELECT CASE WHEN p.name = $1 THEN '' ELSE p.name || ':' END
                             || coalesce(m.version, m.name), r.requires
                  FROM migrations.migration m
                  JOIN migrations.project p ON p.id = m.project_id
                  CROSS JOIN LATERAL unnest(m.requires) r(requires)
                  WHERE m.requires <> '{}'
                    AND (starts_with(r.requires, $1 || ':')
                         OR p.name = $1 AND strpos(r.requires, ':') = 0)
                  ORDER BY p.name, m.version_key",
            types: &[Type::Text],
        };
        let found = self.spi.run(&ALL, [project.into()], View::Newest)?;
        let is_this = |text: &str| matches!(Requirement::parse(text, project), Ok(Requirement::Within(v)) if v.key() == key);
        Ok(found.rows().filter(|row| is_this(&row.text(1))).map(|row| row.text(0)).collect())
    }
}

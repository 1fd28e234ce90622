//! The registry: the migrations that a database knows.

use super::Batch;
use super::parts::moment;
use crate::domain::checksum::{self, is_same};
use crate::domain::digest::Parts;
use crate::domain::moment::Moment;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};

/// What is registered of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What it does, for people.
    pub name: String,
    /// SQL that applies it.
    pub up: Option<String>,
    /// SQL that takes it back.
    pub down: Option<String>,
    /// What must be applied before.
    pub requires: Vec<String>,
    /// SQL that must hold before.
    pub precondition: Option<String>,
    /// SQL that must hold after.
    pub verify: Option<String>,
    /// Whether it can run inside a transaction; None: as its statements show.
    pub transactional: Option<bool>,
    /// What a precondition that doesn't hold means.
    pub on_fail: String,
    /// When it runs, if it is a repeatable one.
    pub moment: Moment,
}

impl Default for Content {
    fn default() -> Content {
        Content {
            name: String::new(),
            up: None,
            down: None,
            requires: Vec::new(),
            precondition: None,
            verify: None,
            transactional: None,
            on_fail: "error".to_owned(),
            moment: Moment::Changed,
        }
    }
}

impl Content {
    fn read(row: &Row) -> Content {
        Content {
            name: row.text(1),
            up: row.long_text(2),
            down: row.long_text(3),
            requires: row.texts(4),
            precondition: row.long_text(5),
            verify: row.long_text(6),
            transactional: row.get(7),
            on_fail: row.text(8),
            moment: moment(row, 9),
        }
    }

    /// What its digest is made of. Each text is hashed.
    pub fn parts(&self) -> Parts {
        Parts {
            requires: self.requires.clone(),
            on_fail: self.on_fail.clone(),
            transactional: self.transactional,
            moment: self.moment.name().to_owned(),
            ..Parts::of_texts([&self.up, &self.down, &self.precondition, &self.verify])
        }
    }

    /// The names of what differs from another content, as arguments of add(). Texts that
    /// have the same checksum don't differ.
    pub fn differences(&self, other: &Content) -> Vec<&'static str> {
        let mut differs = Vec::new();
        for (name, same) in [
            ("name", self.name == other.name),
            ("up", same_text(&self.up, &other.up)),
            ("down", same_text(&self.down, &other.down)),
            ("requires", self.requires == other.requires),
            ("precondition", same_text(&self.precondition, &other.precondition)),
            ("verify", same_text(&self.verify, &other.verify)),
            ("transactional", self.transactional == other.transactional),
            ("on_fail", self.on_fail == other.on_fail),
            ("moment", self.moment == other.moment),
        ] {
            if !same {
                differs.push(name);
            }
        }
        differs
    }
}

/// Whether two texts have the same checksum, or both are absent.
pub fn same_text(a: &Option<String>, b: &Option<String>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => is_same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// A row of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The version as it was written; None: a repeatable migration.
    pub version: Option<String>,
    /// All else.
    pub content: Content,
    /// The digest that is stored with it.
    pub digest: Vec<u8>,
}

impl Registered {
    fn read(row: &Row) -> Registered {
        Registered { version: row.get(0), content: Content::read(row), digest: row.bytes(10) }
    }

    /// The names of what differs from a content, as arguments of add(). What was changed
    /// directly, so that the digest is another one, differs from any.
    pub fn differences(&self, content: &Content) -> Vec<&'static str> {
        let mut differs = self.content.differences(content);
        if differs.is_empty() && !self.is_intact() {
            differs.push("digest");
        }
        differs
    }

    /// Whether the digest that is stored is that of the content.
    pub fn is_intact(&self) -> bool {
        self.content.parts().digest()[..] == self.digest
    }
}

impl Batch<'_> {
    /// The migration with this key, in the newest committed state.
    pub fn registered(&self, project: i64, key: &[u8]) -> Result<Option<Registered>> {
        const FIND: Statement = Statement {
            sql: "SELECT version, name, up, down, requires, precondition, verify,
                         transactional, on_fail, moment, digest
                  FROM migrations.migration WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let found = self.spi.run(&FIND, values, View::Newest)?;
        Ok(found.first().map(|row| Registered::read(&row)))
    }

    /// All that is registered of a project: versions in their order, then repeatables.
    pub fn all_registered(&self, project: i64) -> Result<Vec<Registered>> {
        const ALL: Statement = Statement {
            sql: "SELECT version, name, up, down, requires, precondition, verify,
                         transactional, on_fail, moment, digest
                  FROM migrations.migration WHERE project_id = $1 ORDER BY version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&ALL, [Value::BigInt(project)], View::Caller)?;
        Ok(found.rows().map(|row| Registered::read(&row)).collect())
    }

    /// Stores the content of a migration, which may be new. Gives its digest.
    pub fn put(
        &self,
        project: i64,
        version: Option<&str>,
        key: &[u8],
        content: Content,
    ) -> Result<[u8; 32]> {
        const PUT: Statement = Statement {
            sql: "INSERT INTO migrations.migration
                  (project_id, version, version_key, name, up, up_checksum, down, down_checksum,
                   checksum_algorithm, requires, precondition, precondition_checksum, verify,
                   verify_checksum, transactional, on_fail, moment, digest)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                          $17, $18)
                  ON CONFLICT (project_id, version_key) DO UPDATE
                  SET (name, up, up_checksum, down, down_checksum, checksum_algorithm, requires,
                       precondition, precondition_checksum, verify, verify_checksum,
                       transactional, on_fail, moment, digest)
                    = ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            types: &[
                Type::BigInt,
                Type::Text,
                Type::Bytes,
                Type::Text,
                Type::Text,
                Type::Bytes,
                Type::Text,
                Type::Bytes,
                Type::SmallInt,
                Type::TextArray,
                Type::Text,
                Type::Bytes,
                Type::Text,
                Type::Bytes,
                Type::Bool,
                Type::Text,
                Type::Text,
                Type::Bytes,
            ],
        };
        let parts = content.parts();
        let digest = parts.digest();
        let sum = |sum: Option<Vec<u8>>| sum.map_or(Value::Null, Value::Bytes);
        self.spi.run(
            &PUT,
            [
                Value::BigInt(project),
                version.into(),
                Value::Bytes(key.to_vec()),
                content.name.into(),
                content.up.into(),
                sum(parts.up),
                content.down.into(),
                sum(parts.down),
                Value::SmallInt(checksum::ALGORITHM),
                Value::TextArray(content.requires),
                content.precondition.into(),
                sum(parts.precondition),
                content.verify.into(),
                sum(parts.verify),
                content.transactional.map_or(Value::Null, Value::Bool),
                content.on_fail.into(),
                content.moment.name().into(),
                Value::Bytes(digest.to_vec()),
            ],
            View::Transaction,
        )?;
        Ok(digest)
    }

    /// Takes a migration out of the registry.
    pub fn unregister(&self, project: i64, key: &[u8]) -> Result<()> {
        const DELETE: Statement = Statement {
            sql: "DELETE FROM migrations.migration WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        self.spi.run(&DELETE, values, View::Transaction)?;
        Ok(())
    }

    /// The version after which the next one of a project comes, registered or applied.
    pub fn highest_known(&self, project: i64) -> Result<Option<String>> {
        const HIGHEST: Statement = Statement {
            sql: "SELECT version FROM (
                      (SELECT version, version_key FROM migrations.migration
                       WHERE project_id = $1 AND version IS NOT NULL
                       ORDER BY version_key DESC LIMIT 1)
                      UNION ALL
                      (SELECT version, version_key FROM migrations.applied
                       WHERE project_id = $1 AND target_schema = '' AND version IS NOT NULL
                       ORDER BY version_key DESC LIMIT 1)
                  ) highest ORDER BY version_key DESC LIMIT 1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&HIGHEST, [Value::BigInt(project)], View::Caller)?;
        Ok(found.first().map(|row| row.text(0)))
    }
}

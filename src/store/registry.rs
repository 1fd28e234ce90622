//! The registry: all known migrations (table `migration`).

use super::Batch;
use super::parts::moment;
use crate::domain::checksum::{self, is_same};
use crate::domain::digest::Parts;
use crate::domain::moment::Moment;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};

/// The registered content of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The name: what the migration does, for people.
    pub name: String,
    /// SQL that applies it.
    pub up: Option<String>,
    /// SQL that rolls it back.
    pub down: Option<String>,
    /// What the migration requires.
    pub requires: Vec<String>,
    /// SQL that must hold before the migration runs.
    pub precondition: Option<String>,
    /// SQL that must hold after the migration has run.
    pub verify: Option<String>,
    /// Whether it can run inside a transaction. None: its statements decide.
    pub transactional: Option<bool>,
    /// What happens if the precondition does not hold: `error`, `skip` or `mark`.
    pub on_fail: String,
    /// When a repeatable migration runs.
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

    /// The parts of the digest. Each text is hashed.
    pub fn parts(&self) -> Parts {
        Parts {
            requires: self.requires.clone(),
            on_fail: self.on_fail.clone(),
            transactional: self.transactional,
            moment: self.moment.name().to_owned(),
            ..Parts::of_texts([&self.up, &self.down, &self.precondition, &self.verify])
        }
    }

    /// What differs from another content, named as the arguments of add(). Texts with the same
    /// checksum do not differ.
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
    /// The version as it was written. None: a repeatable migration.
    pub version: Option<String>,
    /// The content.
    pub content: Content,
    /// The digest that is stored with the content.
    pub digest: Vec<u8>,
}

impl Registered {
    fn read(row: &Row) -> Registered {
        Registered { version: row.get(0), content: Content::read(row), digest: row.bytes(10) }
    }

    /// What differs from a content, named as the arguments of add(). A row that was changed
    /// directly, so that its digest is wrong, differs from any content.
    pub fn differences(&self, content: &Content) -> Vec<&'static str> {
        let mut differs = self.content.differences(content);
        if differs.is_empty() && !self.is_intact() {
            differs.push("digest");
        }
        differs
    }

    /// Whether the stored digest is that of the content.
    pub fn is_intact(&self) -> bool {
        self.content.parts().digest()[..] == self.digest
    }
}

/// Inserts or replaces a migration.
const REGISTER: Statement = Statement {
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

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The migration with this `version_key`, in the newest committed state.
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

    /// All registered migrations of a project: versions in their order, then repeatable ones.
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

    /// Inserts or replaces a migration. Returns its digest.
    pub fn register(
        &self,
        project: i64,
        version: Option<&str>,
        key: &[u8],
        content: Content,
    ) -> Result<[u8; 32]> {
        let parts = content.parts();
        let digest = parts.digest();
        let checksum = |sum: Option<Vec<u8>>| sum.map_or(Value::Null, Value::Bytes);
        let values = [
            Value::BigInt(project),
            version.into(),
            Value::Bytes(key.to_vec()),
            content.name.into(),
            content.up.into(),
            checksum(parts.up),
            content.down.into(),
            checksum(parts.down),
            Value::SmallInt(checksum::ALGORITHM),
            Value::TextArray(content.requires),
            content.precondition.into(),
            checksum(parts.precondition),
            content.verify.into(),
            checksum(parts.verify),
            content.transactional.map_or(Value::Null, Value::Bool),
            content.on_fail.into(),
            content.moment.name().into(),
            Value::Bytes(digest.to_vec()),
        ];
        self.spi.run(&REGISTER, values, View::Transaction)?;
        Ok(digest)
    }

    /// Removes a migration from the registry.
    pub fn unregister(&self, project: i64, key: &[u8]) -> Result<()> {
        const DELETE: Statement = Statement {
            sql: "DELETE FROM migrations.migration WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        self.spi.run(&DELETE, values, View::Transaction)?;
        Ok(())
    }

    /// The highest version of a project that is registered or applied.
    pub fn highest_known(&self, project: i64) -> Result<Option<String>> {
        const HIGHEST: Statement = Statement {
            sql: "SELECT version FROM (
                      (SELECT version, version_key FROM migrations.migration
                       WHERE project_id = $1 AND version IS NOT NULL
                       ORDER BY version_key DESC LIMIT 1)
                      UNION ALL
                      (SELECT version, version_key FROM migrations.applied
                       WHERE project_id = $1 AND version IS NOT NULL
                       ORDER BY version_key DESC LIMIT 1)
                  ) highest ORDER BY version_key DESC LIMIT 1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&HIGHEST, [Value::BigInt(project)], View::Caller)?;
        Ok(found.first().map(|row| row.text(0)))
    }
}

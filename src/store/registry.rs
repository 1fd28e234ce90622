//! The registry: the migrations that a database knows.

use super::Batch;
use crate::domain::checksum;
use crate::domain::convention::Moment;
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
            requires: row.get(4).unwrap_or_default(),
            precondition: row.long_text(5),
            verify: row.long_text(6),
            transactional: row.get(7),
            on_fail: row.text(8),
            moment: Moment::parse(&row.text(9)).unwrap_or_default(),
        }
    }

    /// The names of what differs from another content, as arguments of add(). Texts that
    /// have the same checksum don't differ.
    pub fn differences(&self, other: &Content) -> Vec<&'static str> {
        let sum = |text: &Option<String>| text.as_deref().map(checksum::checksum);
        let mut differs = Vec::new();
        for (name, same) in [
            ("name", self.name == other.name),
            ("up", sum(&self.up) == sum(&other.up)),
            ("down", sum(&self.down) == sum(&other.down)),
            ("requires", self.requires == other.requires),
            ("precondition", sum(&self.precondition) == sum(&other.precondition)),
            ("verify", sum(&self.verify) == sum(&other.verify)),
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

/// A row of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The version as it was written; None: a repeatable migration.
    pub version: Option<String>,
    /// All else.
    pub content: Content,
}

/// A text that is about to run.
#[derive(Debug, Default)]
pub struct Text {
    /// The text itself.
    pub body: String,
    /// The checksum stored with it.
    pub stored: Vec<u8>,
    /// The checksum of the up that it belongs to, which is its own for an up.
    pub up_checksum: Vec<u8>,
    /// SQL that must hold before.
    pub precondition: Option<String>,
    /// What it means if that doesn't hold.
    pub on_fail: OnFail,
    /// SQL that must hold after.
    pub verify: Option<String>,
}

/// What a precondition that doesn't hold means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFail {
    /// The run fails.
    #[default]
    Error,
    /// The migration stays pending, and what requires it waits with it.
    Skip,
    /// The migration counts as applied.
    Mark,
}

impl OnFail {
    fn read(word: &str) -> OnFail {
        match word {
            "skip" => OnFail::Skip,
            "mark" => OnFail::Mark,
            _ => OnFail::Error,
        }
    }
}

/// A verify script of a migration that is in force.
#[derive(Debug)]
pub struct VerifyScript {
    /// The migration's version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// The script.
    pub script: String,
}

impl Text {
    pub(super) fn read(row: &Row) -> Option<Text> {
        let (stored, up_checksum) = (row.bytes(1), row.bytes(2));
        Some(Text { body: row.long_text(0)?, stored, up_checksum, ..Text::default() })
    }
}

impl Batch<'_> {
    /// The migration with this key, in the newest committed state.
    pub fn registered(&self, project: i64, key: &[u8]) -> Result<Option<Registered>> {
        const FIND: Statement = Statement {
            sql: "SELECT version, name, up, down, requires, precondition, verify,
                         transactional, on_fail, moment
                  FROM migrations.migration WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        let found = self.spi.run(&FIND, values, View::Newest)?;
        Ok(found
            .first()
            .map(|row| Registered { version: row.get(0), content: Content::read(&row) }))
    }

    /// All that is registered of a project: versions in their order, then repeatables.
    pub fn all_registered(&self, project: i64) -> Result<Vec<(Option<String>, Content)>> {
        const ALL: Statement = Statement {
            sql: "SELECT version, name, up, down, requires, precondition, verify,
                         transactional, on_fail, moment
                  FROM migrations.migration WHERE project_id = $1 ORDER BY version_key",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&ALL, [Value::BigInt(project)], View::Caller)?;
        Ok(found.rows().map(|row| (row.get(0), Content::read(&row))).collect())
    }

    /// Stores the content of a migration, which may be new. `up_checksum` is that of its up.
    pub fn put(
        &self,
        project: i64,
        version: Option<&str>,
        key: &[u8],
        content: Content,
        up_checksum: Option<&[u8]>,
    ) -> Result<()> {
        const PUT: Statement = Statement {
            sql: "INSERT INTO migrations.migration
                  (project_id, version, version_key, name, up, up_checksum, down, down_checksum,
                   checksum_algorithm, requires, precondition, verify, transactional, on_fail,
                   moment)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                  ON CONFLICT (project_id, version_key) DO UPDATE
                  SET (name, up, up_checksum, down, down_checksum, checksum_algorithm, requires,
                       precondition, verify, transactional, on_fail, moment)
                    = ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
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
                Type::Text,
                Type::Bool,
                Type::Text,
                Type::Text,
            ],
        };
        let down_checksum = content.down.as_deref().map(checksum::checksum);
        let sum = |sum: Option<&[u8]>| sum.map_or(Value::Null, |sum| Value::Bytes(sum.to_vec()));
        self.spi.run(
            &PUT,
            [
                Value::BigInt(project),
                version.into(),
                Value::Bytes(key.to_vec()),
                content.name.into(),
                content.up.into(),
                sum(up_checksum),
                content.down.into(),
                sum(down_checksum.as_ref().map(|sum| sum.as_slice())),
                Value::SmallInt(checksum::ALGORITHM),
                Value::TextArray(content.requires),
                content.precondition.into(),
                content.verify.into(),
                content.transactional.map_or(Value::Null, Value::Bool),
                content.on_fail.into(),
                content.moment.name().into(),
            ],
            View::Transaction,
        )?;
        Ok(())
    }

    /// The text that applies a migration.
    pub fn up(&self, id: i64) -> Result<Option<Text>> {
        const UP: Statement = Statement {
            sql: "SELECT up, up_checksum, up_checksum, precondition, verify, on_fail
                  FROM migrations.migration WHERE id = $1",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&UP, [Value::BigInt(id)], View::Newest)?;
        Ok(found.first().and_then(|row| {
            let text = Text::read(&row)?;
            Some(Text {
                precondition: row.long_text(3),
                verify: row.long_text(4),
                on_fail: OnFail::read(&row.text(5)),
                ..text
            })
        }))
    }

    /// The verify scripts of what is in force, in the order of the versions: of all
    /// migrations that have one, or of one.
    pub fn verify_scripts(&self, project: i64, key: Option<&[u8]>) -> Result<Vec<VerifyScript>> {
        const SCRIPTS: Statement = Statement {
            sql: "SELECT m.version, m.name, m.verify
                  FROM migrations.migration m
                  JOIN migrations.applied a USING (project_id, version_key)
                  WHERE m.project_id = $1 AND m.verify IS NOT NULL
                    AND ($2 IS NULL OR m.version_key = $2)
                  ORDER BY version_key",
            types: &[Type::BigInt, Type::Bytes],
        };
        let key = key.map_or(Value::Null, |key| Value::Bytes(key.to_vec()));
        let found = self.spi.run(&SCRIPTS, [Value::BigInt(project), key], View::Caller)?;
        let scripts = found.rows().map(|row| VerifyScript {
            version: row.get(0),
            name: row.text(1),
            script: row.long_text(2).unwrap_or_default(),
        });
        Ok(scripts.collect())
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

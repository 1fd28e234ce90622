//! Scripts of migrations as they are stored, read one at a time when they are to run.

use super::Batch;
use super::parts::{PARTS_COLUMNS, parts, parts_columns};
use crate::domain::digest::Parts;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};

/// A text that is about to run.
#[derive(Debug, Default)]
pub struct Text {
    /// The text itself.
    pub body: String,
    /// The digest stored with the migration.
    pub digest: Vec<u8>,
    /// What that digest is made of, as it is stored.
    pub parts: Box<Parts>,
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

/// A verify script of an applied migration.
#[derive(Debug)]
pub struct VerifyScript {
    /// The migration's version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// The script that is registered; None: it was removed.
    pub script: Option<String>,
    /// The digest that is stored in the applied state.
    pub digest: Vec<u8>,
    /// What that digest is made of, as it is stored.
    pub parts: Parts,
}

impl Text {
    /// The text in the first column, and its parts from the second one on.
    pub(super) fn read(row: &Row) -> Option<Text> {
        let (digest, parts) = parts(row, 1);
        let parts = Box::new(parts);
        Some(Text { body: row.long_text(0)?, digest, parts, ..Text::default() })
    }
}

impl Batch<'_> {
    /// The text that applies a migration.
    pub fn up(&self, id: i64) -> Result<Option<Text>> {
        const UP: Statement = Statement {
            sql: concat!(
                "SELECT m.up, ",
                parts_columns!("m"),
                ", m.precondition, m.verify FROM migrations.migration m WHERE m.id = $1"
            ),
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&UP, [Value::BigInt(id)], View::Newest)?;
        Ok(found.first().and_then(|row| {
            let text = Text::read(&row)?;
            Some(Text {
                precondition: row.long_text(PARTS_COLUMNS + 1),
                verify: row.long_text(PARTS_COLUMNS + 2),
                on_fail: OnFail::read(&text.parts.on_fail),
                ..text
            })
        }))
    }

    /// The down that was paired with a migration when it was applied, with what its digest
    /// was made of then.
    pub fn down(&self, id: i64) -> Result<Option<Text>> {
        const DOWN: Statement = Statement {
            sql: concat!(
                "SELECT a.down, ",
                parts_columns!("a"),
                " FROM migrations.applied a WHERE a.id = $1"
            ),
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DOWN, [Value::BigInt(id)], View::Newest)?;
        Ok(found.first().and_then(|row| Text::read(&row)))
    }

    /// The verify scripts of what is in force, in the order of the versions: of all
    /// migrations that have one, or of one.
    pub fn verify_scripts(&self, project: i64, key: Option<&[u8]>) -> Result<Vec<VerifyScript>> {
        const SCRIPTS: Statement = Statement {
            sql: concat!(
                "SELECT m.version, m.name, m.verify, ",
                parts_columns!("a"),
                " FROM migrations.migration m
                  JOIN migrations.applied a USING (project_id, version_key)
                  WHERE m.project_id = $1
                    AND (m.verify_checksum IS NOT NULL OR a.verify_checksum IS NOT NULL)
                    AND ($2 IS NULL OR m.version_key = $2)
                  ORDER BY version_key"
            ),
            types: &[Type::BigInt, Type::Bytes],
        };
        let key = key.map_or(Value::Null, |key| Value::Bytes(key.to_vec()));
        let found = self.spi.run(&SCRIPTS, [Value::BigInt(project), key], View::Caller)?;
        let scripts = found.rows().map(|row| {
            let (digest, parts) = parts(&row, 3);
            let script = row.long_text(2);
            VerifyScript { version: row.get(0), name: row.text(1), script, digest, parts }
        });
        Ok(scripts.collect())
    }
}

//! Scripts of migrations as they are stored, read one at a time when they are to run.

use super::Batch;
use super::parts::{PARTS_COLUMNS, parts, parts_columns};
use crate::domain::digest::Parts;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Row, Statement, Type, View};

/// A script that is about to run.
#[derive(Debug, Default)]
pub struct StoredScript {
    /// The text of the script.
    pub body: String,
    /// The digest that is stored with the migration.
    pub digest: Vec<u8>,
    /// The stored parts of that digest.
    pub parts: Box<Parts>,
    /// SQL that must hold before the script runs.
    pub precondition: Option<String>,
    /// What happens if the precondition does not hold.
    pub on_fail: OnFail,
    /// SQL that must hold after the script has run.
    pub verify: Option<String>,
}

/// What happens if a precondition does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFail {
    /// The run fails.
    #[default]
    Error,
    /// The migration stays pending, and those that require it wait.
    Skip,
    /// The migration is marked as applied.
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
    /// The migration's name.
    pub name: String,
    /// The script that is registered; None: it was removed.
    pub script: Option<String>,
    /// The digest that is stored in the applied state.
    pub digest: Vec<u8>,
    /// The stored parts of that digest.
    pub parts: Parts,
}

impl StoredScript {
    /// The script in the first column, and digest and parts in those from the second one on.
    pub(super) fn read(row: &Row) -> Option<StoredScript> {
        let (digest, parts) = parts(row, 1);
        let parts = Box::new(parts);
        Some(StoredScript { body: row.long_text(0)?, digest, parts, ..StoredScript::default() })
    }
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The up of a migration. `id` is its row in the registry. None: it has none.
    pub fn up(&self, id: i64) -> Result<Option<StoredScript>> {
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
            let text = StoredScript::read(&row)?;
            Some(StoredScript {
                precondition: row.long_text(PARTS_COLUMNS + 1),
                verify: row.long_text(PARTS_COLUMNS + 2),
                on_fail: OnFail::read(&text.parts.on_fail),
                ..text
            })
        }))
    }

    /// The down that was registered with a migration when it was applied. `id` is its row in
    /// the applied state. None: it has none.
    pub fn down(&self, id: i64) -> Result<Option<StoredScript>> {
        const DOWN: Statement = Statement {
            sql: concat!(
                "SELECT a.down, ",
                parts_columns!("a"),
                " FROM migrations.applied a WHERE a.id = $1"
            ),
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&DOWN, [Value::BigInt(id)], View::Newest)?;
        Ok(found.first().and_then(|row| StoredScript::read(&row)))
    }

    /// The verify scripts of applied migrations, in the order of the versions: of one
    /// migration, or of all that have one.
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

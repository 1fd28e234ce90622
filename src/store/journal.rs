//! The journal of migrations that cannot run inside a transaction: which of their statements
//! have run (table `journal`).

use super::Batch;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::database;
use crate::pg::spi::{Row, Statement, Type, View};
use std::collections::{BTreeMap, HashMap};

/// The journal entry of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The statement's number, from 1.
    pub number: usize,
    /// The checksum of the statement's text.
    pub checksum: Vec<u8>,
    /// The command tag, such as `CREATE INDEX`.
    pub command: String,
    /// True: the statement has run. False: it was started.
    pub is_done: bool,
    /// Whether the statement may commit parts of its work, as a DO block can.
    pub may_commit: bool,
    /// What the catalog held before a statement on indexes or partitions.
    pub snapshot: Option<IndexSnapshot>,
}

/// What the catalog held when a statement on indexes or partitions was started, and which
/// indexes the statement makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSnapshot {
    /// The OID of the table, of the partition to be detached, or of the index to be dropped.
    /// For [`ExpectedIndexes::InSchema`] it is the schema's, for
    /// [`ExpectedIndexes::InDatabase`] 0.
    pub relation: u32,
    /// The OID of the table from which the partition is to be detached.
    pub parent: Option<u32>,
    /// The OIDs of the matching indexes that existed before the statement.
    pub indexes: Vec<u32>,
    /// The definition of the index to be created or dropped, without the names of the index
    /// and its table. None: it is not known.
    pub definition: Option<String>,
    /// Whether the OIDs are those of this database. They are not after a restore.
    pub is_here: bool,
    /// Which indexes the statement makes.
    pub expected: ExpectedIndexes,
}

/// Which indexes a statement makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedIndexes {
    /// None.
    Nothing,
    /// One index of this name, on the table of the snapshot.
    Index(String),
    /// Those that REINDEX makes for a table and its partitions.
    OfTable,
    /// Those that REINDEX makes for the tables of a schema.
    InSchema,
    /// Those that REINDEX makes for all tables of the database.
    InDatabase,
}

impl ExpectedIndexes {
    /// The values of the columns `leaves` and `index_name`.
    fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            ExpectedIndexes::Nothing => ("nothing", None),
            ExpectedIndexes::Index(name) => ("index", Some(name)),
            ExpectedIndexes::OfTable => ("of table", None),
            ExpectedIndexes::InSchema => ("in schema", None),
            ExpectedIndexes::InDatabase => ("in database", None),
        }
    }

    fn read(word: &str, name: Option<String>) -> ExpectedIndexes {
        match (word, name) {
            ("index", Some(name)) => ExpectedIndexes::Index(name),
            ("of table", _) => ExpectedIndexes::OfTable,
            ("in schema", _) => ExpectedIndexes::InSchema,
            ("in database", _) => ExpectedIndexes::InDatabase,
            _ => ExpectedIndexes::Nothing,
        }
    }
}

/// The part of the journal that belongs to one direction of a migration.
#[derive(Debug, Clone, Copy)]
pub struct JournalKey<'a> {
    /// The project's row.
    pub project: i64,
    /// The migration's `version_key`.
    pub key: &'a [u8],
    /// `up` or `down`.
    pub direction: &'a str,
}

impl JournalKey<'_> {
    fn values<const N: usize>(&self, rest: [Value; N]) -> Vec<Value> {
        let own =
            [Value::BigInt(self.project), Value::Bytes(self.key.to_vec()), self.direction.into()];
        own.into_iter().chain(rest).collect()
    }
}

/// Adds or changes the entry of a statement.
const NOTE: Statement = Statement {
    sql: "INSERT INTO migrations.journal
          (project_id, version_key, direction, statement_no, statement_checksum, command,
           is_done, may_commit, relation, indexes, leaves, index_name, started_at,
           parent, definition, database_id)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::oid, $10::text[]::oid[], $11, $12, $13,
                  $14::oid, $15, $16)
          ON CONFLICT (project_id, version_key, direction, statement_no)
          DO UPDATE SET is_done = $7, statement_checksum = $5, command = $6, may_commit = $8,
                        relation = $9::oid, indexes = $10::text[]::oid[],
                        leaves = $11, index_name = $12, parent = $14::oid,
                        definition = $15, database_id = $16",
    types: &[
        Type::BigInt,
        Type::Bytes,
        Type::Text,
        Type::Int,
        Type::Bytes,
        Type::Text,
        Type::Bool,
        Type::Bool,
        Type::BigInt,
        Type::TextArray,
        Type::Text,
        Type::Text,
        Type::Timestamp,
        Type::BigInt,
        Type::Text,
        Type::Text,
    ],
};

impl JournalEntry {
    /// None: the row is damaged, and noted as such.
    fn read(row: &Row) -> Option<JournalEntry> {
        let Some(number) = row.get::<i32>(0).filter(|number| *number > 0) else {
            row.damaged(0);
            return None;
        };
        Some(JournalEntry {
            number: number as usize,
            checksum: row.bytes(1),
            command: row.text(2),
            is_done: row.bool(3),
            may_commit: row.bool(4),
            snapshot: row.get::<i64>(5).map(|relation| IndexSnapshot {
                relation: relation as u32,
                parent: row.get::<i64>(9).map(|parent| parent as u32),
                indexes: row.oids(6),
                definition: row.get(10),
                is_here: row.text(11) == database::identity(),
                expected: ExpectedIndexes::read(&row.text(7), row.get(8)),
            }),
        })
    }

    /// The values of [`NOTE`] after those of the key.
    fn values(&self, at: i64) -> [Value; 13] {
        let [relation, indexes, expected, name, parent, definition] = match &self.snapshot {
            Some(snapshot) => {
                let (expected, name) = snapshot.expected.words();
                [
                    Value::BigInt(snapshot.relation.into()),
                    Value::TextArray(snapshot.indexes.iter().map(u32::to_string).collect()),
                    expected.into(),
                    name.into(),
                    snapshot.parent.map_or(Value::Null, |parent| Value::BigInt(parent.into())),
                    snapshot.definition.as_deref().into(),
                ]
            }
            None => [const { Value::Null }; 6],
        };
        [
            Value::Int(self.number as i32),
            Value::Bytes(self.checksum.clone()),
            self.command.as_str().into(),
            Value::Bool(self.is_done),
            Value::Bool(self.may_commit),
            relation,
            indexes,
            expected,
            name,
            Value::Timestamp(at),
            parent,
            definition,
            database::identity().into(),
        ]
    }
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The entries of a migration, by statement number, in the newest committed state.
    pub fn journal(&self, of: JournalKey) -> Result<BTreeMap<usize, JournalEntry>> {
        const ENTRIES: Statement = Statement {
            sql: "SELECT statement_no, statement_checksum, command, is_done, may_commit,
                         relation::bigint, indexes::bigint[], leaves, index_name,
                         parent::bigint, definition, database_id
                  FROM migrations.journal
                  WHERE project_id = $1 AND version_key = $2 AND direction = $3",
            types: &[Type::BigInt, Type::Bytes, Type::Text],
        };
        let found = self.spi.run_with(&ENTRIES, of.values([]), View::Newest)?;
        let entries = found.rows().filter_map(|row| JournalEntry::read(&row));
        Ok(entries.map(|entry| (entry.number, entry)).collect())
    }

    /// Notes that a statement was started, or has run. `at` is the time for a new entry.
    pub fn note_statement(&self, of: JournalKey, entry: &JournalEntry, at: i64) -> Result<()> {
        self.spi.run_with(&NOTE, of.values(entry.values(at)), View::Transaction)?;
        Ok(())
    }

    /// Removes the entry of the statement that was started and has not run. False: there was
    /// none.
    pub fn forget_started(&self, of: JournalKey) -> Result<bool> {
        const FORGET: Statement = Statement {
            sql: "DELETE FROM migrations.journal
                  WHERE project_id = $1 AND version_key = $2 AND direction = $3 AND NOT is_done",
            types: &[Type::BigInt, Type::Bytes, Type::Text],
        };
        Ok(self.spi.run_with(&FORGET, of.values([]), View::Transaction)?.count() > 0)
    }

    /// Notes that the statement that was started has run. False: there was none.
    pub fn finish_started(&self, of: JournalKey) -> Result<bool> {
        const FINISH: Statement = Statement {
            sql: "UPDATE migrations.journal SET is_done = true
                  WHERE project_id = $1 AND version_key = $2 AND direction = $3 AND NOT is_done",
            types: &[Type::BigInt, Type::Bytes, Type::Text],
        };
        Ok(self.spi.run_with(&FINISH, of.values([]), View::Transaction)?.count() > 0)
    }

    /// Removes the entries of a migration, in both directions. False: there were none.
    pub fn forget_journal(&self, project: i64, key: &[u8]) -> Result<bool> {
        const FORGET: Statement = Statement {
            sql: "DELETE FROM migrations.journal WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        Ok(self.spi.run(&FORGET, values, View::Transaction)?.count() > 0)
    }

    /// How far the migrations of a project have come that have entries, by `version_key`.
    pub fn journal_progress(
        &self,
        project: i64,
        view: View,
    ) -> Result<HashMap<Vec<u8>, JournalProgress>> {
        const PROGRESS: Statement = Statement {
            sql: "SELECT version_key, direction, count(*) FILTER (WHERE is_done),
                         max(statement_no) FILTER (WHERE NOT is_done),
                         max(command) FILTER (WHERE NOT is_done),
                         bool_or(may_commit AND NOT is_done)
                  FROM migrations.journal WHERE project_id = $1 GROUP BY 1, 2",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&PROGRESS, [Value::BigInt(project)], view)?;
        let progress = found.rows().map(|row| {
            let progress = JournalProgress {
                direction: row.text(1),
                done: row.bigint(2),
                started: row.get::<i32>(3).map(|number| (number, row.text(4))),
                needs_decision: row.bool(5),
            };
            (row.bytes(0), progress)
        });
        Ok(progress.collect())
    }
}

/// How far a migration has come whose statements commit one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalProgress {
    /// `up` or `down`.
    pub direction: String,
    /// How many statements have run.
    pub done: i64,
    /// The number and the command tag of the statement that was started and has not run.
    pub started: Option<(i32, String)>,
    /// That statement may have committed parts of its work: a person has to decide how far it
    /// came.
    pub needs_decision: bool,
}

impl JournalProgress {
    /// Whether it is a rollback.
    pub fn is_down(&self) -> bool {
        self.direction == "down"
    }
}

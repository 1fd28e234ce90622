//! The journal of migrations that can't run inside a transaction: which of their
//! statements have run.

use super::Batch;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::database;
use crate::pg::spi::{Statement, Type, View};
use std::collections::{BTreeMap, HashMap};

/// A statement of a migration, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub number: usize,
    /// The checksum of its text.
    pub checksum: Vec<u8>,
    /// Its command.
    pub command: String,
    /// Whether it has run; else it was started.
    pub is_done: bool,
    /// It may have committed parts of what it does.
    pub may_commit: bool,
    /// Of a statement on indexes or partitions, what there was before.
    pub facts: Option<Facts>,
}

/// What there was when a statement on indexes or partitions was started, and what it would
/// leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The table, the partition that is to be detached, or the index that is to be dropped; of
    /// [`Leaves::InSchema`] the schema, of [`Leaves::InDatabase`] nothing.
    pub relation: u32,
    /// The table that the partition is attached to.
    pub parent: Option<u32>,
    /// The indexes that are none of its doing.
    pub indexes: Vec<u32>,
    /// How the index is defined that is to be created or dropped, without its name and its
    /// table's, as far as that is known.
    pub definition: Option<String>,
    /// Whether the numbers are those of this database, which may have been restored since.
    pub is_here: bool,
    /// What tells the indexes that it makes from others.
    pub leaves: Leaves,
}

/// The indexes that a statement makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaves {
    /// None.
    Nothing,
    /// One of this name, on the table.
    Index(String),
    /// Those of a REINDEX, of the table and its partitions.
    OfTable,
    /// The same, of all tables of a schema.
    InSchema,
    /// The same, of all tables.
    InDatabase,
}

impl Leaves {
    /// As the journal has it, with the name that belongs to it.
    pub fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            Leaves::Nothing => ("nothing", None),
            Leaves::Index(name) => ("index", Some(name)),
            Leaves::OfTable => ("of table", None),
            Leaves::InSchema => ("in schema", None),
            Leaves::InDatabase => ("in database", None),
        }
    }

    fn read(word: &str, name: Option<String>) -> Leaves {
        match (word, name) {
            ("index", Some(name)) => Leaves::Index(name),
            ("of table", _) => Leaves::OfTable,
            ("in schema", _) => Leaves::InSchema,
            ("in database", _) => Leaves::InDatabase,
            _ => Leaves::Nothing,
        }
    }
}

/// Which migration the journal is of, and which way it is taken.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The project's key.
    pub project: i64,
    /// The migration's key.
    pub key: &'a [u8],
    /// `up` or `down`.
    pub direction: &'a str,
}

impl Of<'_> {
    fn values<const N: usize>(&self, rest: [Value; N]) -> Vec<Value> {
        let own =
            [Value::BigInt(self.project), Value::Bytes(self.key.to_vec()), self.direction.into()];
        own.into_iter().chain(rest).collect()
    }
}

impl Batch<'_> {
    /// The entries of a migration, by the number of the statement.
    pub fn journal(&self, of: Of) -> Result<BTreeMap<usize, Entry>> {
        const ENTRIES: Statement = Statement {
            sql: "SELECT statement_no, statement_checksum, command, is_done, may_commit,
                         relation::bigint, indexes::bigint[], leaves, index_name,
                         parent::bigint, definition, database_id
                  FROM migrations.journal
                  WHERE project_id = $1 AND version_key = $2 AND direction = $3",
            types: &[Type::BigInt, Type::Bytes, Type::Text],
        };
        let found = self.spi.run_with(&ENTRIES, of.values([]), View::Newest)?;
        let entries = found.rows().filter_map(|row| {
            let Some(number) = row.get::<i32>(0).filter(|number| *number > 0) else {
                row.damaged(0);
                return None;
            };
            let number = number as usize;
            let facts = row.get::<i64>(5).map(|relation| Facts {
                relation: relation as u32,
                parent: row.get::<i64>(9).map(|parent| parent as u32),
                indexes: row.oids(6),
                definition: row.get(10),
                is_here: row.text(11) == database::identity(),
                leaves: Leaves::read(&row.text(7), row.get(8)),
            });
            let entry = Entry {
                number,
                checksum: row.bytes(1),
                command: row.text(2),
                is_done: row.bool(3),
                may_commit: row.bool(4),
                facts,
            };
            Some((number, entry))
        });
        Ok(entries.collect())
    }

    /// Notes that a statement is started, or has run.
    pub fn note_statement(&self, of: Of, entry: &Entry, at: i64) -> Result<()> {
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
        let parent = entry.facts.as_ref().and_then(|facts| facts.parent);
        let definition = entry.facts.as_ref().and_then(|facts| facts.definition.as_deref());
        let [relation, indexes, leaves, name] = match &entry.facts {
            Some(facts) => {
                let (leaves, name) = facts.leaves.words();
                let indexes = facts.indexes.iter().map(u32::to_string).collect();
                let relation = Value::BigInt(facts.relation.into());
                [relation, Value::TextArray(indexes), leaves.into(), name.into()]
            }
            None => [Value::Null, Value::Null, Value::Null, Value::Null],
        };
        let values = of.values([
            Value::Int(entry.number as i32),
            Value::Bytes(entry.checksum.clone()),
            entry.command.as_str().into(),
            Value::Bool(entry.is_done),
            Value::Bool(entry.may_commit),
            relation,
            indexes,
            leaves,
            name,
            Value::Timestamp(at),
            parent.map_or(Value::Null, |parent| Value::BigInt(parent.into())),
            definition.into(),
            database::identity().into(),
        ]);
        self.spi.run_with(&NOTE, values, View::Transaction)?;
        Ok(())
    }

    /// Forgets that a statement was started. False: none was.
    pub fn forget_started(&self, of: Of) -> Result<bool> {
        const FORGET: Statement = Statement {
            sql: "DELETE FROM migrations.journal
                  WHERE project_id = $1 AND version_key = $2 AND direction = $3 AND NOT is_done",
            types: &[Type::BigInt, Type::Bytes, Type::Text],
        };
        Ok(self.spi.run_with(&FORGET, of.values([]), View::Transaction)?.count() > 0)
    }

    /// Notes the statement that was started as done. False: none was.
    pub fn finish_started(&self, of: Of) -> Result<bool> {
        const FINISH: Statement = Statement {
            sql: "UPDATE migrations.journal SET is_done = true
                  WHERE project_id = $1 AND version_key = $2 AND direction = $3 AND NOT is_done",
            types: &[Type::BigInt, Type::Bytes, Type::Text],
        };
        Ok(self.spi.run_with(&FINISH, of.values([]), View::Transaction)?.count() > 0)
    }

    /// Forgets all of a migration's journal.
    pub fn forget_journal(&self, project: i64, key: &[u8]) -> Result<bool> {
        const FORGET: Statement = Statement {
            sql: "DELETE FROM migrations.journal WHERE project_id = $1 AND version_key = $2",
            types: &[Type::BigInt, Type::Bytes],
        };
        let values = [Value::BigInt(project), Value::Bytes(key.to_vec())];
        Ok(self.spi.run(&FORGET, values, View::Transaction)?.count() > 0)
    }

    /// The migrations of a project that are under way, by key: which way, and how far.
    pub fn under_way(&self, project: i64, view: View) -> Result<HashMap<Vec<u8>, UnderWay>> {
        const UNDER_WAY: Statement = Statement {
            sql: "SELECT version_key, direction, count(*) FILTER (WHERE is_done),
                         max(statement_no) FILTER (WHERE NOT is_done),
                         max(command) FILTER (WHERE NOT is_done),
                         bool_or(may_commit AND NOT is_done)
                  FROM migrations.journal WHERE project_id = $1 GROUP BY 1, 2",
            types: &[Type::BigInt],
        };
        let found = self.spi.run(&UNDER_WAY, [Value::BigInt(project)], view)?;
        let under_way = found.rows().map(|row| {
            let way = UnderWay {
                direction: row.text(1),
                done: row.bigint(2),
                started: row.get::<i32>(3).map(|number| (number, row.text(4))),
                undecided: row.bool(5),
            };
            (row.bytes(0), way)
        });
        Ok(under_way.collect())
    }
}

/// How far a migration has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// `up` or `down`.
    pub direction: String,
    /// How many of its statements have run.
    pub done: i64,
    /// The statement that was started, and its command.
    pub started: Option<(i32, String)>,
    /// What has become of that one only people can tell.
    pub undecided: bool,
}

impl UnderWay {
    /// Whether it is being rolled back.
    pub fn is_down(&self) -> bool {
        self.direction == "down"
    }
}

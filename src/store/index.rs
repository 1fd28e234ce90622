//! What the catalog says of statements that were interrupted. Names of the script are resolved
//! under the script's own search_path; everything else goes by number.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::name::{self, Name};
use crate::pg::parse::{Form, Named, Reach};
use crate::pg::spi::{Statement, Type};
use crate::store::journal::{Facts, Leaves};
use std::collections::HashSet;

/// An index that has appeared since a statement was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIndex {
    /// Its name as SQL, with its schema.
    pub name: String,
    /// Whether queries can use it.
    pub is_valid: bool,
    /// The process that is building it at this moment.
    pub builder: Option<i32>,
}

/// Names that REINDEX CONCURRENTLY gives, for a while, to new and old indexes.
const REINDEXED: &str = r"_cc(new|old)\d*$";

/// What there is before a statement. None: it is no index statement, or what it works on
/// isn't there.
pub fn facts(form: &Form) -> Result<Option<Facts>> {
    let (relation, leaves) = match form {
        Form::CreateIndex { table, index: Some(name), .. } => {
            (table.find(), Leaves::Index(name.clone()))
        }
        Form::CreateIndex { table, index: None, beginning } => {
            (table.find(), Leaves::Unnamed(beginning.clone()))
        }
        Form::Reindex(Reach::Relation(name)) => (name.find().map(name::table_of), Leaves::OfTable),
        Form::Reindex(Reach::Schema(name)) => (name::schema(name), Leaves::InSchema),
        Form::Reindex(Reach::Database) => (Some(0), Leaves::InDatabase),
        Form::DropIndex(name) => (name.find(), Leaves::Nothing),
        _ => return Ok(None),
    };
    let Some(relation) = relation else { return Ok(None) };
    let mut facts = Facts { relation, indexes: Vec::new(), leaves };
    facts.indexes = matching(&facts)?.into_iter().map(|(oid, _)| oid).collect();
    Ok(Some(facts))
}

/// The indexes that a statement may have made: those that weren't there before.
pub fn appeared(facts: &Facts) -> Result<Vec<NewIndex>> {
    let known: HashSet<u32> = facts.indexes.iter().copied().collect();
    let new = matching(facts)?.into_iter().filter(|(oid, _)| !known.contains(oid));
    Ok(new.map(|(_, index)| index).collect())
}

/// The indexes that look like those which a statement makes.
fn matching(facts: &Facts) -> Result<Vec<(u32, NewIndex)>> {
    let (reach, name, beginning, pattern) = match &facts.leaves {
        Leaves::Nothing => return Ok(Vec::new()),
        Leaves::Index(name) => ("table", Some(name), None, None),
        Leaves::Unnamed(beginning) => ("table", None, Some(beginning), Some(r"_idx\d*$")),
        Leaves::OfTable => ("tree", None, None, Some(REINDEXED)),
        Leaves::InSchema => ("schema", None, None, Some(REINDEXED)),
        Leaves::InDatabase => ("database", None, None, Some(REINDEXED)),
    };
    const MATCHING: Statement = Statement {
        sql: r"WITH tables AS (
                  SELECT c.oid, c.reltoastrelid FROM pg_class c
                  WHERE CASE $2
                      WHEN 'table' THEN c.oid = $1::oid
                      WHEN 'tree' THEN c.oid = $1::oid OR c.oid = ANY (ARRAY(
                          SELECT relid FROM pg_partition_tree($1::oid::regclass)))
                      WHEN 'schema' THEN c.relnamespace = $1::oid
                      ELSE true END
              )
              SELECT i.indexrelid::int8,
                     format('%I.%I', n.nspname, c.relname), i.indisvalid, p.pid
              FROM pg_index i
              JOIN pg_class c ON c.oid = i.indexrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
              -- Whoever builds an index so holds this lock of the table. (The server's own
              -- views of the progress hide it from other roles.)
              LEFT JOIN LATERAL (
                  SELECT l.pid FROM pg_locks l
                  JOIN pg_stat_activity a ON a.pid = l.pid
                  WHERE l.relation = i.indrelid AND l.granted AND a.usesysid IS NOT NULL
                    AND l.mode = 'ShareUpdateExclusiveLock'
                    AND l.database = (SELECT d.oid FROM pg_database d
                                      WHERE d.datname = current_database())
                    AND l.pid <> pg_backend_pid() LIMIT 1
              ) p ON NOT i.indisvalid
              WHERE i.indrelid IN (SELECT oid FROM tables UNION ALL SELECT reltoastrelid FROM tables
                                   WHERE $2 <> 'table')
                AND ($3 IS NULL OR c.relname = $3)
                AND ($4 IS NULL OR starts_with(c.relname::text, $4))
                AND ($5 IS NULL OR c.relname ~ $5)
              ORDER BY 2",
        types: &[Type::BigInt, Type::Text, Type::Text, Type::Text, Type::Text],
    };
    let caller = AsCaller::open()?;
    let text = |text: Option<&String>| text.map(String::as_str).into();
    let values = [
        Value::BigInt(facts.relation.into()),
        reach.into(),
        text(name),
        text(beginning),
        pattern.into(),
    ];
    let found = caller.look(&MATCHING, values)?;
    let matching = found.rows().map(|row| {
        let index = NewIndex { name: row.text(1), is_valid: row.bool(2), builder: row.get(3) };
        (row.bigint(0) as u32, index)
    });
    let matching = matching.collect();
    drop(found);
    caller.close()?;
    Ok(matching)
}

/// Whether an index is still there, by its number or, since a restored database has other
/// numbers, by its name.
pub fn exists(index: u32, name: &Name) -> Result<bool> {
    const EXISTS: Statement = Statement {
        sql: "SELECT FROM pg_index WHERE indexrelid IN ($1::oid, $2::oid)",
        types: &[Type::BigInt, Type::BigInt],
    };
    let caller = AsCaller::open()?;
    let named = name.find().map_or(Value::Null, |oid| Value::BigInt(oid.into()));
    let exists = caller.look(&EXISTS, [Value::BigInt(index.into()), named])?.count() > 0;
    caller.close()?;
    Ok(exists)
}

/// A partition that is attached, or being detached.
pub struct Attached {
    /// Its name as SQL, with its schema.
    pub partition: String,
    /// That of the table that it is a partition of.
    pub parent: String,
    /// Whether it is being detached.
    pub is_being_detached: bool,
}

/// What a partition is attached to. None: to nothing, or there is no such table.
pub fn attached(partition: &Name) -> Result<Option<Attached>> {
    const ATTACHED: Statement = Statement {
        sql: "SELECT format('%I.%I', pn.nspname, p.relname), format('%I.%I', n.nspname, c.relname),
                     h.inhdetachpending
              FROM pg_inherits h
              JOIN pg_class p ON p.oid = h.inhrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
              JOIN pg_class c ON c.oid = h.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE h.inhrelid = $1::oid",
        types: &[Type::BigInt],
    };
    let Some(partition) = partition.find() else { return Ok(None) };
    let caller = AsCaller::open()?;
    let found = caller.look(&ATTACHED, [Value::BigInt(partition.into())])?;
    let attached = found.first().map(|row| Attached {
        partition: row.text(0),
        parent: row.text(1),
        is_being_detached: row.bool(2),
    });
    drop(found);
    caller.close()?;
    Ok(attached)
}

/// Whether there is one of this name.
pub fn named(kind: Named, name: &str) -> Result<bool> {
    const DATABASE: Statement =
        Statement { sql: "SELECT FROM pg_database WHERE datname = $1", types: &[Type::Text] };
    const TABLESPACE: Statement =
        Statement { sql: "SELECT FROM pg_tablespace WHERE spcname = $1", types: &[Type::Text] };
    const SUBSCRIPTION: Statement = Statement {
        sql: "SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
              WHERE subname = $1 AND d.datname = current_database()",
        types: &[Type::Text],
    };
    let statement = match kind {
        Named::Database => &DATABASE,
        Named::Tablespace => &TABLESPACE,
        Named::Subscription => &SUBSCRIPTION,
    };
    let caller = AsCaller::open()?;
    let there = caller.look(statement, [name.into()])?.count() > 0;
    caller.close()?;
    Ok(there)
}

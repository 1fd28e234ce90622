//! What the catalog says of statements that were interrupted. Looked up as the caller,
//! with the script's own search_path, since it is names of the script that are looked up.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::parse::{Form, Named, Reach};
use crate::pg::spi::{Spi, Statement, Type, View};
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
    const TABLE: &str = "SELECT coalesce(i.indrelid, c.oid)::bigint
        FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
        WHERE c.oid = pg_catalog.to_regclass($1)";
    const RELATION: &str = "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::bigint";
    const SCHEMA: &str = "SELECT oid::bigint FROM pg_catalog.pg_namespace WHERE nspname = $1";
    const DATABASE: &str = "SELECT 0::bigint WHERE $1 = ''";
    let (sql, name, leaves) = match form {
        Form::CreateIndex { table, index: Some(name), .. } => {
            (TABLE, table.as_str(), Leaves::Index(name.clone()))
        }
        Form::CreateIndex { table, index: None, beginning } => {
            (TABLE, table.as_str(), Leaves::Unnamed(beginning.clone()))
        }
        Form::Reindex(Reach::Relation(name)) => (TABLE, name.as_str(), Leaves::OfTable),
        Form::Reindex(Reach::Schema(name)) => (SCHEMA, name.as_str(), Leaves::InSchema),
        Form::Reindex(Reach::Database) => (DATABASE, "", Leaves::InDatabase),
        Form::DropIndex(name) => (RELATION, name.as_str(), Leaves::Nothing),
        _ => return Ok(None),
    };
    let spi = Spi::connect()?;
    let statement = Statement { sql, types: &[Type::Text] };
    let found = spi.run(&statement, [name.into()], View::Newest)?;
    let relation = found.first().and_then(|row| row.get::<i64>(0));
    drop(found);
    spi.finish()?;
    let Some(relation) = relation else { return Ok(None) };
    let mut facts = Facts { relation: relation as u32, indexes: Vec::new(), leaves };
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
                  SELECT c.oid, c.reltoastrelid FROM pg_catalog.pg_class c
                  WHERE CASE $2
                      WHEN 'table' THEN c.oid = $1::pg_catalog.oid
                      WHEN 'tree' THEN c.oid = $1::pg_catalog.oid OR c.oid = ANY (ARRAY(
                          SELECT relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass)))
                      WHEN 'schema' THEN c.relnamespace = $1::pg_catalog.oid
                      ELSE true END
              )
              SELECT i.indexrelid::pg_catalog.int8,
                     pg_catalog.format('%I.%I', n.nspname, c.relname), i.indisvalid, p.pid
              FROM pg_catalog.pg_index i
              JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              -- Whoever builds an index so holds this lock of the table. (The server's own
              -- views of the progress hide it from other roles.)
              LEFT JOIN LATERAL (
                  SELECT l.pid FROM pg_catalog.pg_locks l
                  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
                  WHERE l.relation = i.indrelid AND l.granted AND a.usesysid IS NOT NULL
                    AND l.mode = 'ShareUpdateExclusiveLock'
                    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                      WHERE d.datname = pg_catalog.current_database())
                    AND l.pid <> pg_catalog.pg_backend_pid() LIMIT 1
              ) p ON NOT i.indisvalid
              WHERE i.indrelid IN (SELECT oid FROM tables UNION ALL SELECT reltoastrelid FROM tables
                                   WHERE $2 <> 'table')
                AND ($3 IS NULL OR c.relname = $3)
                AND ($4 IS NULL OR pg_catalog.starts_with(c.relname::pg_catalog.text, $4))
                AND ($5 IS NULL OR c.relname ~ $5)
              ORDER BY 2",
        types: &[Type::BigInt, Type::Text, Type::Text, Type::Text, Type::Text],
    };
    let spi = Spi::connect()?;
    let text = |text: Option<&String>| text.map(String::as_str).into();
    let values = [
        Value::BigInt(facts.relation.into()),
        reach.into(),
        text(name),
        text(beginning),
        pattern.into(),
    ];
    let found = spi.run(&MATCHING, values, View::Newest)?;
    let matching = found.rows().map(|row| {
        let index = NewIndex { name: row.text(1), is_valid: row.bool(2), builder: row.get(3) };
        (row.bigint(0) as u32, index)
    });
    let matching = matching.collect();
    drop(found);
    spi.finish()?;
    Ok(matching)
}

/// Whether an index is still there, by its number or, since a restored database has other
/// numbers, by its name.
pub fn exists(index: u32, name: &str) -> Result<bool> {
    const EXISTS: Statement = Statement {
        sql: "SELECT FROM pg_catalog.pg_index
              WHERE indexrelid IN ($1::pg_catalog.oid, pg_catalog.to_regclass($2))",
        types: &[Type::BigInt, Type::Text],
    };
    let spi = Spi::connect()?;
    let values = [Value::BigInt(index.into()), name.into()];
    let exists = spi.run(&EXISTS, values, View::Newest)?.count() > 0;
    spi.finish()?;
    Ok(exists)
}

/// Whether a partition is attached; Some(true): it is being detached. The parent's name
/// goes with it, as SQL.
pub fn detaching(partition: &str) -> Result<Option<(String, bool)>> {
    const PARENT: Statement = Statement {
        sql: "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), h.inhdetachpending
              FROM pg_catalog.pg_inherits h
              JOIN pg_catalog.pg_class c ON c.oid = h.inhparent
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE h.inhrelid = pg_catalog.to_regclass($1)",
        types: &[Type::Text],
    };
    let spi = Spi::connect()?;
    let parent = spi
        .run(&PARENT, [partition.into()], View::Newest)?
        .first()
        .map(|row| (row.text(0), row.bool(1)));
    spi.finish()?;
    Ok(parent)
}

/// Whether there is one of this name.
pub fn named(kind: Named, name: &str) -> Result<bool> {
    const DATABASE: Statement = Statement {
        sql: "SELECT FROM pg_catalog.pg_database WHERE datname = $1",
        types: &[Type::Text],
    };
    const TABLESPACE: Statement = Statement {
        sql: "SELECT FROM pg_catalog.pg_tablespace WHERE spcname = $1",
        types: &[Type::Text],
    };
    const SUBSCRIPTION: Statement = Statement {
        sql: "SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
              WHERE subname = $1 AND d.datname = pg_catalog.current_database()",
        types: &[Type::Text],
    };
    let statement = match kind {
        Named::Database => &DATABASE,
        Named::Tablespace => &TABLESPACE,
        Named::Subscription => &SUBSCRIPTION,
    };
    let spi = Spi::connect()?;
    let there = spi.run(statement, [name.into()], View::Newest)?.count() > 0;
    spi.finish()?;
    Ok(there)
}

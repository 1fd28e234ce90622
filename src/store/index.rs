//! What the catalog says of statements that were interrupted. Looked up as the caller,
//! with the script's own search_path, since it is names of the script that are looked up.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::parse::Named;
use crate::pg::spi::{Spi, Statement, Type, View};
use crate::store::journal::Facts;

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

/// A table, or the table of an index, and its indexes; of a REINDEX only those that look
/// like leftovers already, since it gives an old index such a name before it drops it.
/// None: there is no such relation.
pub fn facts(relation: &str, reindex: bool) -> Result<Option<Facts>> {
    const FACTS: Statement = Statement {
        sql: r"SELECT t.oid::bigint,
                     ARRAY(SELECT i.indexrelid::bigint FROM pg_catalog.pg_index i
                           JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                           WHERE i.indrelid = t.oid
                             AND (NOT $2 OR x.relname ~ '_cc(new|old)\d*$'))
              FROM (SELECT coalesce(i.indrelid, c.oid) AS oid
                    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
                    WHERE c.oid = pg_catalog.to_regclass($1)) t",
        types: &[Type::Text, Type::Bool],
    };
    let spi = Spi::connect()?;
    let values = [relation.into(), Value::Bool(reindex)];
    let facts = spi.run(&FACTS, values, View::Newest)?.first().map(|row| Facts {
        relation: row.bigint(0) as u32,
        indexes: row
            .get::<Vec<i64>>(1)
            .unwrap_or_default()
            .into_iter()
            .map(|index| index as u32)
            .collect(),
    });
    spi.finish()?;
    Ok(facts)
}

/// Which of the indexes that have appeared are meant.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// All.
    All,
    /// That of this name.
    Named(&'a str),
    /// Those with a name as the server chooses it, which begins so.
    Unnamed(&'a str),
    /// Those with a name as REINDEX CONCURRENTLY gives it for a while.
    Leftovers,
}

/// The indexes of the table that weren't there before.
pub fn appeared(facts: &Facts, which: Which) -> Result<Vec<NewIndex>> {
    let (name, beginning, pattern) = match which {
        Which::All => (None, None, None),
        Which::Named(name) => (Some(name), None, None),
        Which::Unnamed(beginning) => (None, Some(beginning), Some(r"_idx\d*$")),
        Which::Leftovers => (None, None, Some(r"_cc(new|old)\d*$")),
    };
    const APPEARED: Statement = Statement {
        sql: r"SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), i.indisvalid, p.pid
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
              WHERE i.indrelid = $1::pg_catalog.oid
                AND i.indexrelid <> ALL ($2::pg_catalog.text[]::pg_catalog.oid[])
                AND ($3 IS NULL OR c.relname = $3)
                AND ($4 IS NULL OR c.relname ~ $4)
                AND ($5 IS NULL OR pg_catalog.starts_with(c.relname::pg_catalog.text, $5))
              ORDER BY 1",
        types: &[Type::BigInt, Type::TextArray, Type::Text, Type::Text, Type::Text],
    };
    let spi = Spi::connect()?;
    let values = [
        Value::BigInt(facts.relation.into()),
        Value::TextArray(facts.indexes.iter().map(u32::to_string).collect()),
        name.into(),
        pattern.into(),
        beginning.into(),
    ];
    let found = spi.run(&APPEARED, values, View::Newest)?;
    let appeared = found
        .rows()
        .map(|row| NewIndex { name: row.text(0), is_valid: row.bool(1), builder: row.get(2) })
        .collect();
    drop(found);
    spi.finish()?;
    Ok(appeared)
}

/// The relation of this name, as facts without indexes. None: there is none.
pub fn relation(name: &str) -> Result<Option<Facts>> {
    const OID: Statement = Statement {
        sql: "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8",
        types: &[Type::Text],
    };
    let spi = Spi::connect()?;
    let oid = spi.run(&OID, [name.into()], View::Newest)?.first().and_then(|row| row.get(0));
    spi.finish()?;
    Ok(oid.map(|oid: i64| Facts { relation: oid as u32, indexes: Vec::new() }))
}

/// Whether a relation is still there.
pub fn exists(relation: u32) -> Result<bool> {
    const EXISTS: Statement = Statement {
        sql: "SELECT FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid",
        types: &[Type::BigInt],
    };
    let spi = Spi::connect()?;
    let exists = spi.run(&EXISTS, [Value::BigInt(relation.into())], View::Newest)?.count() > 0;
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

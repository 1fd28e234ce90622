//! What the catalog says of statements that were interrupted. Names of the script are resolved
//! under the script's own search_path; everything else goes by number.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::name::{self, Name};
use crate::pg::parse::{Form, Named, Reach};
use crate::pg::spi::{Statement, Type};
use crate::store::journal::{ExpectedIndexes, IndexSnapshot};
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

/// What there is before a statement. None: it is none on indexes or partitions, or what it
/// works on isn't there. An index that is to be created must have a name.
pub fn snapshot(form: &Form) -> Result<Option<IndexSnapshot>> {
    let mut parent = None;
    let (relation, expected) = match form {
        Form::CreateIndex { table, index: Some(name) } => {
            (table.find(), ExpectedIndexes::Index(name.clone()))
        }
        Form::Reindex(Reach::Relation(name)) => {
            (name.find().map(name::table_of), ExpectedIndexes::OfTable)
        }
        Form::Reindex(Reach::Schema(name)) => (name::schema(name), ExpectedIndexes::InSchema),
        Form::Reindex(Reach::Database) => (Some(0), ExpectedIndexes::InDatabase),
        Form::DropIndex(name) => (name.find(), ExpectedIndexes::Nothing),
        Form::Detach(table, partition) => {
            parent = table.find();
            (partition.find(), ExpectedIndexes::Nothing)
        }
        _ => return Ok(None),
    };
    let Some(relation) = relation else { return Ok(None) };
    let definition = match form {
        Form::DropIndex(_) => definition(relation)?,
        _ => None,
    };
    let indexes = Vec::new();
    let mut snapshot =
        IndexSnapshot { relation, parent, indexes, expected, definition, is_here: true };
    snapshot.indexes = matching(&snapshot)?.into_iter().map(|(oid, _)| oid).collect();
    Ok(Some(snapshot))
}

/// The indexes that a statement may have made: those that weren't there before, and are
/// defined as it defines them.
pub fn appeared(snapshot: &IndexSnapshot) -> Result<Vec<NewIndex>> {
    let known: HashSet<u32> = snapshot.indexes.iter().copied().collect();
    let mut new = Vec::new();
    for (oid, index) in matching(snapshot)? {
        if known.contains(&oid) {
            continue;
        }
        let is_other = match (&snapshot.expected, &snapshot.definition) {
            (ExpectedIndexes::Index(_), Some(wanted)) => definition(oid)?.as_ref() != Some(wanted),
            _ => false,
        };
        if !is_other {
            new.push(index);
        }
    }
    Ok(new)
}

/// How an index is defined, without its name and its table's. None: there is none.
pub fn definition(index: u32) -> Result<Option<String>> {
    const DEFINITION: Statement = Statement {
        sql: "SELECT pg_get_indexdef(i.indexrelid), quote_ident(c.relname),
                     CASE WHEN n.oid = pg_my_temp_schema() THEN 'pg_temp' ELSE quote_ident(n.nspname) END
                     || '.' || quote_ident(t.relname)
              FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
              JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
              WHERE i.indexrelid = $1::oid",
        types: &[Type::BigInt],
    };
    let caller = AsCaller::open()?;
    let found = caller.look(&DEFINITION, [Value::BigInt(index.into())])?;
    let definition =
        found.first().and_then(|row| without_names(&row.text(0), &row.text(1), &row.text(2)));
    drop(found);
    caller.close()?;
    Ok(definition)
}

/// `CREATE UNIQUE INDEX name ON table USING …` without the names.
fn without_names(definition: &str, index: &str, table: &str) -> Option<String> {
    let (kind, rest) = definition.split_once(&format!(" INDEX {index} ON "))?;
    let rest = rest.strip_prefix("ONLY ").unwrap_or(rest).strip_prefix(table)?;
    Some(format!("{kind} INDEX ON{rest}"))
}

/// The indexes that look like those which a statement makes. What a REINDEX makes has the
/// name of another index of the table in front, and its definition; one that is not valid is
/// left over, too, if that other index has been dropped meanwhile.
fn matching(snapshot: &IndexSnapshot) -> Result<Vec<(u32, NewIndex)>> {
    let (reach, name, pattern) = match &snapshot.expected {
        ExpectedIndexes::Nothing => return Ok(Vec::new()),
        ExpectedIndexes::Index(name) => ("table", Some(name), None),
        ExpectedIndexes::OfTable => ("tree", None, Some(REINDEXED)),
        ExpectedIndexes::InSchema => ("schema", None, Some(REINDEXED)),
        ExpectedIndexes::InDatabase => ("database", None, Some(REINDEXED)),
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
                AND ($4 IS NULL OR c.relname ~ $4 AND NOT i.indisvalid AND NOT EXISTS (
                    SELECT FROM pg_index o JOIN pg_class oc ON oc.oid = o.indexrelid
                    WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid
                      AND starts_with(oc.relname::text, regexp_replace(c.relname::text, $4, '')))
                  OR c.relname ~ $4 AND EXISTS (
                    SELECT FROM pg_index o JOIN pg_class oc ON oc.oid = o.indexrelid
                    WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid
                      AND starts_with(oc.relname::text, regexp_replace(c.relname::text, $4, ''))
                      AND oc.relam = c.relam
                      AND (o.indkey::text, o.indclass::text, o.indcollation::text, o.indoption::text,
                           o.indnkeyatts, o.indisunique, pg_get_expr(o.indexprs, o.indrelid),
                           pg_get_expr(o.indpred, o.indrelid))
                          IS NOT DISTINCT FROM
                          (i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
                           i.indnkeyatts, i.indisunique, pg_get_expr(i.indexprs, i.indrelid),
                           pg_get_expr(i.indpred, i.indrelid))))
              ORDER BY 2",
        types: &[Type::BigInt, Type::Text, Type::Text, Type::Text],
    };
    let caller = AsCaller::open()?;
    let values = [
        Value::BigInt(snapshot.relation.into()),
        reach.into(),
        name.map(String::as_str).into(),
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

/// Whether an index that is to be dropped is still there. REINDEX CONCURRENTLY gives an index
/// another number, and so does a restore; another index of the name has another definition.
pub fn is_still_there(snapshot: &IndexSnapshot, name: &Name) -> Result<bool> {
    if snapshot.is_here && definition(snapshot.relation)?.is_some() {
        return Ok(true);
    }
    let Some(named) = name.find() else { return Ok(false) };
    let now = definition(named)?;
    Ok(now.is_some() && (snapshot.definition.is_none() || now == snapshot.definition))
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

/// Whether a partition is attached to the table that it is to be detached from.
pub fn attached(snapshot: &IndexSnapshot) -> Result<Option<Attached>> {
    const ATTACHED: Statement = Statement {
        sql: "SELECT format('%I.%I', pn.nspname, p.relname), format('%I.%I', n.nspname, c.relname),
                     h.inhdetachpending
              FROM pg_inherits h
              JOIN pg_class p ON p.oid = h.inhrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
              JOIN pg_class c ON c.oid = h.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE h.inhrelid = $1::oid AND h.inhparent = $2::oid",
        types: &[Type::BigInt, Type::BigInt],
    };
    let Some(parent) = snapshot.parent else { return Ok(None) };
    let caller = AsCaller::open()?;
    let values = [Value::BigInt(snapshot.relation.into()), Value::BigInt(parent.into())];
    let found = caller.look(&ATTACHED, values)?;
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

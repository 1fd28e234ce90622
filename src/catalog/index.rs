//! Which indexes a statement has made: what a run looks up before a statement that commits by
//! itself, and after that statement was interrupted. The names in a script are resolved under
//! the script's search_path; everything else goes by OID.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::name::{self, Name};
use crate::pg::parse::{Form, ReindexScope};
use crate::pg::spi::{Statement, Type};
use crate::store::journal::{ExpectedIndexes, IndexSnapshot};
use std::collections::HashSet;

/// An index that was created after a statement was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIndex {
    /// The name as SQL, with the schema.
    pub name: String,
    /// Whether the index is valid, so that queries use it.
    pub is_valid: bool,
    /// The process that is building the index now.
    pub builder: Option<i32>,
}

/// The end of the names that REINDEX CONCURRENTLY gives to new and old indexes while it works.
const REINDEXED: &str = r"_cc(new|old)\d*$";

/// Takes the snapshot before a statement. An index to be created must have a name. None: it is
/// not a statement on indexes or partitions, or its relation does not exist. Errors: the server's.
pub fn snapshot(form: &Form) -> Result<Option<IndexSnapshot>> {
    let mut parent = None;
    let (relation, expected) = match form {
        Form::CreateIndex { table, index: Some(name) } => {
            (table.find(), ExpectedIndexes::Index(name.clone()))
        }
        Form::Reindex(ReindexScope::Relation(name)) => {
            (name.find().map(name::table_of), ExpectedIndexes::OfTable)
        }
        Form::Reindex(ReindexScope::Schema(name)) => {
            (name::schema(name), ExpectedIndexes::InSchema)
        }
        Form::Reindex(ReindexScope::Database) => (Some(0), ExpectedIndexes::InDatabase),
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

/// The indexes that a statement may have made: those that are not in the snapshot, and have the
/// definition that the statement gives. Errors: the server's.
pub fn appeared(snapshot: &IndexSnapshot) -> Result<Vec<NewIndex>> {
    let known: HashSet<u32> = snapshot.indexes.iter().copied().collect();
    let mut new = Vec::new();
    for (oid, index) in matching(snapshot)? {
        if known.contains(&oid) {
            continue;
        }
        let differs = match (&snapshot.expected, &snapshot.definition) {
            (ExpectedIndexes::Index(_), Some(wanted)) => definition(oid)?.as_ref() != Some(wanted),
            _ => false,
        };
        if !differs {
            new.push(index);
        }
    }
    Ok(new)
}

/// The definition of an index, without the names of the index and its table. None: there is no
/// such index. Errors: the server's.
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

/// The indexes within `$2` of relation `$1` that have the name `$3`, or a name that matches `$4`
/// and the definition of another index with the beginning of that name. Whoever builds an index
/// CONCURRENTLY holds the lock that is looked for. (The progress views of the server hide it
/// from other roles.)
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

/// The indexes that match those which a statement makes, with their OIDs. An index that REINDEX
/// makes has a name that begins with that of another index of the table, and its definition. An
/// index that is not valid also matches if that other index was dropped meanwhile.
fn matching(snapshot: &IndexSnapshot) -> Result<Vec<(u32, NewIndex)>> {
    let (reach, name, pattern) = match &snapshot.expected {
        ExpectedIndexes::Nothing => return Ok(Vec::new()),
        ExpectedIndexes::Index(name) => ("table", Some(name), None),
        ExpectedIndexes::OfTable => ("tree", None, Some(REINDEXED)),
        ExpectedIndexes::InSchema => ("schema", None, Some(REINDEXED)),
        ExpectedIndexes::InDatabase => ("database", None, Some(REINDEXED)),
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

/// Whether an index that is to be dropped still exists. REINDEX CONCURRENTLY and a restore
/// change its OID. Another index with the same name has another definition. Errors: the server's.
pub fn is_still_there(snapshot: &IndexSnapshot, name: &Name) -> Result<bool> {
    if snapshot.is_here && definition(snapshot.relation)?.is_some() {
        return Ok(true);
    }
    let Some(named) = name.find() else { return Ok(false) };
    let now = definition(named)?;
    Ok(now.is_some() && (snapshot.definition.is_none() || now == snapshot.definition))
}

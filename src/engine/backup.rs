//! Backups of tables that migrations keep before they change them.
//!
//! This is the only call of ours that a migration's script may make. It does not change our
//! tables.

use super::session::CurrentScript;
use crate::catalog::backup::Backups;
use crate::domain::backup::{self, SCHEMA};
use crate::error::{Error, Result};
use crate::pg::quote_identifier;
use pgrx::PgSqlErrorCode as Code;

/// Copies a table into the schema of backups. Gives the name of the copy, as SQL.
///
/// Errors: no migration runs, or a precondition or verify script does (55000); no such table
/// (42P01); it is not a table (42809) or has temporary types (0A000); another role owns the schema
/// (42501); the caller lacks privileges, or row security hides rows from it (42501); the table
/// was renamed meanwhile (40001).
pub fn keep(relation: u32) -> Result<String> {
    let keeper = match CurrentScript::get() {
        Some(CurrentScript::Migration(keeper)) => keeper,
        Some(CurrentScript::Condition) => return Err(kept_by_condition()),
        None => return Err(no_migration()),
    };
    let backups = Backups::open()?;
    let Some(source) = backups.find(relation)? else {
        return Err(no_relation(relation));
    };
    if !matches!(source.kind.as_str(), "r" | "p" | "m") {
        return Err(not_a_table(&source.sql));
    }
    backups.ensure_schema()?;
    let relations = backups.lock(&source, relation)?;
    backups.refuse_temporary_types(&source, relation)?;
    let identity = keeper.identity(&source.sql);
    let mut found = None;
    for name in keeper.names(&source.schema, &source.name) {
        match backups.named(&name)? {
            // ScriptCache by the same migration before: that one makes way.
            Some(former) if former.is_backup() && former.comment.starts_with(&identity) => {
                let there = backups.beginning_with(backup::stem(&name))?;
                backups.rename(&name, &backup::newest_aside(&name, &there))?;
            }
            Some(_) => continue,
            None => {}
        }
        found = Some(name);
        break;
    }
    let Some(name) = found else {
        return Err(names_taken(&source.sql));
    };
    let rows = backups.copy(&source, relation, &relations, &name)?;
    let (at, by) = backups.now_and_caller()?;
    backups.describe(&name, &keeper.comment(&source.sql, rows, &at, &by))?;
    backups.close()?;
    Ok(format!("{SCHEMA}.{}", quote_identifier(&name)))
}

/// Drops a backup. Errors: it is not a backup (42809), or not the caller's (42501); it was
/// renamed meanwhile (40001).
pub fn forget(relation: u32) -> Result<()> {
    let backups = Backups::open()?;
    let Some(found) = backups.find(relation)? else {
        return Err(no_relation(relation));
    };
    if !found.is_backup() {
        return Err(not_a_backup(&found.sql));
    }
    backups.drop(&found, relation)?;
    backups.close()
}

const WHERE_TO_CALL: &str = "Call it in the up or down of a migration, before what changes the table: SELECT migrations.keep('...');";

/// A table is to be kept, but no migration's text runs (55000).
fn no_migration() -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "migrations.keep() was not called by the text of a migration",
    )
    .detail("A backup is named after the migration that keeps it.")
    .hint(WHERE_TO_CALL)
}

/// A table is to be kept by a precondition or verify script (55000).
fn kept_by_condition() -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "migrations.keep() was called by a precondition or verify script",
    )
    .detail("What such a script does is rolled back, so it keeps nothing.")
    .hint(WHERE_TO_CALL)
}

/// No relation has this OID (42P01).
fn no_relation(relation: u32) -> Error {
    Error::new(
        Code::ERRCODE_UNDEFINED_TABLE,
        format!("relation with OID {relation} does not exist"),
    )
    .hint("Give the relation's name as a text.")
}

/// What is to be kept is not a table (42809).
fn not_a_table(relation: &str) -> Error {
    Error::new(
        Code::ERRCODE_WRONG_OBJECT_TYPE,
        format!("cannot keep {relation}: it is not a table"),
    )
    .detail("Tables, partitioned ones too, and materialized views can be kept.")
    .hint("Of a view, keep the tables that it reads.")
}

/// What is to be dropped as a backup is not one (42809).
fn not_a_backup(relation: &str) -> Error {
    Error::new(
        Code::ERRCODE_WRONG_OBJECT_TYPE,
        format!("cannot forget {relation}: migrations.keep() has not made it"),
    )
    .hint("What it has made: SELECT backup, copied_from FROM migrations.backups;")
}

/// All names that the backup of a table may have are taken (42P07).
fn names_taken(relation: &str) -> Error {
    Error::new(
        Code::ERRCODE_DUPLICATE_TABLE,
        format!("cannot keep {relation}: the names for its backup are taken by other relations"),
    )
    .hint(format!("Move them out of the schema {SCHEMA}."))
}

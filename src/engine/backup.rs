//! Backups of tables that migrations keep before they change them.
//!
//! This is the only call of ours that a migration's script may make. It does not change our
//! tables.

use super::session::CurrentScript;
use crate::catalog::backup::Backups;
use crate::domain::backup::{self, SCHEMA};
use crate::error::{Error, Result};
use crate::pg::quote_identifier;

/// Copies a table into the schema of backups. Gives the name of the copy, as SQL.
///
/// Errors: no migration runs, or a precondition or verify script does (55000); no such table
/// (42P01); it is not a table (42809) or has temporary types (0A000); another role owns the schema
/// (42501); the caller lacks privileges, or row security hides rows from it (42501); the table
/// was renamed meanwhile (40001).
pub fn keep(relation: u32) -> Result<String> {
    let keeper = match CurrentScript::get() {
        Some(CurrentScript::Migration(keeper)) => keeper,
        Some(CurrentScript::Condition) => return Err(Error::KeptByCondition),
        None => return Err(Error::NoMigration),
    };
    let backups = Backups::open()?;
    let Some(source) = backups.find(relation)? else {
        return Err(Error::NoRelation(relation));
    };
    if !matches!(source.kind.as_str(), "r" | "p" | "m") {
        return Err(Error::NotATable(source.sql));
    }
    backups.schema()?;
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
        return Err(Error::BackupNameTaken(source.sql));
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
        return Err(Error::NoRelation(relation));
    };
    if !found.is_backup() {
        return Err(Error::NotABackup(found.sql));
    }
    backups.drop(&found, relation)?;
    backups.close()
}

//! Backups that migrations keep of tables before they change them.
//!
//! The one call that a migration's text may make of us: it changes nothing of ours.

use super::report::Part;
use crate::catalog::backup::Backups;
use crate::domain::backup::{self, Keeper, SCHEMA};
use crate::error::{Error, Result};
use crate::pg::quote_identifier;
use std::cell::RefCell;

/// Whose script runs in this session.
#[derive(Clone)]
enum Script {
    Migration(Keeper),
    Condition,
}

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// While it lives, backups are those of a migration.
pub struct Keeping(());

impl Keeping {
    /// A script of a migration begins. What conditions do is taken back, so they keep
    /// nothing.
    pub fn begin(part: Part, project: &str, version: Option<&str>, name: &str) -> Keeping {
        let migration = |direction| {
            Script::Migration(Keeper {
                project: project.to_owned(),
                version: version.map(str::to_owned),
                name: name.to_owned(),
                direction,
            })
        };
        SCRIPT.replace(Some(match part {
            Part::Up => migration("up"),
            Part::Down => migration("down"),
            Part::Precondition | Part::Verify => Script::Condition,
        }));
        Keeping(())
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        SCRIPT.take();
    }
}

/// Copies a table into the schema of backups. Gives the name of the copy, as SQL.
///
/// Errors: no migration is running, or a condition (55000); no such table (42P01); it
/// isn't a table (42809) or has temporary types (0A000); the schema belongs to somebody
/// else (42501); too few rights, or row security that hides rows from the caller (42501);
/// the table is renamed meanwhile (40001).
pub fn keep(relation: u32) -> Result<String> {
    let keeper = match SCRIPT.with_borrow(Clone::clone) {
        Some(Script::Migration(keeper)) => keeper,
        Some(Script::Condition) => return Err(Error::KeptByCondition),
        None => return Err(Error::NoMigration),
    };
    let backups = Backups::open()?;
    let Some(source) = backups.find(relation)? else {
        return Err(Error::NoRelation(relation));
    };
    if !matches!(source.kind.as_str(), "r" | "p" | "m") {
        return Err(Error::NotATable(source.sql));
    }
    backups.ensure_schema()?;
    let relations = backups.lock(&source, relation)?;
    backups.refuse_temporary_types(&source, relation)?;
    let identity = keeper.identity(&source.sql);
    let mut found = None;
    for name in keeper.names(&source.schema, &source.name) {
        match backups.named(&name)? {
            // Kept by the same migration before: that one makes way.
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

/// Drops a backup. Errors: it isn't one (42809), or isn't the caller's (42501); it is
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

//! Backups that migrations keep of tables before they change them.
//!
//! The one call that a migration's text may make of us: it changes nothing of ours.

use super::report::Part;
use crate::domain::backup::{self, Keeper, SCHEMA};
use crate::error::{Error, Result};
use crate::pg::guc::Nest;
use crate::pg::quote_identifier;
use crate::store::backup::Backups;
use std::cell::RefCell;

thread_local! {
    // The migration whose text runs in this session.
    static KEEPER: RefCell<Option<Keeper>> = const { RefCell::new(None) };
}

/// While it lives, backups are those of a migration.
pub struct Keeping(());

impl Keeping {
    /// A script of a migration begins. What conditions do is taken back, so they keep
    /// nothing.
    pub fn begin(part: Part, project: &str, version: Option<&str>, name: &str) -> Keeping {
        let direction = match part {
            Part::Up => Some("up"),
            Part::Down => Some("down"),
            Part::Precondition | Part::Verify => None,
        };
        KEEPER.replace(direction.map(|direction| Keeper {
            project: project.to_owned(),
            version: version.map(str::to_owned),
            name: name.to_owned(),
            direction,
        }));
        Keeping(())
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        KEEPER.take();
    }
}

/// Copies a table into the schema of backups. Gives the name of the copy, as SQL.
///
/// Errors: no migration is running (55000); no such table (42P01); it isn't a table
/// (42809); the schema belongs to somebody else (42501); too few rights, or row security
/// that hides rows from the caller (42501).
pub fn keep(relation: u32) -> Result<String> {
    let Some(keeper) = KEEPER.with_borrow(Clone::clone) else {
        return Err(Error::NoMigration);
    };
    let (nest, backups) = enter()?;
    let Some(source) = backups.find(relation)? else {
        return Err(Error::NoRelation(relation));
    };
    if !matches!(source.kind.as_str(), "r" | "p" | "m") {
        return Err(Error::NotATable(source.sql));
    }
    backups.schema()?;
    let identity = keeper.identity(&source.sql);
    let mut found = None;
    for name in keeper.names(&source.schema, &source.name) {
        match backups.named(&name)? {
            // Kept by the same migration before: that one makes way.
            Some(former) if former.is_backup() && former.comment.starts_with(&identity) => {
                let mut n = 2;
                while backups.named(&backup::aside(&name, n))?.is_some() {
                    n += 1;
                }
                backups.rename(&name, &backup::aside(&name, n))?;
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
    let rows = backups.copy(&source, relation, &name)?;
    let (at, by) = backups.now_and_caller()?;
    backups.describe(&name, &keeper.comment(&source.sql, rows, &at, &by))?;
    leave(nest, backups)?;
    Ok(format!("{SCHEMA}.{}", quote_identifier(&name)))
}

/// Drops a backup. Errors: it isn't one (42809), or isn't the caller's (42501).
pub fn forget(relation: u32) -> Result<()> {
    let (nest, backups) = enter()?;
    let Some(found) = backups.find(relation)? else {
        return Err(Error::NoRelation(relation));
    };
    if !found.is_backup() {
        return Err(Error::NotABackup(found.sql));
    }
    backups.drop(&found)?;
    leave(nest, backups)
}

/// Settings with which names mean what they say, and row security that would hide rows
/// is an error.
fn enter() -> Result<(Nest, Backups)> {
    let nest = Nest::open();
    nest.set("search_path", "pg_catalog, pg_temp")?;
    nest.set("row_security", "off")?;
    Ok((nest, Backups::open()?))
}

fn leave(nest: Nest, backups: Backups) -> Result<()> {
    backups.close()?;
    nest.undo()
}

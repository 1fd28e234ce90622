//! Whether this extension and its tables are still what they were.

use crate::error::{Error, Result};
use pgrx::FromDatum;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;
use std::num::NonZeroUsize;

/// The extension and its relations, as they were found at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnObjects {
    extension: Oid,
    relations: Vec<Relation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Relation {
    name: &'static CStr,
    oid: Oid,
    owner: Oid,
    // Another file means: truncated or rewritten.
    file: u32,
}

/// The view that users read; its owner does our bookkeeping.
const HISTORY: &CStr = c"history";
const TABLES: [&CStr; 6] =
    [c"project", c"migration", c"applied", c"event", c"unfinished", c"journal"];

impl OwnObjects {
    /// Looks them up by name. Errors: as of [`check_version`]; a table isn't there, or has a
    /// trigger, a rule, row security or a child that isn't ours, whose code our own changes
    /// would run (55000).
    pub fn find() -> Result<OwnObjects> {
        Ok(OwnObjects::look()?)
    }

    fn look() -> std::result::Result<OwnObjects, Defect> {
        hold_project();
        look_at_version()?;
        // SAFETY: look-ups in the server's caches by constant names.
        unsafe {
            let extension = pg_sys::get_extension_oid(c"pg_migrations".as_ptr(), true);
            let schema = pg_sys::get_namespace_oid(c"migrations".as_ptr(), true);
            if extension == pg_sys::InvalidOid || schema == pg_sys::InvalidOid {
                return Err(Defect::NotInstalled);
            }
            let names = TABLES.into_iter().chain([HISTORY]);
            let relations: Option<Vec<Relation>> =
                names.map(|name| relation(schema, name)).collect();
            let relations = relations.ok_or(Defect::NotInstalled)?;
            for table in relations.iter().filter(|relation| relation.name != HISTORY) {
                table.check_own(schema)?;
            }
            Ok(OwnObjects { extension, relations })
        }
    }

    /// Keeps others from rewriting the tables until the transaction ends.
    pub fn hold(&self) {
        for relation in &self.relations {
            // SAFETY: an existing relation; freed with the transaction.
            unsafe {
                pg_sys::LockRelationOid(relation.oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE)
            };
        }
    }

    /// The owner of the history, as whom bookkeeping is done.
    pub fn owner(&self) -> Oid {
        self.relations.iter().find(|r| r.name == HISTORY).map_or(pg_sys::InvalidOid, |r| r.owner)
    }

    /// What has become of them. None: they are as they were.
    pub fn difference(&self) -> Option<String> {
        let now = match OwnObjects::look() {
            Ok(now) if now == *self => return None,
            Ok(now) if now.extension == self.extension => now,
            Err(Defect::OtherVersion(installed)) => {
                return Some(format!(
                    "Extension pg_migrations was updated to version {installed}."
                ));
            }
            Err(Defect::Foreign { table, what, .. }) => {
                return Some(format!(
                    "{what} of table migrations.{table} is not part of pg_migrations."
                ));
            }
            // Renamed or moved tables are not found, though the extension is there.
            _ if self.extension_exists() => {
                return Some("A table of pg_migrations was renamed or moved.".to_owned());
            }
            _ => return Some("Extension pg_migrations was dropped.".to_owned()),
        };
        let changed = self.relations.iter().zip(&now.relations).find(|(a, b)| a != b);
        let name = changed.map_or(HISTORY, |(a, _)| a.name).to_string_lossy();
        Some(format!("Table migrations.{name} was emptied, rewritten, replaced or given away."))
    }

    /// Takes it as right that the tables have other files than before.
    pub fn follow_files(&mut self) {
        let Ok(now) = OwnObjects::find() else { return };
        for (before, now) in self.relations.iter_mut().zip(now.relations) {
            before.file = now.file;
        }
    }

    fn extension_exists(&self) -> bool {
        // SAFETY: a look-up by a constant name.
        unsafe { pg_sys::get_extension_oid(c"pg_migrations".as_ptr(), true) == self.extension }
    }
}

impl Relation {
    /// Errors: the table has something that isn't ours (55000).
    fn check_own(&self, schema: Oid) -> std::result::Result<(), Defect> {
        let table = self.name.to_string_lossy().into_owned();
        let found =
            |what: String, hint: String| Err(Defect::Foreign { table: table.clone(), what, hint });
        // SAFETY: an existing table; its entry in the cache is read while it is open.
        unsafe {
            let relation = pg_sys::table_open(self.oid, pg_sys::AccessShareLock as _);
            let class = (*relation).rd_rel;
            let (has_rules, has_children, has_policies) = (
                !(*relation).rd_rules.is_null(),
                (*class).relhassubclass,
                (*class).relrowsecurity || (*class).relforcerowsecurity,
            );
            let trigger = foreign_trigger((*relation).trigdesc, schema);
            pg_sys::table_close(relation, pg_sys::NoLock as _);
            if let Some(trigger) = trigger {
                let quoted = super::quote_identifier(&trigger);
                return found(
                    format!("Trigger \"{trigger}\""),
                    format!("DROP TRIGGER {quoted} ON migrations.{table};"),
                );
            }
            if has_rules {
                return found(
                    "A rule".to_owned(),
                    format!("Drop it: \\d migrations.{table} shows its name."),
                );
            }
            if has_policies {
                let hint = format!(
                    "ALTER TABLE migrations.{table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;"
                );
                return found("Row-level security".to_owned(), hint);
            }
            // The mark stays when the last child is gone.
            if has_children && super::rows::has_children(self.oid.to_u32())? {
                return found(
                    "A table that inherits from it".to_owned(),
                    format!("Use ALTER TABLE ... NO INHERIT migrations.{table}."),
                );
            }
        }
        Ok(())
    }
}

/// The name of a trigger that isn't our guard.
unsafe fn foreign_trigger(triggers: *mut pg_sys::TriggerDesc, schema: Oid) -> Option<String> {
    if triggers.is_null() {
        return None;
    }
    // SAFETY: the caller has the table open, of which these are the triggers.
    unsafe {
        let triggers =
            std::slice::from_raw_parts((*triggers).triggers, (*triggers).numtriggers as usize);
        let foreign = triggers.iter().find(|trigger| {
            let function = pg_sys::get_func_name(trigger.tgfoid);
            pg_sys::get_func_namespace(trigger.tgfoid) != schema
                || function.is_null()
                || CStr::from_ptr(function) != c"guard"
        });
        foreign.map(|trigger| CStr::from_ptr(trigger.tgname).to_string_lossy().into_owned())
    }
}

/// Waits for an update of the extension that is under way, and has later ones wait for the
/// end of the transaction: update scripts begin with a lock of this table.
fn hold_project() {
    // SAFETY: look-ups by constant names; the lock is freed with the transaction.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"migrations".as_ptr(), true);
        let table = pg_sys::get_relname_relid(TABLES[0].as_ptr(), schema);
        if table != pg_sys::InvalidOid {
            pg_sys::LockRelationOid(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        }
    }
}

/// Errors: the extension isn't installed in this database, or is of another version than
/// this library (55000).
pub fn check_version() -> Result<()> {
    Ok(look_at_version()?)
}

fn look_at_version() -> std::result::Result<(), Defect> {
    match installed_version() {
        Some(installed) if installed == LIBRARY => Ok(()),
        Some(installed) => Err(Defect::OtherVersion(installed)),
        None => Err(Defect::NotInstalled),
    }
}

/// The version in the newest committed row of the catalog. Not by SQL: what a caller's
/// search_path holds doesn't matter, and each call asks.
fn installed_version() -> Option<String> {
    const NAME: &CStr = c"pg_migrations";
    // SAFETY: a scan of a catalog by its index, with constants that the server defines; the
    // key's name outlives it, and the version is copied before it ends.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let extensions = pg_sys::table_open(pg_sys::ExtensionRelationId, lock);
        let mut key = pg_sys::ScanKeyData::default();
        pg_sys::ScanKeyInit(
            &mut key,
            pg_sys::Anum_pg_extension_extname as pg_sys::AttrNumber,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::F_NAMEEQ.into(),
            pg_sys::Datum::from(NAME.as_ptr()),
        );
        let index = pg_sys::ExtensionNameIndexId.into();
        let scan =
            pg_sys::systable_beginscan(extensions, index, true, core::ptr::null_mut(), 1, &mut key);
        let tuple = pg_sys::systable_getnext(scan);
        let column = NonZeroUsize::new(pg_sys::Anum_pg_extension_extversion as usize);
        let version = match column {
            Some(column) if !tuple.is_null() => {
                pgrx::heap_getattr_raw(tuple, column, (*extensions).rd_att)
            }
            _ => None,
        };
        let version = version.and_then(|version| String::from_datum(version, false));
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(extensions, lock);
        version
    }
}

unsafe fn relation(schema: Oid, name: &'static CStr) -> Option<Relation> {
    // SAFETY: the tuple is a row of pg_class and is released after it was read.
    unsafe {
        let oid = pg_sys::get_relname_relid(name.as_ptr(), schema);
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as core::ffi::c_int,
            pg_sys::Datum::from(oid),
        );
        if tuple.is_null() {
            return None;
        }
        let header = (*tuple).t_data;
        let class = header.cast::<u8>().add((*header).t_hoff as usize);
        let class = class.cast::<pg_sys::FormData_pg_class>();
        let found =
            Relation { name, oid, owner: (*class).relowner, file: (*class).relfilenode.to_u32() };
        pg_sys::ReleaseSysCache(tuple);
        Some(found)
    }
}

/// The version of the library.
const LIBRARY: &str = env!("CARGO_PKG_VERSION");

/// Why our tables cannot be used.
enum Defect {
    NotInstalled,
    // The version of the extension in this database.
    OtherVersion(String),
    // What a table has that is not ours, as the subject of a sentence, and how to remove it.
    Foreign { table: String, what: String, hint: String },
    Other(Error),
}

impl From<Error> for Defect {
    fn from(error: Error) -> Defect {
        Defect::Other(error)
    }
}

impl From<Defect> for Error {
    fn from(defect: Defect) -> Error {
        let code = Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
        match defect {
            Defect::NotInstalled => {
                Error::new(code, "extension pg_migrations is not installed in this database")
                    .hint("CREATE EXTENSION pg_migrations;")
            }
            Defect::OtherVersion(installed) => Error::new(
                code,
                format!("the library of pg_migrations is version {LIBRARY}, the extension in this database is {installed}"),
            )
            .hint("Run ALTER EXTENSION pg_migrations UPDATE; and reconnect if the message stays."),
            Defect::Foreign { table, what, hint } => {
                Error::new(code, format!("table migrations.{table} has been altered"))
                    .detail(format!("{what} is not part of pg_migrations."))
                    .hint(hint)
            }
            Defect::Other(error) => error,
        }
    }
}

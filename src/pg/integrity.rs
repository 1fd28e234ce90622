//! Whether this extension and its tables are still what they were.

use crate::error::{Error, Result};
use pgrx::FromDatum;
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
    /// Looks them up by name. Errors: as of [`check_version`]; a table isn't there (55000).
    pub fn find() -> Result<OwnObjects> {
        hold_project();
        check_version()?;
        // SAFETY: look-ups in the server's caches by constant names.
        unsafe {
            let extension = pg_sys::get_extension_oid(c"pg_migrations".as_ptr(), true);
            let schema = pg_sys::get_namespace_oid(c"migrations".as_ptr(), true);
            if extension == pg_sys::InvalidOid || schema == pg_sys::InvalidOid {
                return Err(Error::NotInstalled);
            }
            let names = TABLES.into_iter().chain([HISTORY]);
            let relations: Option<Vec<Relation>> =
                names.map(|name| relation(schema, name)).collect();
            Ok(OwnObjects { extension, relations: relations.ok_or(Error::NotInstalled)? })
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
        let now = match OwnObjects::find() {
            Ok(now) if now == *self => return None,
            Ok(now) if now.extension == self.extension => now,
            Err(Error::SchemaVersion { installed, .. }) => {
                return Some(format!(
                    "Extension pg_migrations was updated to version {installed}."
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
    let library = env!("CARGO_PKG_VERSION");
    match installed_version() {
        Some(installed) if installed == library => Ok(()),
        Some(installed) => Err(Error::SchemaVersion { library, installed }),
        None => Err(Error::NotInstalled),
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

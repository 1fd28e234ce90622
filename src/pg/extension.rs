//! The extension of this library in the database: its object and its installed version.

use crate::error::{Error, Result};
use pgrx::FromDatum;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;
use std::num::NonZeroUsize;

/// The extension's name.
pub const NAME: &CStr = c"pg_migrations";

/// The version of this library.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The extension's oid. None: it isn't installed.
pub fn oid() -> Option<Oid> {
    // SAFETY: a look-up by a C string, which returns 0 if there is no such extension.
    let oid = unsafe { pg_sys::get_extension_oid(NAME.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Why the extension cannot be used.
pub enum Unusable {
    /// It is not installed in this database.
    NotInstalled,
    /// It is installed in another version, which is given.
    OtherVersion(String),
}

impl From<Unusable> for Error {
    fn from(reason: Unusable) -> Error {
        let code = Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
        match reason {
            Unusable::NotInstalled => {
                Error::new(code, "extension pg_migrations is not installed in this database")
                    .hint("CREATE EXTENSION pg_migrations;")
            }
            Unusable::OtherVersion(installed) => Error::new(
                code,
                format!("the library of pg_migrations is version {VERSION}, the extension in this database is {installed}"),
            )
            .hint("Run ALTER EXTENSION pg_migrations UPDATE; and reconnect if the message stays."),
        }
    }
}

/// Errors: the extension is not installed in this database, or is of another version than
/// this library (55000).
pub fn check_version() -> Result<()> {
    Ok(compare_version()?)
}

/// Compares the installed version with the library's. Error: why the extension cannot be used.
pub fn compare_version() -> std::result::Result<(), Unusable> {
    match installed_version() {
        Some(installed) if installed == VERSION => Ok(()),
        Some(installed) => Err(Unusable::OtherVersion(installed)),
        None => Err(Unusable::NotInstalled),
    }
}

/// The version in the newest committed row of the catalog. None: it isn't installed.
///
/// This isn't done by SQL, since every call asks, and the caller's search_path must have no
/// effect.
fn installed_version() -> Option<String> {
    // SAFETY: a scan of a catalog by its index, with constants that the server defines. The
    // key's name outlives the scan, and the version is copied before the scan ends.
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
        let no_snapshot = core::ptr::null_mut();
        let scan = pg_sys::systable_beginscan(extensions, index, true, no_snapshot, 1, &mut key);
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

//! The database that the library is loaded into.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};

/// Refuses (0A000) to be loaded in a database of another encoding than UTF-8: bodies
/// and names are UTF-8 throughout. Without a database, as when the server preloads the
/// library, it passes.
pub fn require_utf8() {
    // SAFETY: reads variables of this process.
    let other = unsafe {
        pg_sys::MyDatabaseId != pg_sys::InvalidOid
            && pg_sys::GetDatabaseEncoding() != pg_sys::pg_enc::PG_UTF8 as i32
    };
    if other {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "pg_migrations needs a database with encoding UTF8",
            "",
        )
        .set_hint("CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0;")
        .report(PgLogLevel::ERROR);
    }
}

//! Mistakes of pg_migrations itself that are noticed before they do harm.

use crate::error::Error;

/// The error of a mistake in pg_migrations: a value is used as one of another type, or one that
/// does not exist is asked for (42804). No argument of a user leads to it.
pub fn wrong_type(message: String) -> Error {
    Error::new(
        pgrx::PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!("internal error of pg_migrations: {message}"),
    )
    .hint("This is a defect of pg_migrations. Nothing was changed.")
}

//! Mistakes of pg_migrations itself that are noticed before they do harm.

use crate::error::Error;

/// The error of a mistake in pg_migrations: a value is used as one of another type, or one that
/// does not exist is asked for (42804). No argument of a user leads to it.
pub fn wrong_type(message: String) -> Error {
    Error::Internal {
        code: Some(pgrx::PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH as i32),
        message: format!("internal error of pg_migrations: {message}"),
        detail: None,
        hint: Some("This is a defect of pg_migrations. Nothing was changed.".to_owned()),
    }
}

//! Errors about tables of ours that were changed by other means than our functions.

use crate::error::Error;
use pgrx::PgSqlErrorCode as Code;

/// A row holds a value that none of our functions has stored (XX001). `column`: of the row, or of
/// what was looked up; `tables`: those that were read; `row`: what identifies it, if known.
pub fn invalid_value(column: &str, tables: &str, row: &str) -> Error {
    let row = match row {
        "" => String::new(),
        row => format!(" ({row})"),
    };
    Error::new(
        Code::ERRCODE_DATA_CORRUPTED,
        format!("the record of pg_migrations is damaged: \"{column}\" holds no valid value"),
    )
    .detail(format!(
        "A row of {tables}{row} was changed by other means than the functions of pg_migrations."
    ))
    .hint("Restore the row from a backup, or correct it as a superuser under SET session_replication_role = replica;")
}

/// A rule replaces what we do to our tables (55000).
pub fn rewritten(tables: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("a rule replaces what pg_migrations does to {tables}"),
    )
    .detail("Without what the rule replaces nothing can be recorded.")
    .hint("Drop the rule: DROP RULE ... ON ...; SELECT * FROM pg_rules WHERE schemaname = 'migrations'; shows it.")
}

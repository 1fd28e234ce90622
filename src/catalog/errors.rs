//! Errors about the caller's relations.

use crate::domain::backup::SCHEMA;
use crate::error::Error;
use pgrx::PgSqlErrorCode as Code;

/// Another session has given the name of a relation to something else (40001).
pub fn renamed(relation: &str) -> Error {
    Error::new(
        Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        format!("the name {relation} has been given to something else meanwhile"),
    )
    .hint("End the transaction and repeat it.")
}

/// A column of a relation that is to be kept has a temporary type (0A000). `name`: the type or
/// collation that is dropped with the session.
pub fn temporary_type(relation: &str, column: &str, name: &str) -> Error {
    Error::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!(
            "cannot keep {relation}: its column \"{column}\" depends on {name}, which is temporary"
        ),
    )
    .detail("The backup would lose the column when the session ends.")
    .hint("Give the column a type of another schema than pg_temp.")
}

/// An event trigger has given a backup more than columns (0A000).
pub fn backup_altered(backup: &str) -> Error {
    Error::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("an event trigger has changed the new table {backup}"),
    )
    .detail("A backup has columns, but no indexes, constraints, triggers, rules or policies.")
    .hint("Have the event trigger ignore tables of the schema migrations_backup.")
}

/// The schema of backups belongs to a role that the caller is not a member of (42501).
pub fn backups_of_others(owner: &str, caller: &str) -> Error {
    Error::new(
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("schema \"{SCHEMA}\" belongs to role \"{owner}\", and \"{caller}\" is not a member of that role"),
    )
    .detail("The owner of the schema could drop what is kept in it.")
    .hint(format!("Give the schema to a role that all who apply migrations are members of: ALTER SCHEMA {SCHEMA} OWNER TO ...;"))
}

/// The table in which another tool keeps its record is not an ordinary one (55000).
pub fn not_ordinary(table: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("{table} is not an ordinary table"),
    )
    .hint("Record what is applied with migrations.force(version) or migrations.baseline(version).")
}

//! HINTs that are added to errors of a migration's own statements, where we know a way on.

use super::step::{Act, Step};
use crate::error::{Error, literal};
use crate::pg::catch::ServerError;
use pgrx::PgSqlErrorCode as Code;

/// Adds to an error of a step what can be done about it.
pub fn add(error: &mut Error, step: &Step, project: &str) {
    if let Error::Server(server) = error {
        at_one_transaction(server);
        if let (Act::Up(_), Some(version)) = (&step.act, step.version()) {
            at_half_migrated(server, version, project);
        }
    }
}

/// Errors that a commit between migrations avoids say so.
fn at_one_transaction(error: &mut ServerError) {
    match Code::from(error.code()) {
        Code::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE => {
            error.add_hint("Commit between the migrations: CALL migrations.apply_each();")
        }
        Code::ERRCODE_OUT_OF_MEMORY => error
            .add_hint("A transaction for each migration needs less: CALL migrations.apply_each();"),
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION => error.add_hint(
            "Register the migration with transactional => false, and CALL migrations.apply_each();",
        ),
        _ => {}
    }
}

/// What a migration makes is there: perhaps it was applied by other means.
fn at_half_migrated(error: &mut ServerError, version: &str, project: &str) {
    if matches!(
        Code::from(error.code()),
        Code::ERRCODE_DUPLICATE_TABLE
            | Code::ERRCODE_DUPLICATE_OBJECT
            | Code::ERRCODE_DUPLICATE_COLUMN
            | Code::ERRCODE_DUPLICATE_FUNCTION
            | Code::ERRCODE_DUPLICATE_SCHEMA
    ) {
        let arguments = format!("{}, {}", literal(version), literal(project));
        error.add_hint(&format!(
            "If this migration was applied by other means, SELECT * FROM migrations.mark_applied({arguments}); if all up to it were, SELECT * FROM migrations.baseline({arguments});"
        ));
    }
}

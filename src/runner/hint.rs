//! HINTs that are added to errors of a migration's own statements, where we know a way on.

use super::request::Request;
use super::step::{Act, Step};
use crate::error::{Error, arguments};
use crate::pg::catch::ServerError;
use pgrx::PgSqlErrorCode as Code;

/// Adds to an error of a step what can be done about it.
///
/// `is_first`: nothing has run before it in this run, which might have made what is there.
/// `request`: what was asked for.
pub fn add(error: &mut Error, step: &Step, project: &str, request: &Request, is_first: bool) {
    if let Error::Server(server) = error {
        at_one_transaction(server, &request.stepwise(project));
        if let (Act::Up(_), Some(version), true) = (&step.act, step.version(), is_first) {
            at_half_migrated(server, version, project);
        }
    }
}

/// Errors that a commit between migrations avoids say so.
fn at_one_transaction(error: &mut ServerError, call: &str) {
    match Code::from(error.code()) {
        Code::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE => {
            error.add_hint(&format!("Commit between the migrations: {call}"));
        }
        Code::ERRCODE_OUT_OF_MEMORY => {
            error.add_hint(&format!("A transaction for each migration needs less: {call}"));
        }
        // Where the transaction is one of that level already, the statement does no harm.
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION if error.message().starts_with("SET TRANSACTION") => {
            error.add_hint("Have the call begin such transactions: SET default_transaction_isolation = '...'; before it.");
        }
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION | Code::ERRCODE_INVALID_TRANSACTION_TERMINATION => {
            error.add_hint(&format!("Register the migration with transactional => false (a file says so by the mark of its tool, or by a first line -- no-transaction), and {call}"));
        }
        Code::ERRCODE_LOCK_NOT_AVAILABLE => error.add_hint(
            "End the transaction that holds the lock, or raise migrations.lock_timeout (or lock_timeout, if it is set).",
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
        let arguments = arguments(version, project);
        error.add_hint(&format!(
            "If it is there because this migration was run by other means, SELECT * FROM migrations.mark_applied({arguments}); if all up to it were, SELECT * FROM migrations.baseline({arguments});"
        ));
    }
}

//! HINTs that are added to errors of a migration's own statements, where we know a way on.

use super::super::request::Request;
use super::super::step::{Act, Step};
use crate::error::{Error, arguments};
use crate::pg::catch::ServerError;
use pgrx::PgSqlErrorCode as Code;

/// Adds to an error of a step what can be done about it.
///
/// `is_first`: nothing has run before it in this run, which might have made what is there.
/// `is_stepwise`: each migration of the run has a transaction. `request`: what was asked for.
pub fn add(
    error: &mut Error,
    step: &Step,
    project: &str,
    request: &Request,
    is_first: bool,
    is_stepwise: bool,
) {
    let Error::Server(server) = error else { return };
    if is_own_schema(server) {
        server.set_detail("The schema \"migrations\" belongs to extension pg_migrations.");
        server.add_hint("Give the schema of the migration another name.");
        return;
    }
    at_transaction(server, step, project, &request.stepwise(project), is_first, is_stepwise);
    if let (Act::Up(_), Some(version), true) = (&step.act, step.version(), is_first) {
        at_half_migrated(server, version, project);
    }
}

/// The statement makes a schema of the name that ours has.
fn is_own_schema(error: &ServerError) -> bool {
    let message = error.message();
    let mut names = message.split(|c: char| c != '_' && !c.is_alphanumeric());
    Code::from(error.code()) == Code::ERRCODE_DUPLICATE_SCHEMA
        && names.any(|name| name == "migrations")
}

/// Errors that other transactions avoid say so.
fn at_transaction(
    error: &mut ServerError,
    step: &Step,
    project: &str,
    call: &str,
    is_first: bool,
    is_stepwise: bool,
) {
    match Code::from(error.code()) {
        Code::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE => {
            if !is_stepwise && !is_first {
                error.add_hint(&format!("Commit between the migrations: {call}"));
            }
            error.add_hint("If this migration adds the value, split it after ALTER TYPE, or put BEGIN; and COMMIT; around that statement and run it by a call that commits.");
        }
        Code::ERRCODE_OUT_OF_MEMORY if !is_stepwise => {
            error.add_hint(&format!("A transaction for each migration needs less: {call}"));
        }
        // Where the transaction is one of that level already, the statement does no harm.
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION if error.message().starts_with("SET TRANSACTION") => {
            error.add_hint("Have the call begin such transactions: SET default_transaction_isolation = '...'; before it.");
        }
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION | Code::ERRCODE_INVALID_TRANSACTION_TERMINATION => {
            error.add_hint(&format!("{} and {call}", not_transactional(step, project)));
        }
        Code::ERRCODE_LOCK_NOT_AVAILABLE => error.add_hint(
            "End the transaction that holds the lock, or raise migrations.lock_timeout (or lock_timeout, if it is set).",
        ),
        _ => {}
    }
}

/// How a migration is made one that runs in several transactions. What is rolled back is what
/// was registered when it was applied, so a change has to be accepted.
fn not_transactional(step: &Step, project: &str) -> String {
    const REGISTER: &str = "Register the migration with transactional => false (a file says so by the mark of its tool, or by a first line -- no-transaction),";
    match (&step.act, step.version()) {
        (Act::Down(_), Some(version)) => format!(
            "{REGISTER} SELECT * FROM migrations.accept_changes({});",
            arguments(version, project)
        ),
        _ => REGISTER.to_owned(),
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

//! HINTs for server errors of a migration's statements.

use crate::domain::text::arguments;
use crate::engine::request::Request;
use crate::engine::step::{Act, Step};
use crate::error::ServerError;
use pgrx::PgSqlErrorCode as Code;

/// Adds to an error of a step what the user can do about it.
///
/// `is_first`: no step was executed before it in this run. `is_stepwise`: each migration of the
/// run has its own transaction. `request`: the call that was made.
pub fn add(
    error: &mut dyn ServerError,
    step: &Step,
    project: &str,
    request: &Request,
    is_first: bool,
    is_stepwise: bool,
) {
    if is_own_schema(error) {
        error.set_detail("The schema \"migrations\" belongs to extension pg_migrations.");
        error.add_hint("Give the schema of the migration another name.");
        return;
    }
    add_transaction_hint(error, step, project, &request.stepwise(project), is_first, is_stepwise);
    if let (Act::Up(_), Some(version), true) = (&step.act, step.version(), is_first) {
        add_half_migrated_hint(error, version, project);
    }
}

/// The statement creates a schema with the name of ours.
fn is_own_schema(error: &dyn ServerError) -> bool {
    let message = error.message();
    let mut names = message.split(|c: char| c != '_' && !c.is_alphanumeric());
    Code::from(error.code()) == Code::ERRCODE_DUPLICATE_SCHEMA
        && names.any(|name| name == "migrations")
}

/// For errors that do not occur with other transactions.
fn add_transaction_hint(
    error: &mut dyn ServerError,
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
        // The statement does no harm if the transaction already has that isolation level.
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

/// How to have a migration run in several transactions. A rollback runs the script that was
/// registered when the migration was applied, so a changed one has to be accepted first.
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

/// For objects that exist already: perhaps the migration was applied by other means.
fn add_half_migrated_hint(error: &mut dyn ServerError, version: &str, project: &str) {
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

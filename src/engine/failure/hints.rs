//! HINTs for server errors of a migration's statements.

use super::explanation::Explanation;
use crate::domain::text::arguments;
use crate::engine::request::Request;
use crate::engine::step::{Act, Step};
use crate::error::ServerError;
use pgrx::PgSqlErrorCode as Code;

/// The step that has failed, and its run.
pub struct FailedStep<'a> {
    /// The step.
    pub step: &'a Step,
    /// The name of its project.
    pub project: &'a str,
    /// The call that was made.
    pub request: &'a Request,
    /// No step of the run was executed before it.
    pub is_first: bool,
    /// Each migration of the run has its own transaction.
    pub is_stepwise: bool,
}

impl FailedStep<'_> {
    /// What the user can do about an error of the step.
    pub fn explain(&self, error: &dyn ServerError) -> Explanation {
        if is_own_schema(error) {
            return Explanation {
                detail: Some(
                    "The schema \"migrations\" belongs to extension pg_migrations.".to_owned(),
                ),
                hints: vec!["Give the schema of the migration another name.".to_owned()],
            };
        }
        let mut hints = self.other_transactions(error);
        hints.extend(self.half_migrated(error));
        Explanation { detail: None, hints }
    }

    /// For errors that do not occur with other transactions.
    fn other_transactions(&self, error: &dyn ServerError) -> Vec<String> {
        let call = self.request.stepwise(self.project);
        let mut hints = Vec::new();
        match Code::from(error.code()) {
            Code::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE => {
                if !self.is_stepwise && !self.is_first {
                    hints.push(format!("Commit between the migrations: {call}"));
                }
                hints.push("If this migration adds the value, split it after ALTER TYPE, or put BEGIN; and COMMIT; around that statement and use a stepwise run.".to_owned());
            }
            Code::ERRCODE_OUT_OF_MEMORY if !self.is_stepwise => {
                hints.push(format!("A transaction for each migration needs less: {call}"));
            }
            // The statement does no harm if the transaction already has that isolation level.
            Code::ERRCODE_ACTIVE_SQL_TRANSACTION
                if error.message().starts_with("SET TRANSACTION") =>
            {
                hints.push("Have the call begin such transactions: SET default_transaction_isolation = '...'; before it.".to_owned());
            }
            Code::ERRCODE_ACTIVE_SQL_TRANSACTION
            | Code::ERRCODE_INVALID_TRANSACTION_TERMINATION => {
                hints.push(format!("{} and {call}", not_transactional(self.step, self.project)));
            }
            Code::ERRCODE_LOCK_NOT_AVAILABLE => hints.push("End the transaction that holds the lock, or raise migrations.lock_timeout (or lock_timeout, if it is set).".to_owned()),
            _ => {}
        }
        hints
    }

    /// For objects that exist already: perhaps the migration was applied by other means.
    fn half_migrated(&self, error: &dyn ServerError) -> Option<String> {
        let (Act::Up(_), Some(version), true) =
            (&self.step.act, self.step.version(), self.is_first)
        else {
            return None;
        };
        let exists = matches!(
            Code::from(error.code()),
            Code::ERRCODE_DUPLICATE_TABLE
                | Code::ERRCODE_DUPLICATE_OBJECT
                | Code::ERRCODE_DUPLICATE_COLUMN
                | Code::ERRCODE_DUPLICATE_FUNCTION
                | Code::ERRCODE_DUPLICATE_SCHEMA
        );
        let arguments = arguments(version, self.project);
        exists.then(|| format!(
            "If it is there because this migration was run by other means, SELECT * FROM migrations.mark_applied({arguments}); if all up to it were, SELECT * FROM migrations.baseline({arguments});"
        ))
    }
}

/// Whether the statement creates a schema with the name of ours.
fn is_own_schema(error: &dyn ServerError) -> bool {
    let message = error.message();
    let mut names = message.split(|c: char| c != '_' && !c.is_alphanumeric());
    Code::from(error.code()) == Code::ERRCODE_DUPLICATE_SCHEMA
        && names.any(|name| name == "migrations")
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

//! Statements that a script must not contain.

use super::errors;
use crate::error::{Error, ErrorLocation, Kind as ErrorKind};
use crate::pg::context::Context;
use crate::pg::parse::Kind;
use pgrx::PgSqlErrorCode as Code;

/// The error for a statement that must not be in a script. The context is at the statement.
pub fn refusal(kind: &Kind, context: &Context, is_condition: bool) -> Error {
    let place = context.place();
    let refused = |command: &str, detail, hint| refused(command, detail, hint, context.place());
    let control = |command: &str| transaction_control(command, is_condition, context.place());
    match kind {
        Kind::Begin | Kind::BeginWith(_) => control("BEGIN"),
        Kind::Commit => control("COMMIT"),
        Kind::Rollback => control("ROLLBACK"),
        Kind::TransactionControl(command) => control(command),
        Kind::NonTransactional(command, _) => errors::nontransactional(command, place),
        Kind::ClientCopy(command) => refused(
            command,
            "Nothing was run. The statement would exchange data with the client's connection, which a migration does not have.",
            "Put the data after COPY ... FROM stdin; in the formats text or csv, and end it with a line of \\.",
        ),
        Kind::DiscardAll => refused(
            "DISCARD ALL",
            "Nothing was run. The statement would end what the run itself relies on.",
            "Remove the statement: settings are restored after each migration.",
        ),
        Kind::OwnExtension(command) => refused(
            command,
            "Nothing was run. The statement would change pg_migrations while it runs.",
            "Run the statement outside of a migration.",
        ),
        Kind::OwnSchema => refused(
            "CREATE SCHEMA migrations",
            "Nothing was run. The schema \"migrations\" belongs to extension pg_migrations.",
            "Give the schema of the migration another name.",
        ),
        Kind::Plain | Kind::CopyData | Kind::SetTransaction(_) => errors::run_inside_run(),
    }
}

/// The script begins or ends transactions (2D000).
fn transaction_control(command: &str, is_condition: bool, location: ErrorLocation) -> Error {
    let code = Code::ERRCODE_INVALID_TRANSACTION_TERMINATION;
    if is_condition {
        return Error::new(
            code,
            format!("{command} is not allowed in a precondition or verify script"),
        )
        .detail("Nothing was run. All that such a script does is rolled back; in it a plain BEGIN with a plain COMMIT or ROLLBACK is accepted.")
        .hint("Remove the statement, or its options.")
        .at(location);
    }
    let error = Error::new(code, format!("{command} is not allowed in a migration"))
        .detail("Nothing was run. The migration and its record are one transaction; only a plain BEGIN that opens the text together with a plain COMMIT that ends it is accepted, and dropped.")
        .hint("Remove the statement, or split the migration there.")
        .at(location);
    match command {
        "BEGIN" | "COMMIT" => error.of(ErrorKind::TransactionControl),
        _ => error,
    }
}

/// The script contains another statement that is not allowed (0A000).
fn refused(
    command: &str,
    detail: &'static str,
    hint: &'static str,
    location: ErrorLocation,
) -> Error {
    Error::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{command} is not allowed in a migration"),
    )
    .detail(detail)
    .hint(hint)
    .at(location)
}

//! A body before it runs: parsed, and refused if a statement of it can't run here.

use crate::error::{Error, Result};
use crate::pg::context::{Context, Step};
use crate::pg::parse::{self, Kind, Statement};

/// The statements of a body that are to be run.
pub struct Checked {
    /// In their order, without the BEGIN and COMMIT of the body's own.
    pub statements: Vec<Statement>,
    /// BEGIN and COMMIT were dropped.
    pub unwrapped: bool,
}

/// Parses a body for an atomic run. Errors: the parser's own (42601), transaction control
/// (2D000), statements that can't run inside a transaction (25001) or in a migration
/// (0A000). The trees live in the current memory context.
pub fn atomic(context: &Context) -> Result<Checked> {
    context.enter(Step::Parsing);
    let mut statements = {
        let _attached = context.attach();
        parse::parse(context)?
    };
    let unwrapped = statements.len() >= 2
        && statements.first().is_some_and(|s| s.kind == Kind::Begin)
        && statements.last().is_some_and(|s| s.kind == Kind::Commit);
    if unwrapped {
        statements.pop();
        statements.remove(0);
    }
    let of = statements.len();
    for (n, statement) in statements.iter().enumerate() {
        if statement.kind != Kind::Plain {
            context.enter(statement.step(n + 1, of));
            return Err(refusal(&statement.kind, context));
        }
    }
    Ok(Checked { statements, unwrapped })
}

fn refusal(kind: &Kind, context: &Context) -> Error {
    let place = context.place();
    let refused = |command: &str, detail, hint| Error::RefusedStatement {
        command: command.to_owned(),
        detail,
        hint,
        place: context.place(),
    };
    match kind {
        Kind::Begin => Error::TransactionControl { command: "BEGIN".to_owned(), place },
        Kind::Commit => Error::TransactionControl { command: "COMMIT".to_owned(), place },
        Kind::TransactionControl(command) => {
            Error::TransactionControl { command: command.clone(), place }
        }
        Kind::NonTransactional(command) => {
            Error::NonTransactional { command: command.clone(), place }
        }
        Kind::ClientCopy(command) => refused(
            command,
            "Nothing was run. The statement would exchange data with the client's connection, which a migration does not have.",
            "Write the rows as INSERT statements, or read them from a file of the server.",
        ),
        Kind::DiscardAll => refused(
            "DISCARD ALL",
            "Nothing was run. The statement would end what the run itself relies on.",
            "Remove the statement: settings are put back after each migration.",
        ),
        Kind::OwnExtension(command) => refused(
            command,
            "Nothing was run. The statement would change pg_migrations while it runs.",
            "Run the statement outside of a migration.",
        ),
        Kind::Plain => Error::RunInsideRun,
    }
}

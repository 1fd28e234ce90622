//! The transactions that a script begins and ends itself.

use super::refusal::refusal;
use super::run_mode::{NonTransactionalReason, RunMode};
use crate::error::{Error, ErrorLocation, Result};
use crate::pg::context::{ScriptErrorContext, Stage};
use crate::pg::parse::{Characteristics, ParsedStatement, StatementKind};
use pgrx::PgSqlErrorCode as Code;

/// Splits the statements of a script into its transactions. Gives them without BEGIN and COMMIT,
/// and the first reason why the script cannot run inside a transaction. Errors: a transaction has
/// no end, or the script has other transaction control (2D000).
pub fn sections(
    context: &ScriptErrorContext,
    statements: Vec<ParsedStatement>,
    mode: RunMode,
) -> Result<(Vec<ParsedStatement>, Option<NonTransactionalReason>)> {
    let mut sections = Sections {
        context,
        is_condition: mode == RunMode::Condition,
        of: statements.len(),
        open: None,
        kept: Vec::with_capacity(statements.len()),
        reason: None,
    };
    for (n, statement) in statements.into_iter().enumerate() {
        sections.add(n, statement)?;
    }
    sections.end()
}

/// A transaction that a script begins and has not ended yet.
struct Section {
    // The number of its BEGIN.
    number: usize,
    step: Stage,
    // The index of its first statement.
    first: usize,
    characteristics: Option<Characteristics>,
}

impl Section {
    fn add(&mut self, with: &Characteristics) {
        match &mut self.characteristics {
            None => self.characteristics = Some(with.clone()),
            Some(all) => all.add(with),
        }
    }
}

/// The statements of a script that has transactions of its own, without its BEGIN and COMMIT.
/// The statements between these belong together. In a precondition or verify script a ROLLBACK
/// ends a transaction, too, since all of the script is rolled back.
struct Sections<'a, 'b> {
    context: &'a ScriptErrorContext<'b>,
    is_condition: bool,
    // How many statements the script has.
    of: usize,
    open: Option<Section>,
    kept: Vec<ParsedStatement>,
    reason: Option<NonTransactionalReason>,
}

impl Sections<'_, '_> {
    /// Adds a statement. Error: other transaction control (2D000).
    fn add(&mut self, n: usize, statement: ParsedStatement) -> Result<()> {
        let is_condition = self.is_condition;
        match &statement.kind {
            // As for the server, a second BEGIN and a COMMIT without BEGIN have no meaning.
            StatementKind::Begin if self.open.is_none() => self.begin(n, &statement, None),
            StatementKind::BeginWith(with) if self.open.is_none() && !is_condition => {
                self.begin(n, &statement, Some(with.clone()));
            }
            StatementKind::Begin => {}
            // Without BEGIN its meaning in a precondition or verify script is unclear.
            StatementKind::Commit | StatementKind::Rollback
                if is_condition && self.open.is_none() =>
            {
                self.kept.push(statement);
                return Ok(());
            }
            StatementKind::Commit => self.open = None,
            StatementKind::Rollback if is_condition => self.undo_open(),
            // This is the error, and not that the transaction has no end.
            StatementKind::TransactionControl(_) | StatementKind::Rollback => {
                self.context.enter(statement.stage(n + 1, self.of));
                return Err(refusal(&statement.kind, self.context, is_condition));
            }
            _ => {
                self.keep(statement);
                return Ok(());
            }
        }
        if self.reason.is_none() {
            let command = statement.command();
            self.reason = Some(NonTransactionalReason::ParsedStatement(command, statement.line));
        }
        Ok(())
    }

    fn begin(&mut self, n: usize, statement: &ParsedStatement, with: Option<Characteristics>) {
        self.open = Some(Section {
            number: n,
            step: statement.stage(n + 1, self.of),
            first: self.kept.len(),
            characteristics: with,
        });
    }

    fn keep(&mut self, mut statement: ParsedStatement) {
        if let Some(section) = &mut self.open {
            // A SET TRANSACTION at the beginning of a transaction belongs to its BEGIN.
            if let StatementKind::SetTransaction(with) = &statement.kind
                && section.first == self.kept.len()
                && !self.is_condition
            {
                section.add(with);
                return;
            }
            statement.section = Some(section.number);
            statement.characteristics = section.characteristics.clone();
        }
        self.kept.push(statement);
    }

    fn undo_open(&mut self) {
        if let Some(section) = self.open.take() {
            self.kept[section.first..].iter_mut().for_each(|s| s.is_undone = true);
        }
    }

    /// Ends the script. Error: a transaction has no end, so all of it would be lost (2D000).
    fn end(mut self) -> Result<(Vec<ParsedStatement>, Option<NonTransactionalReason>)> {
        // A precondition or verify script is rolled back at its end.
        if self.is_condition {
            self.undo_open();
        }
        if let Some(section) = self.open {
            self.context.enter(section.step);
            return Err(unended(self.context.place()));
        }
        Ok((self.kept, self.reason))
    }
}

/// A transaction of the script has no end (2D000).
fn unended(location: ErrorLocation) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
        "a transaction that the migration begins has no end",
    )
    .detail("Nothing was run. At the end of the text all of it would be rolled back.")
    .hint("Put COMMIT after it.")
    .at(location)
}

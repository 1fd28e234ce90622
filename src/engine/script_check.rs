//! A body before it runs: parsed, and refused if a statement of it can't run here.

use super::commit_in_block;
use super::errors;
use super::script_settings::ScriptSettings;
use crate::domain::checksum::without_bom;
use crate::error::{Error, ErrorLocation, Kind as ErrorKind, Result};
use crate::pg::context::{Context, Step};
use crate::pg::memory;
use crate::pg::parse::{self, Characteristics, Form, Kind, Named, Statement};
use crate::store::Batch;
use crate::store::overview::Pending;
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;

/// What kind of run a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// One transaction for all.
    Atomic,
    /// Transactions as the body needs them.
    Stepwise,
    /// The same for one that is known to need several.
    NonTransactional,
    /// None that stays: a precondition or verify script, all of which is rolled back.
    Condition,
}

impl RunMode {
    /// All statements run in one transaction.
    fn is_one(self) -> bool {
        matches!(self, RunMode::Atomic | RunMode::Condition)
    }
}

/// Why a migration can't run inside a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NonTransactionalReason {
    /// It is marked so.
    Mark,
    /// It holds such a statement: its command, and its line.
    Statement(String, usize),
    /// It holds a DO or CALL that ends transactions: its command, and its line.
    Block(String, usize),
}

impl std::fmt::Display for NonTransactionalReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NonTransactionalReason::Mark => write!(f, "marked as not transactional"),
            NonTransactionalReason::Statement(command, line) => {
                write!(f, "{command} in line {line} cannot run inside a transaction")
            }
            NonTransactionalReason::Block(command, line) => {
                write!(
                    f,
                    "{command} in line {line} runs COMMIT or ROLLBACK, so it cannot run inside a transaction"
                )
            }
        }
    }
}

/// The statements of a body that are to be run.
pub struct CheckedScript {
    /// In their order, without the BEGIN and COMMIT of the body's own.
    pub statements: Vec<Statement>,
    /// BEGIN and COMMIT were dropped.
    pub unwrapped: bool,
    /// The first statement that can't run inside a transaction.
    pub reason: Option<NonTransactionalReason>,
}

/// Parses a body. In a stepwise run it may have transactions of its own, between BEGIN and
/// COMMIT. Errors: the parser's own (42601), other transaction control (2D000),
/// statements that can't run in a migration (0A000), for an atomic run also those that
/// can't run inside a transaction (25001). The trees live in the current memory context.
pub fn check(context: &Context, mode: RunMode) -> Result<CheckedScript> {
    context.enter(Step::Parsing);
    context.prepare(parse::conforming_strings())?;
    let mut statements = {
        let _attached = context.attach();
        parse::parse(context)?
    };
    let controls = |kind: &Kind| {
        matches!(kind, Kind::Begin | Kind::BeginWith(_) | Kind::Commit)
            || mode == RunMode::Condition && *kind == Kind::Rollback
    };
    let count = statements.iter().filter(|s| controls(&s.kind)).count();
    // Around what needs several transactions BEGIN and COMMIT mean what they say.
    let is_one = mode != RunMode::NonTransactional
        && !statements.iter().any(|s| matches!(s.kind, Kind::NonTransactional(..)));
    let unwrapped = (is_one || mode.is_one())
        && count == 2
        && statements.first().is_some_and(|s| s.kind == Kind::Begin)
        && statements.last().is_some_and(|s| s.kind == Kind::Commit);
    let mut reason = None;
    if unwrapped {
        statements.pop();
        statements.remove(0);
    } else if count > 0 && mode != RunMode::Atomic {
        (statements, reason) = sections(context, statements, mode)?;
    }
    let of = statements.len();
    for (n, statement) in statements.iter().enumerate() {
        match &statement.kind {
            Kind::Plain | Kind::CopyData | Kind::SetTransaction(_) => {}
            // Only one with a slot is refused, which the server will see.
            Kind::NonTransactional(_, Form::Named(Named::Subscription, _, false))
                if mode.is_one() => {}
            Kind::NonTransactional(command, _) if !mode.is_one() && statement.section.is_none() => {
                let found = || NonTransactionalReason::Statement(command.clone(), statement.line);
                reason = reason.or_else(|| Some(found()));
            }
            kind => {
                context.enter(statement.step(n + 1, of));
                return Err(refusal(kind, context, mode == RunMode::Condition));
            }
        }
    }
    Ok(CheckedScript { statements, unwrapped, reason })
}

/// The statements of a body that has transactions of its own, without its BEGIN and COMMIT:
/// what stands between them belongs together. In a condition a ROLLBACK ends them, too, since
/// all of it is rolled back. Errors: one has no end, with which all of it would be for nothing
/// (2D000).
fn sections(
    context: &Context,
    statements: Vec<Statement>,
    mode: RunMode,
) -> Result<(Vec<Statement>, Option<NonTransactionalReason>)> {
    let of = statements.len();
    let is_condition = mode == RunMode::Condition;
    let mut open: Option<Section> = None;
    let mut reason = None;
    let mut kept: Vec<Statement> = Vec::with_capacity(of);
    for (n, mut statement) in statements.into_iter().enumerate() {
        let begin = || Section {
            number: n,
            step: statement.step(n + 1, of),
            first: kept.len(),
            characteristics: None,
        };
        match statement.kind {
            // As for the server, a second BEGIN and a COMMIT without one mean nothing.
            Kind::Begin if open.is_none() => open = Some(begin()),
            Kind::BeginWith(ref with) if open.is_none() && !is_condition => {
                open = Some(Section { characteristics: Some(with.clone()), ..begin() });
            }
            Kind::Begin => {}
            // Without one nobody can say what a condition means by it.
            Kind::Commit | Kind::Rollback if is_condition && open.is_none() => {
                kept.push(statement);
                continue;
            }
            Kind::Commit => open = None,
            Kind::Rollback if is_condition => {
                if let Some(section) = open.take() {
                    kept[section.first..].iter_mut().for_each(|s| s.is_undone = true);
                }
            }
            // It is what is wrong, and not that the transaction has no end.
            Kind::TransactionControl(_) | Kind::Rollback => {
                context.enter(statement.step(n + 1, of));
                return Err(refusal(&statement.kind, context, is_condition));
            }
            _ => {
                let first = kept.len();
                if let Some(section) = &mut open {
                    // What comes first in a transaction is there to begin it.
                    if let Kind::SetTransaction(with) = &statement.kind
                        && section.first == first
                        && !is_condition
                    {
                        section.add(with);
                        continue;
                    }
                    statement.section = Some(section.number);
                    statement.characteristics = section.characteristics.clone();
                }
                kept.push(statement);
                continue;
            }
        }
        let command = statement.command();
        reason = reason.or(Some(NonTransactionalReason::Statement(command, statement.line)));
    }
    match open {
        None => Ok((kept, reason)),
        // Its end is the end of the script, where it is undone, too.
        Some(section) if is_condition => {
            kept[section.first..].iter_mut().for_each(|s| s.is_undone = true);
            Ok((kept, reason))
        }
        Some(section) => {
            context.enter(section.step);
            Err(unended(context.place()))
        }
    }
}

/// A transaction of a text's own that has begun.
struct Section {
    // The number of its BEGIN.
    number: usize,
    step: Step,
    // Its first statement among those that are kept.
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

/// Why a pending migration can't run inside a transaction, as far as its text can be
/// read. None: it can.
pub fn nontransactional_reason(
    batch: &Batch,
    migration: &Pending,
    project: &Project,
) -> Result<Option<NonTransactionalReason>> {
    match migration.transactional {
        Some(false) => return Ok(Some(NonTransactionalReason::Mark)),
        Some(true) => return Ok(None),
        None => {}
    }
    let memory = memory::Context::new()?;
    memory.enter(|| {
        let text = batch.up(migration.id)?.unwrap_or_default();
        let context = Context::new("", without_bom(&text.body), &project.variables);
        let nest = ScriptSettings::of_parser(Some(project))?.nest()?;
        // A text that can't be run at all gets its error in its turn.
        let checked = check(&context, RunMode::Stepwise).ok();
        nest.undo()?;
        let Some(checked) = checked else { return Ok(None) };
        match block_of(batch, project, &checked)? {
            Some(n) if checked.reason.is_none() => Ok(Some(checked.statements[n].as_reason())),
            _ => Ok(checked.reason),
        }
    })
}

/// The place of the first block of a body that ends transactions. Between a BEGIN and COMMIT of
/// the body's own it can't.
pub fn block_of(
    batch: &Batch,
    project: &Project,
    checked: &CheckedScript,
) -> Result<Option<usize>> {
    match checked.unwrapped {
        true => Ok(None),
        false => commit_in_block::first(batch, project, &checked.statements),
    }
}

impl Statement {
    /// That it is why a migration can't run inside a transaction, as a block.
    pub fn as_reason(&self) -> NonTransactionalReason {
        NonTransactionalReason::Block(self.command(), self.line)
    }
}

fn refusal(kind: &Kind, context: &Context, is_condition: bool) -> Error {
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
            "Remove the statement: settings are put back after each migration.",
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

/// A text ends or begins transactions (2D000).
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

/// A transaction that a text begins has no end (2D000).
fn unended(location: ErrorLocation) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
        "a transaction that the migration begins has no end",
    )
    .detail("Nothing was run. At the end of the text all of it would be rolled back.")
    .hint("Put COMMIT after it.")
    .at(location)
}

/// Another statement that a text may not hold (0A000).
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

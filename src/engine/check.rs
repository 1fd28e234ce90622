//! A body before it runs: parsed, and refused if a statement of it can't run here.

use super::block;
use super::surroundings::Surroundings;
use crate::domain::checksum::without_bom;
use crate::error::{Error, Result};
use crate::pg::context::{ScriptErrorContext, Stage};
use crate::pg::memory;
use crate::pg::parse::{self, Characteristics, Form, GlobalObject, ParsedStatement, StatementKind};
use crate::store::Batch;
use crate::store::overview::Pending;
use crate::store::own_objects::RESERVED;
use crate::store::project::Project;

/// What kind of run a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One transaction for all.
    Atomic,
    /// Transactions as the body needs them.
    Stepwise,
    /// The same for one that is known to need several.
    Apart,
    /// None that stays: a precondition or verify script, all of which is rolled back.
    Condition,
}

impl Mode {
    /// All statements run in one transaction.
    fn is_one(self) -> bool {
        matches!(self, Mode::Atomic | Mode::Condition)
    }
}

/// Why a migration can't run inside a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It is marked so.
    Mark,
    /// It holds such a statement: its command, and its line.
    Statement(String, usize),
    /// It holds a DO or CALL that ends transactions: its command, and its line.
    Block(String, usize),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Mark => write!(f, "marked as not transactional"),
            Cause::Statement(command, line) => {
                write!(f, "{command} in line {line} cannot run inside a transaction")
            }
            Cause::Block(command, line) => {
                write!(
                    f,
                    "{command} in line {line} runs COMMIT or ROLLBACK, so it cannot run inside a transaction"
                )
            }
        }
    }
}

/// The statements of a body that are to be run.
pub struct Checked {
    /// In their order, without the BEGIN and COMMIT of the body's own.
    pub statements: Vec<ParsedStatement>,
    /// BEGIN and COMMIT were dropped.
    pub unwrapped: bool,
    /// The first statement that can't run inside a transaction.
    pub cause: Option<Cause>,
}

/// Parses a body. In a stepwise run it may have transactions of its own, between BEGIN and
/// COMMIT. Errors: the parser's own (42601), other transaction control (2D000),
/// statements that can't run in a migration (0A000), for an atomic run also those that
/// can't run inside a transaction (25001). The trees live in the current memory context.
pub fn body(context: &ScriptErrorContext, mode: Mode) -> Result<Checked> {
    context.enter(Stage::Parsing);
    context.prepare(parse::conforming_strings())?;
    let mut statements = {
        let _attached = context.attach();
        parse::parse(context, &RESERVED)?
    };
    let controls = |kind: &StatementKind| {
        matches!(kind, StatementKind::Begin | StatementKind::BeginWith(_) | StatementKind::Commit)
            || mode == Mode::Condition && *kind == StatementKind::Rollback
    };
    let count = statements.iter().filter(|s| controls(&s.kind)).count();
    // Around what needs several transactions BEGIN and COMMIT mean what they say.
    let is_one = mode != Mode::Apart
        && !statements.iter().any(|s| matches!(s.kind, StatementKind::NonTransactional(..)));
    let unwrapped = (is_one || mode.is_one())
        && count == 2
        && statements.first().is_some_and(|s| s.kind == StatementKind::Begin)
        && statements.last().is_some_and(|s| s.kind == StatementKind::Commit);
    let mut cause = None;
    if unwrapped {
        statements.pop();
        statements.remove(0);
    } else if count > 0 && mode != Mode::Atomic {
        (statements, cause) = sections(context, statements, mode)?;
    }
    let of = statements.len();
    for (n, statement) in statements.iter().enumerate() {
        match &statement.kind {
            StatementKind::Plain | StatementKind::CopyData | StatementKind::SetTransaction(_) => {}
            // Only one with a slot is refused, which the server will see.
            StatementKind::NonTransactional(
                _,
                Form::Named(GlobalObject::Subscription, _, false),
            ) if mode.is_one() => {}
            StatementKind::NonTransactional(command, _)
                if !mode.is_one() && statement.section.is_none() =>
            {
                let found = || Cause::Statement(command.clone(), statement.line);
                cause = cause.or_else(|| Some(found()));
            }
            kind => {
                context.enter(statement.stage(n + 1, of));
                return Err(refusal(kind, context, mode == Mode::Condition));
            }
        }
    }
    Ok(Checked { statements, unwrapped, cause })
}

/// The statements of a body that has transactions of its own, without its BEGIN and COMMIT:
/// what stands between them belongs together. In a condition a ROLLBACK ends them, too, since
/// all of it is rolled back. Errors: one has no end, with which all of it would be for nothing
/// (2D000).
fn sections(
    context: &ScriptErrorContext,
    statements: Vec<ParsedStatement>,
    mode: Mode,
) -> Result<(Vec<ParsedStatement>, Option<Cause>)> {
    let of = statements.len();
    let is_condition = mode == Mode::Condition;
    let mut open: Option<Section> = None;
    let mut cause = None;
    let mut kept: Vec<ParsedStatement> = Vec::with_capacity(of);
    for (n, mut statement) in statements.into_iter().enumerate() {
        let begin = || Section {
            number: n,
            step: statement.stage(n + 1, of),
            first: kept.len(),
            characteristics: None,
        };
        match statement.kind {
            // As for the server, a second BEGIN and a COMMIT without one mean nothing.
            StatementKind::Begin if open.is_none() => open = Some(begin()),
            StatementKind::BeginWith(ref with) if open.is_none() && !is_condition => {
                open = Some(Section { characteristics: Some(with.clone()), ..begin() });
            }
            StatementKind::Begin => {}
            // Without one nobody can say what a condition means by it.
            StatementKind::Commit | StatementKind::Rollback if is_condition && open.is_none() => {
                kept.push(statement);
                continue;
            }
            StatementKind::Commit => open = None,
            StatementKind::Rollback if is_condition => {
                if let Some(section) = open.take() {
                    kept[section.first..].iter_mut().for_each(|s| s.is_undone = true);
                }
            }
            // It is what is wrong, and not that the transaction has no end.
            StatementKind::TransactionControl(_) | StatementKind::Rollback => {
                context.enter(statement.stage(n + 1, of));
                return Err(refusal(&statement.kind, context, is_condition));
            }
            _ => {
                let first = kept.len();
                if let Some(section) = &mut open {
                    // What comes first in a transaction is there to begin it.
                    if let StatementKind::SetTransaction(with) = &statement.kind
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
        cause = cause.or(Some(Cause::Statement(command, statement.line)));
    }
    match open {
        None => Ok((kept, cause)),
        // Its end is the end of the script, where it is undone, too.
        Some(section) if is_condition => {
            kept[section.first..].iter_mut().for_each(|s| s.is_undone = true);
            Ok((kept, cause))
        }
        Some(section) => {
            context.enter(section.step);
            Err(Error::Unended { place: context.place() })
        }
    }
}

/// A transaction of a text's own that has begun.
struct Section {
    // The number of its BEGIN.
    number: usize,
    step: Stage,
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
pub fn cause(batch: &Batch, migration: &Pending, project: &Project) -> Result<Option<Cause>> {
    match migration.transactional {
        Some(false) => return Ok(Some(Cause::Mark)),
        Some(true) => return Ok(None),
        None => {}
    }
    let memory = memory::Context::new()?;
    memory.enter(|| {
        let text = batch.up(migration.id)?.unwrap_or_default();
        let context = ScriptErrorContext::new("", without_bom(&text.body), &project.variables);
        let nest = Surroundings::of_parser(Some(project))?.nest()?;
        // A text that can't be run at all gets its error in its turn.
        let checked = body(&context, Mode::Stepwise).ok();
        nest.undo()?;
        let Some(checked) = checked else { return Ok(None) };
        match block_of(batch, project, &checked)? {
            Some(n) if checked.cause.is_none() => Ok(Some(checked.statements[n].block_cause())),
            _ => Ok(checked.cause),
        }
    })
}

/// The place of the first block of a body that ends transactions. Between a BEGIN and COMMIT of
/// the body's own it can't.
pub fn block_of(batch: &Batch, project: &Project, checked: &Checked) -> Result<Option<usize>> {
    match checked.unwrapped {
        true => Ok(None),
        false => block::first(batch, project, &checked.statements),
    }
}

impl ParsedStatement {
    /// That it is why a migration can't run inside a transaction, as a block.
    pub fn block_cause(&self) -> Cause {
        Cause::Block(self.command(), self.line)
    }
}

fn refusal(kind: &StatementKind, context: &ScriptErrorContext, is_condition: bool) -> Error {
    let place = context.place();
    let refused = |command: &str, detail, hint| Error::RefusedStatement {
        command: command.to_owned(),
        detail,
        hint,
        place: context.place(),
    };
    let control = |command: &str| Error::TransactionControl {
        command: command.to_owned(),
        is_condition,
        place: context.place(),
        way: None,
    };
    match kind {
        StatementKind::Begin | StatementKind::BeginWith(_) => control("BEGIN"),
        StatementKind::Commit => control("COMMIT"),
        StatementKind::Rollback => control("ROLLBACK"),
        StatementKind::TransactionControl(command) => control(command),
        StatementKind::NonTransactional(command, _) => {
            Error::NonTransactional { command: command.clone(), place, way: None }
        }
        StatementKind::ClientCopy(command) => refused(
            command,
            "Nothing was run. The statement would exchange data with the client's connection, which a migration does not have.",
            "Put the data behind COPY ... FROM stdin; in the formats text or csv, and end it with a line of \\.",
        ),
        StatementKind::DiscardAll => refused(
            "DISCARD ALL",
            "Nothing was run. The statement would end what the run itself relies on.",
            "Remove the statement: settings are put back after each migration.",
        ),
        StatementKind::OwnExtension(command) => refused(
            command,
            "Nothing was run. The statement would change pg_migrations while it runs.",
            "Run the statement outside of a migration.",
        ),
        StatementKind::OwnSchema => refused(
            "CREATE SCHEMA migrations",
            "Nothing was run. The schema \"migrations\" belongs to extension pg_migrations.",
            "Give the schema of the migration another name.",
        ),
        StatementKind::Plain | StatementKind::CopyData | StatementKind::SetTransaction(_) => {
            Error::RunInsideRun
        }
    }
}

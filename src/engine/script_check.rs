//! Parses a script, and checks its statements before any runs.

use super::commit_in_block;
use super::refusal::refusal;
use super::run_mode::{NonTransactionalReason, RunMode};
use super::script_settings::ScriptSettings;
use super::script_transactions::sections;
use crate::domain::checksum::without_bom;
use crate::error::Result;
use crate::pg::context::{ScriptErrorContext, Stage};
use crate::pg::memory;
use crate::pg::parse::{self, Form, GlobalObject, ParsedStatement, StatementKind};
use crate::store::Batch;
use crate::store::overview::Pending;
use crate::store::own_objects::RESERVED;
use crate::store::project::Project;

/// A script that was checked.
pub struct CheckedScript {
    /// The statements to run, without BEGIN and COMMIT.
    pub statements: Vec<ParsedStatement>,
    /// A BEGIN and a COMMIT around the whole script were dropped.
    pub unwrapped: bool,
    /// The first reason why it cannot run inside a transaction.
    pub reason: Option<NonTransactionalReason>,
}

/// Parses a script and checks its statements. In a stepwise run it may have transactions of its
/// own, between BEGIN and COMMIT. The parse trees are in the current memory context.
///
/// Errors: those of the parser (42601); other transaction control (2D000); statements that are
/// not allowed in a migration (0A000); in an atomic run, statements that cannot run inside a
/// transaction (25001).
pub fn check(context: &ScriptErrorContext, mode: RunMode) -> Result<CheckedScript> {
    context.enter(Stage::Parsing);
    context.prepare(parse::conforming_strings())?;
    let mut statements = {
        let _attached = context.attach();
        parse::parse(context, &RESERVED)?
    };
    let controls = |kind: &StatementKind| {
        matches!(kind, StatementKind::Begin | StatementKind::BeginWith(_) | StatementKind::Commit)
            || mode == RunMode::Condition && *kind == StatementKind::Rollback
    };
    let count = statements.iter().filter(|s| controls(&s.kind)).count();
    // In a script that needs several transactions, BEGIN and COMMIT keep their meaning.
    let is_one = mode != RunMode::NonTransactional
        && !statements.iter().any(|s| matches!(s.kind, StatementKind::NonTransactional(..)));
    let unwrapped = (is_one || mode.is_one())
        && count == 2
        && statements.first().is_some_and(|s| s.kind == StatementKind::Begin)
        && statements.last().is_some_and(|s| s.kind == StatementKind::Commit);
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
            StatementKind::Plain | StatementKind::CopyData | StatementKind::SetTransaction(_) => {}
            // The server itself refuses one with a replication slot, and only that.
            StatementKind::NonTransactional(
                _,
                Form::Named(GlobalObject::Subscription, _, false),
            ) if mode.is_one() => {}
            StatementKind::NonTransactional(command, _)
                if !mode.is_one() && statement.section.is_none() =>
            {
                let found =
                    || NonTransactionalReason::ParsedStatement(command.clone(), statement.line);
                reason = reason.or_else(|| Some(found()));
            }
            kind => {
                context.enter(statement.stage(n + 1, of));
                return Err(refusal(kind, context, mode == RunMode::Condition));
            }
        }
    }
    Ok(CheckedScript { statements, unwrapped, reason })
}

/// Why a pending migration cannot run inside a transaction, as far as its script can be parsed.
/// None: it can.
pub fn nontransactional_reason(
    tables: &Batch,
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
        let text = tables.up(migration.id)?.unwrap_or_default();
        let context = ScriptErrorContext::new("", without_bom(&text.body), &project.variables);
        let nest = ScriptSettings::of_parser(Some(project))?.nest()?;
        // A script with an error gets it when it is checked for its run.
        let checked = check(&context, RunMode::Stepwise).ok();
        nest.undo()?;
        let Some(checked) = checked else { return Ok(None) };
        match block_of(tables, project, &checked)? {
            Some(n) if checked.reason.is_none() => Ok(Some(checked.statements[n].as_reason())),
            _ => Ok(checked.reason),
        }
    })
}

/// The index of the first block of a script that ends transactions. Between a BEGIN and a COMMIT
/// of the script a block cannot do that.
pub fn block_of(
    tables: &Batch,
    project: &Project,
    checked: &CheckedScript,
) -> Result<Option<usize>> {
    match checked.unwrapped {
        true => Ok(None),
        false => commit_in_block::first(tables, project, &checked.statements),
    }
}

//! Statements that were started, and whose end the journal does not have.
//!
//! What such a statement has left is found in the journal and the catalog alone, since the script
//! may have been changed meanwhile.

use super::journal::Journal;
use crate::catalog::index::{self, NewIndex};
use crate::catalog::object;
use crate::catalog::partition::{self, AttachedPartition};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::pg::context::ScriptErrorContext;
use crate::pg::parse::{Form, ParsedStatement, StatementKind};
use crate::pg::transaction;
use crate::store::journal::{ExpectedIndexes, IndexSnapshot, JournalEntry};
use pgrx::PgSqlErrorCode as Code;

/// What to do about such a statement.
pub enum Decision {
    /// It has run.
    IsDone,
    /// Drop these indexes, which it has left, and run the statement that now has its number.
    Run(Vec<String>),
    /// Complete its work by another statement.
    Complete(String),
}

/// Decides what to do about a statement. `current` is the statement of that number in the script,
/// if it is the same. Afterwards a new transaction is open.
///
/// Errors: it was a block, so a person has to find out how far it came (55000); another session
/// builds an index that may be the statement's (55P03); it has run, and was changed (55000).
pub fn decide(
    journal: &Journal,
    context: &ScriptErrorContext,
    entry: &JournalEntry,
    current: Option<&ParsedStatement>,
) -> Result<Decision> {
    if entry.may_commit {
        return Err(interrupted(context.label(), entry, journal.arguments));
    }
    let current = current.map(|statement| &statement.kind);
    let facts = match &entry.snapshot {
        Some(facts) => present(facts, current)?,
        None => None,
    };
    let made = match &facts {
        Some(facts) => index::appeared(facts)?,
        None => Vec::new(),
    };
    check_nobody_builds(context, &made)?;
    let builds =
        matches!(facts.as_ref().map(|facts| &facts.expected), Some(ExpectedIndexes::Index(_)));
    // An index that a REINDEX has left is useless even if another REINDEX has made it valid.
    let (valid, useless): (Vec<_>, Vec<_>) =
        made.into_iter().partition(|index| builds && index.is_valid);
    let leftovers: Vec<String> = useless.into_iter().map(|index| index.name).collect();
    let decision = match (current, &facts) {
        _ if !leftovers.is_empty() => Decision::Run(leftovers),
        (None, _) if !valid.is_empty() => {
            return Err(journal.changed(context, entry));
        }
        (Some(_), _) if !valid.is_empty() => Decision::IsDone,
        (Some(StatementKind::NonTransactional(_, Form::DropIndex(name))), Some(facts))
            if !index::is_still_there(facts, name)? =>
        {
            Decision::IsDone
        }
        (Some(StatementKind::NonTransactional(_, Form::Detach(..))), Some(facts)) => {
            match partition::attached(facts)? {
                None => Decision::IsDone,
                Some(attached) if !attached.is_being_detached => Decision::Run(leftovers),
                Some(AttachedPartition { partition, parent, .. }) => Decision::Complete(format!(
                    "ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE"
                )),
            }
        }
        (Some(StatementKind::NonTransactional(_, Form::Named(kind, name, makes))), _)
            if object::exists(*kind, name)? == *makes =>
        {
            Decision::IsDone
        }
        _ => Decision::Run(leftovers),
    };
    transaction::commit()?;
    Ok(decision)
}

/// What there was before, with the OIDs of this database. None: these are not known.
fn present(
    facts: &IndexSnapshot,
    current: Option<&StatementKind>,
) -> Result<Option<IndexSnapshot>> {
    if facts.is_here {
        return Ok(Some(facts.clone()));
    }
    let Some(StatementKind::NonTransactional(_, form)) = current else { return Ok(None) };
    let form = match (form, &facts.expected) {
        (Form::CreateIndex { table, index: None }, ExpectedIndexes::Index(name)) => {
            Form::CreateIndex { table: table.clone(), index: Some(name.clone()) }
        }
        _ => form.clone(),
    };
    let Some(IndexSnapshot { relation, parent, .. }) = index::snapshot(&form)? else {
        return Ok(None);
    };
    Ok(Some(IndexSnapshot { relation, parent, indexes: Vec::new(), ..facts.clone() }))
}

fn check_nobody_builds(context: &ScriptErrorContext, indexes: &[NewIndex]) -> Result<()> {
    match indexes.iter().find_map(|index| Some((index, index.builder?))) {
        None => Ok(()),
        Some((index, process)) => Err(index_in_work(&index.name, process, context)),
    }
}

/// A block that may commit was cut off: only a person can find out how far it came (55000).
fn interrupted(migration: &str, entry: &JournalEntry, arguments: &str) -> Error {
    let JournalEntry { number, command, .. } = entry;
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("statement {number} of {migration} was interrupted, and {command} may have committed a part of its work"),
    )
    .hint(format!("Look at what it has done. SELECT * FROM migrations.mark_statement_done({arguments}); if it is complete; SELECT * FROM migrations.retry({arguments}); to run it again."))
    .of(ErrorKind::Interrupted)
}

/// Another process builds an index that a statement which was cut off has left (55P03).
fn index_in_work(index: &str, process: i32, context: &ScriptErrorContext) -> Error {
    let index = context.mask().hide(index.to_owned());
    Error::new(
        Code::ERRCODE_LOCK_NOT_AVAILABLE,
        format!("index {index} is not valid, and process {process} is at work on its table"),
    )
    .hint("Repeat the call when that session has finished.")
    .at(context.place())
}

//! What has become of a statement that was started, and of which nobody has noted the end.
//!
//! What it has left behind is told by the journal and the catalog alone, since another
//! text may stand in its place by now.

use super::nontransactional::Script;
use crate::catalog::index::{self, NewIndex};
use crate::catalog::object;
use crate::catalog::partition::{self, AttachedPartition};
use crate::error::{Error, Result};
use crate::pg::context::Context;
use crate::pg::parse::{Form, Kind, Statement};
use crate::pg::transaction;
use crate::store::journal::{ExpectedIndexes, IndexSnapshot, JournalEntry};

/// What is to be done about it.
pub enum Decision {
    /// It has run.
    IsDone,
    /// These indexes are what it has left: they are dropped, then what stands in its place
    /// is run.
    Run(Vec<String>),
    /// Its work is completed by another statement.
    Complete(String),
}

/// Decides; `current` is the statement of that number in the text, if it is the same.
/// Afterwards a new transaction is open.
///
/// Errors: it was a block, of which only people can tell how far it came (55000); somebody
/// else builds an index that may be its (55P03); it has run, and was changed (55000).
pub fn decide(
    script: &Script,
    context: &Context,
    entry: &JournalEntry,
    current: Option<&Statement>,
) -> Result<Decision> {
    let migration = || context.label().to_owned();
    if entry.may_commit {
        return Err(Error::Interrupted {
            migration: migration(),
            command: entry.command.clone(),
            statement: entry.number,
            arguments: script.arguments.to_owned(),
        });
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
    // A copy that a REINDEX has left is of no use even if another REINDEX has made it valid.
    let (valid, useless): (Vec<_>, Vec<_>) =
        made.into_iter().partition(|index| builds && index.is_valid);
    let leftovers: Vec<String> = useless.into_iter().map(|index| index.name).collect();
    let decision = match (current, &facts) {
        _ if !leftovers.is_empty() => Decision::Run(leftovers),
        (None, _) if !valid.is_empty() => {
            return Err(Error::ChangedUnderWay {
                migration: migration(),
                statement: entry.number,
                arguments: script.arguments.to_owned(),
                is_down: script.of.direction == "down",
            });
        }
        (Some(_), _) if !valid.is_empty() => Decision::IsDone,
        (Some(Kind::NonTransactional(_, Form::DropIndex(name))), Some(facts))
            if !index::is_still_there(facts, name)? =>
        {
            Decision::IsDone
        }
        (Some(Kind::NonTransactional(_, Form::Detach(..))), Some(facts)) => {
            match partition::attached(facts)? {
                None => Decision::IsDone,
                Some(attached) if !attached.is_being_detached => Decision::Run(leftovers),
                Some(AttachedPartition { partition, parent, .. }) => Decision::Complete(format!(
                    "ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE"
                )),
            }
        }
        (Some(Kind::NonTransactional(_, Form::Named(kind, name, makes))), _)
            if object::exists(*kind, name)? == *makes =>
        {
            Decision::IsDone
        }
        _ => Decision::Run(leftovers),
    };
    transaction::commit()?;
    Ok(decision)
}

/// What there was before, with the numbers of this database. None: it isn't known what they
/// are here.
fn present(facts: &IndexSnapshot, current: Option<&Kind>) -> Result<Option<IndexSnapshot>> {
    if facts.is_here {
        return Ok(Some(facts.clone()));
    }
    let Some(Kind::NonTransactional(_, form)) = current else { return Ok(None) };
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

fn check_nobody_builds(context: &Context, indexes: &[NewIndex]) -> Result<()> {
    match indexes.iter().find_map(|index| Some((index, index.builder?))) {
        None => Ok(()),
        Some((index, process)) => {
            Err(Error::IndexInWork { index: index.name.clone(), process, place: context.place() })
        }
    }
}

//! Deferred constraints between the migrations of one transaction.
//!
//! In a transaction of its own, a migration would have its deferred constraints checked at its
//! end. So they are checked at the end of each migration here, too. An error names the migration
//! that has caused it, and pending trigger events do not prevent the next migration from altering
//! a table. Only constraints with pending checks are set, and by name: SET CONSTRAINTS ALL would
//! also apply to all constraints that later migrations create.

use crate::catalog::constraints::{Deferrable, callers_deferrable};
use crate::error::{Error, Result};
use crate::pg::leftover::{self, ConstraintMode};
use crate::pg::parse::ParsedStatement;
use crate::pg::{constraint, identity};
use crate::store::Store;
use pgrx::PgSqlErrorCode as Code;
use std::collections::HashSet;

/// The triggers of one round may leave checks for the next one. There are at most so many rounds.
const ROUNDS: usize = 100;

/// Runs the checks that the caller has left pending, which no migration has caused. Errors: those
/// of the triggers; the call was made inside a function that has switched the user, so the
/// triggers would run as that user (55000); they leave checks pending without end (54000).
///
/// Before PostgreSQL 18, triggers run as the current user, and not as the one who caused them.
pub fn settle_callers(store: &Store) -> Result<()> {
    if identity::is_switched()
        && constraint::may_be_deferrable()
        && deferrable(store)?.iter().any(Deferrable::is_pending)
    {
        return Err(pending_triggers());
    }
    settle(store)
}

/// Runs the checks that are pending, under the settings of the script that left them. Then defers
/// the constraints again that are declared INITIALLY DEFERRED.
pub fn settle(store: &Store) -> Result<()> {
    // Most databases have no deferrable constraint, and most migrations create none.
    if !constraint::may_be_deferrable() {
        return Ok(());
    }
    let all = deferrable(store)?;
    for _ in 0..ROUNDS {
        let pending: Vec<&Deferrable> = all.iter().filter(|c| c.is_pending()).collect();
        if pending.is_empty() {
            return Ok(());
        }
        constraint::set(&names(&pending), false)?;
        let again: Vec<&Deferrable> = pending.into_iter().filter(|c| c.defer_again).collect();
        let batch = store.open()?;
        constraint::set(&names(&again), true)?;
        batch.close()?;
    }
    Err(endless_triggers())
}

fn deferrable(store: &Store) -> Result<Vec<Deferrable>> {
    look(|| {
        let batch = store.open()?;
        let all = batch.deferrable()?;
        batch.close()?;
        Ok(all)
    })
}

fn look(look: impl FnOnce() -> Result<Vec<Deferrable>>) -> Result<Vec<Deferrable>> {
    // The note comes before the query, so a change between the two is not missed.
    constraint::none_is_deferrable();
    let all = look()?;
    if !all.is_empty() {
        constraint::one_is_deferrable();
    }
    Ok(all)
}

/// Restores the modes that a migration has set. Each constraint gets the mode that the caller has
/// set in this transaction, or the one that it is declared with. Must be called when no checks are
/// pending.
pub fn reset_modes(store: &Store) -> Result<()> {
    let set = leftover::take_modes();
    if set.is_empty() || !constraint::may_be_deferrable() {
        return Ok(());
    }
    let callers = leftover::callers_modes();
    let all = deferrable(store)?;
    let (deferred, immediate): (Vec<_>, Vec<_>) = all
        .iter()
        .filter(|c| set.iter().any(|mode| c.is_meant(mode)))
        .partition(|c| match callers.iter().find(|mode| c.is_meant(mode)) {
            Some(mode) => mode.deferred && c.can_be_deferred,
            None => c.defer_again,
        });
    let batch = store.open()?;
    constraint::set(&names(&immediate), false)?;
    constraint::set(&names(&deferred), true)?;
    batch.close()
}

/// Runs a SET CONSTRAINTS ALL of a script for all existing constraints, by name. The server's own
/// ALL also applies to constraints that are created later, and nothing could undo it.
#[derive(Default)]
pub struct AllModes {
    // The mode, and the number of changes of constraints that were taken into account.
    active: Option<(bool, u64)>,
    known: HashSet<(String, String)>,
}

impl AllModes {
    /// Prepares a statement. False: it is a SET CONSTRAINTS ALL, and there is nothing to do. If a
    /// constraint cannot be named, the statement remains as it is.
    pub fn prepare(&mut self, statement: &ParsedStatement) -> Result<bool> {
        let Some(deferred) = constraint::sets_all(statement).filter(|_| leftover::watches()) else {
            return Ok(true);
        };
        let changes = constraint::changes();
        let all = look(callers_deferrable)?;
        let is_nameable = |c: &Deferrable| if deferred { c.can_be_deferred } else { c.is_usable };
        if !all.iter().all(is_nameable) {
            self.active = None;
            return Ok(true);
        }
        self.active = Some((deferred, changes));
        self.known = all.iter().map(|c| (c.schema.clone(), c.name.clone())).collect();
        if !all.is_empty() {
            constraint::name_all(statement, &names(&all.iter().collect::<Vec<_>>()));
        }
        Ok(!all.is_empty())
    }

    /// Sets the modes of the constraints that the last statement has created.
    pub fn follow(&mut self) -> Result<()> {
        let changes = constraint::changes();
        match self.active {
            Some((deferred, seen)) if seen != changes => {
                self.active = Some((deferred, changes));
                let all = look(callers_deferrable)?;
                let new = all.iter().filter(|c| c.is_usable && (!deferred || c.can_be_deferred));
                let new =
                    new.filter(|c| self.known.insert((c.schema.clone(), c.name.clone()))).collect();
                let new: Vec<&Deferrable> = new;
                constraint::set(&names(&new), deferred)?;
                leftover::note_modes(&names(&new), deferred);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Deferrable {
    fn is_pending(&self) -> bool {
        self.tables.into_iter().any(constraint::is_pending_on)
    }

    fn is_meant(&self, mode: &ConstraintMode) -> bool {
        mode.constraint.as_ref().is_none_or(|(schema, name)| {
            *name == self.name
                && schema
                    .as_ref()
                    .is_none_or(|schema| *schema == self.schema || schema == "pg_temp")
        })
    }
}

fn names<'a>(constraints: &[&'a Deferrable]) -> Vec<(&'a str, &'a str)> {
    let mut names: Vec<_> =
        constraints.iter().map(|c| (c.schema.as_str(), c.name.as_str())).collect();
    names.dedup();
    names
}

/// Triggers of the caller are pending and would run as another user (55000).
fn pending_triggers() -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "cannot run migrations here while deferred triggers are pending",
    )
    .detail("They were queued before a function with SECURITY DEFINER was called, and would run as its owner.")
    .hint("Run SET CONSTRAINTS ALL IMMEDIATE before the function is called, or commit.")
}

/// Deferred triggers have fired each other in too many rounds (54000).
fn endless_triggers() -> Error {
    Error::new(
        Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("deferred triggers are still pending after {ROUNDS} rounds"),
    )
    .hint("Look for triggers that fire each other.")
}

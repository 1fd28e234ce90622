//! Deferred constraints between the migrations of one transaction.
//!
//! In a transaction of its own each migration would have its deferred constraints
//! checked at its end. So they are checked there, too: an error names the migration that
//! caused it, and pending trigger events don't stop the next one from altering a table.
//! Only constraints with checks pending are touched, and by name: SET CONSTRAINTS ALL
//! would rule all constraints that later migrations make, too.

use crate::error::{Error, Result};
use crate::pg::{constraint, identity};
use crate::store::Store;
use crate::store::constraints::Deferrable;

/// Triggers that run in a round may leave checks for another one.
const ROUNDS: usize = 100;

/// Makes the checks that the caller has left pending, which are no migration's doing. Errors:
/// those of its triggers; the call is made inside a function that has switched the user, as
/// whom they would run here (55000); they leave checks pending without end (54000).
///
/// Only before 18 the triggers run as the current user, and not as the one who set them off.
pub fn settle_callers(store: &Store) -> Result<()> {
    if identity::is_switched()
        && constraint::may_be_deferrable()
        && deferrable(store)?.iter().any(Deferrable::is_pending)
    {
        return Err(Error::PendingTriggers);
    }
    settle(store)
}

/// Makes the checks that are pending, under the settings of the body that left them, and
/// defers again what is declared INITIALLY DEFERRED.
pub fn settle(store: &Store) -> Result<()> {
    // Most databases have no deferrable constraint, and most migrations make none.
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
    Err(Error::EndlessTriggers(ROUNDS))
}

fn deferrable(store: &Store) -> Result<Vec<Deferrable>> {
    // First the note, then the look, so that a change in between isn't missed.
    constraint::none_is_deferrable();
    let batch = store.open()?;
    let all = batch.deferrable()?;
    batch.close()?;
    if !all.is_empty() {
        constraint::one_is_deferrable();
    }
    Ok(all)
}

impl Deferrable {
    fn is_pending(&self) -> bool {
        self.tables.into_iter().any(constraint::is_pending_on)
    }
}

fn names<'a>(constraints: &[&'a Deferrable]) -> Vec<(&'a str, &'a str)> {
    let mut names: Vec<_> =
        constraints.iter().map(|c| (c.schema.as_str(), c.name.as_str())).collect();
    names.dedup();
    names
}

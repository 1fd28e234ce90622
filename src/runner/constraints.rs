//! Deferred constraints between the migrations of one transaction.
//!
//! In a transaction of its own each migration would have its deferred constraints
//! checked at its end. So they are checked there, too: an error names the migration that
//! caused it, and pending trigger events don't stop the next one from altering a table.
//! Only constraints with checks pending are touched, and by name: SET CONSTRAINTS ALL
//! would rule all constraints that later migrations make, too.

use crate::error::Result;
use crate::pg::constraint;
use crate::store::Store;
use crate::store::constraints::Deferrable;

/// Triggers that run in a round may leave checks for another one.
const ROUNDS: usize = 100;

/// Makes the checks that are pending, under the settings of the body that left them, and
/// defers again what is declared INITIALLY DEFERRED.
pub fn settle(store: &Store) -> Result<()> {
    // Most databases have no deferrable constraint, and most migrations make none.
    if !constraint::may_be_deferrable() {
        return Ok(());
    }
    // First the note, then the look, so that a change in between isn't missed.
    constraint::none_is_deferrable();
    let batch = store.open()?;
    let all = batch.deferrable()?;
    batch.close()?;
    if !all.is_empty() {
        constraint::one_is_deferrable();
    }
    for _ in 0..ROUNDS {
        let pending: Vec<&Deferrable> =
            all.iter().filter(|c| c.tables.into_iter().any(constraint::is_pending_on)).collect();
        if pending.is_empty() {
            break;
        }
        constraint::set(&names(&pending), false)?;
        let again: Vec<&Deferrable> = pending.into_iter().filter(|c| c.defer_again).collect();
        let batch = store.open()?;
        constraint::set(&names(&again), true)?;
        batch.close()?;
    }
    Ok(())
}

fn names<'a>(constraints: &[&'a Deferrable]) -> Vec<(&'a str, &'a str)> {
    let mut names: Vec<_> =
        constraints.iter().map(|c| (c.schema.as_str(), c.name.as_str())).collect();
    names.dedup();
    names
}

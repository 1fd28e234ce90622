//! Deferred constraints between the migrations of one transaction.
//!
//! In a transaction of its own each migration would have its deferred constraints
//! checked at its end. So they are checked there, too: an error names the migration that
//! caused it, and pending trigger events don't stop the next one from altering a table.

use crate::error::Result;
use crate::pg::constraint;
use crate::store::Store;

/// Makes the checks that are pending, under the settings of the body that left them, and
/// defers again what is declared INITIALLY DEFERRED.
pub fn settle(store: &Store) -> Result<()> {
    // Most databases have no deferrable constraint, and most migrations make none.
    if !constraint::may_be_deferrable() {
        return Ok(());
    }
    let batch = store.open()?;
    let any = batch.any_deferrable()?;
    let deferred = if any { batch.initially_deferred()? } else { Vec::new() };
    batch.close()?;
    if !any {
        constraint::none_is_deferrable();
        return Ok(());
    }
    constraint::set_all_immediate()?;
    let batch = store.open()?;
    constraint::set_deferred(&deferred)?;
    batch.close()
}

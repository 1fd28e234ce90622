//! Ends, after each migration of one transaction, what a commit would end.
//!
//! In a transaction of its own, a migration's cursors and its modes of constraints would end with
//! the transaction, and its ON COMMIT actions would run. This happens after each migration here,
//! too. Only what migrations have made is ended. What the server itself does for a commit concerns
//! the whole session, including what the caller has made.

use super::constraints;
use crate::error::Result;
use crate::pg::cursor::Cursor;
use crate::pg::leftover::{self, Watch};
use crate::store::{Batch, Store};
use std::collections::HashSet;

/// The ends of migrations in one transaction.
pub struct TransactionEnd {
    // The open cursors of the caller.
    callers: HashSet<Cursor>,
    _watch: Watch,
}

impl TransactionEnd {
    /// Begins a run. What exists now belongs to the caller.
    pub fn begin(batch: &Batch) -> Result<TransactionEnd> {
        let callers = batch.cursors(false)?.into_iter().collect();
        Ok(TransactionEnd { callers, _watch: Watch::begin() })
    }

    /// Ends a migration. Must be called as the caller, with no checks of constraints pending.
    /// Error: a cursor WITH HOLD still uses a temporary table (55006).
    pub fn of_migration(&self, store: &Store) -> Result<()> {
        let batch = store.open()?;
        let cursors = batch.cursors(false)?;
        batch.close()?;
        for cursor in cursors.iter().filter(|cursor| !self.callers.contains(cursor)) {
            cursor.close()?;
        }
        leftover::end_temporaries()?;
        constraints::reset_modes(store)
    }
}

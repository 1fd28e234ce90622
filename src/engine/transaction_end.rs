//! What a commit would end, between the migrations of one transaction.
//!
//! In a transaction of its own each migration would have its ON COMMIT actions, its cursors
//! and its modes of constraints end with the transaction. So they end there in a run of many,
//! too. It concerns what migrations have made and nothing else: the server's own work for a
//! commit covers the whole session, and would take the caller's.

use super::constraints;
use crate::error::Result;
use crate::pg::cursor::Cursor;
use crate::pg::leftover::{self, Watch};
use crate::store::{Batch, Store};
use std::collections::HashSet;

/// The ends of the migrations of one transaction.
pub struct TransactionEnd {
    // The cursors that the caller has open.
    callers: HashSet<Cursor>,
    _watch: Watch,
}

impl TransactionEnd {
    /// Begins a run: what is there is the caller's.
    pub fn begin(batch: &Batch) -> Result<TransactionEnd> {
        let callers = batch.cursors(false)?.into_iter().collect();
        Ok(TransactionEnd { callers, _watch: Watch::begin() })
    }

    /// Ends a migration. To be called as the caller, with no checks of constraints pending.
    /// Errors: a temporary table is still in use, by a cursor WITH HOLD (55006).
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

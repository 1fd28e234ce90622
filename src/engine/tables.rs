//! Access to our tables during a run.

use crate::error::Result;
use crate::store::{Batch, Store};
use std::cell::Cell;

/// The tables, as a run uses them. Consecutive uses share one batch, since each batch switches
/// the user and connects to SPI. The run calls [`Tables::release`] before it runs a script of
/// the user's and before it commits.
pub struct Tables<'a> {
    store: &'a Store,
    batch: Cell<Option<Batch<'a>>>,
}

impl<'a> Tables<'a> {
    /// The tables of a store.
    pub fn of(store: &'a Store) -> Tables<'a> {
        Tables { store, batch: Cell::new(None) }
    }

    /// The store, for work that needs a batch of its own.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Does work on the tables as their owner. The batch stays open for the next use. After an
    /// error it does not: the abort of the (sub)transaction restores the user.
    pub fn as_owner<T>(&self, work: impl FnOnce(&Batch) -> Result<T>) -> Result<T> {
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => self.store.open()?,
        };
        let done = work(&batch)?;
        // Batches are closed in the reverse order in which they were opened.
        self.release()?;
        self.batch.set(Some(batch));
        Ok(done)
    }

    /// Closes the open batch, if there is one. The current user is the caller again.
    pub fn release(&self) -> Result<()> {
        match self.batch.take() {
            Some(batch) => batch.close(),
            None => Ok(()),
        }
    }
}

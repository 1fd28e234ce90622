//! What each call that changes something does first.

use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::Batch;
use crate::store::lock::{self, LockMode};
use crate::store::project::Project;
use std::cell::Cell;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a call that runs migrations or changes something is under way in this session.
pub fn is_running() -> bool {
    RUNNING.get()
}

/// A call that changes something is under way in this session. A second one, made by a
/// migration's text, is refused.
pub struct Running(());

impl Running {
    /// Errors: a call is under way (55000); the transaction may not write (25006).
    pub fn enter(call: &'static str) -> Result<Running> {
        let running = Running::look()?;
        if transaction::read_only() {
            return Err(Error::ReadOnly { call, standby: transaction::standby() });
        }
        Ok(running)
    }

    /// The same for a call that runs scripts but changes nothing.
    pub fn look() -> Result<Running> {
        if RUNNING.replace(true) {
            return Err(Error::RunInsideRun);
        }
        Ok(Running(()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(false);
    }
}

/// Takes a project's lock until the transaction ends, and reads the project anew.
///
/// Errors: another session has it (55P03, without waiting); the transaction keeps a
/// snapshot that is older than another session's changes (40001).
pub fn lock_project(batch: &Batch, project: &Project) -> Result<Project> {
    lock(batch, project.id, &project.name, LockMode::Exclusive)?;
    let newest = batch.project(&project.name, View::Newest)?;
    newest.ok_or_else(|| Error::SnapshotTooOld(project.name.clone()))
}

/// Takes a project's lock until the transaction ends. Errors: those of [`lock_project`].
pub fn lock(batch: &Batch, id: i64, project: &str, mode: LockMode) -> Result<()> {
    if !lock::try_lock(id, mode)? {
        let holder = batch.lock_holder(id)?;
        return Err(Error::Busy { project: project.to_owned(), holder, waited: None });
    }
    if mode == LockMode::Exclusive {
        batch.raise_sequences()?;
    }
    // Whoever had the lock before us has recorded what it did.
    if transaction::keeps_its_snapshot()
        && batch.last_seq(id, View::Newest)? != batch.last_seq(id, View::Transaction)?
    {
        return Err(Error::SnapshotTooOld(project.to_owned()));
    }
    Ok(())
}

//! What each call that changes something does first.

use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::{lock, transaction};
use crate::store::Batch;
use crate::store::project::Project;
use std::cell::Cell;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// A call that changes something is under way in this session. A second one, made by a
/// migration's text, is refused.
pub struct Running(());

impl Running {
    /// Errors: a call is under way (55000); the transaction may not write (25006).
    pub fn enter(call: &'static str) -> Result<Running> {
        if RUNNING.get() {
            return Err(Error::RunInsideRun);
        }
        if transaction::read_only() {
            return Err(Error::ReadOnly { call, standby: transaction::standby() });
        }
        RUNNING.set(true);
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
    if !lock::try_lock(project.id)? {
        let holder = batch.lock_holder(project.id)?;
        return Err(Error::Busy { project: project.name.clone(), holder });
    }
    // Whoever had the lock before us has recorded what it did.
    if transaction::keeps_its_snapshot()
        && batch.last_seq(project.id, View::Newest)?
            != batch.last_seq(project.id, View::Transaction)?
    {
        return Err(Error::SnapshotTooOld(project.name.clone()));
    }
    let newest = batch.project(&project.name, View::Newest)?;
    newest.ok_or_else(|| Error::SnapshotTooOld(project.name.clone()))
}

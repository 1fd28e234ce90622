//! What each call that changes something does first.

use super::errors::run_inside_run;
use crate::error::{Error, Result};
use crate::pg::lock::{self, Mode};
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::Batch;
use crate::store::errors;
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;
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
            return Err(read_only(call));
        }
        Ok(running)
    }

    /// The same for a call that runs scripts but changes nothing.
    pub fn look() -> Result<Running> {
        if RUNNING.replace(true) {
            return Err(run_inside_run());
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
    lock(batch, project.id, &project.name, Mode::Exclusive)?;
    let newest = batch.project(&project.name, View::Newest)?;
    newest.ok_or_else(|| errors::snapshot_too_old(&project.name))
}

/// Takes a project's lock until the transaction ends. Errors: those of [`lock_project`].
pub fn lock(batch: &Batch, id: i64, project: &str, mode: Mode) -> Result<()> {
    if !lock::try_lock(id, mode)? {
        let holder = batch.lock_holder(id)?;
        return Err(errors::busy(project, holder, None));
    }
    if mode == Mode::Exclusive {
        batch.raise_sequences()?;
    }
    // Whoever had the lock before us has recorded what it did.
    if transaction::keeps_its_snapshot()
        && batch.last_seq(id, View::Newest)? != batch.last_seq(id, View::Transaction)?
    {
        return Err(errors::snapshot_too_old(project));
    }
    Ok(())
}

/// A run in a read-only transaction, or on a standby (25006).
fn read_only(call: &str) -> Error {
    Error::new(
        Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
        format!("cannot execute {call} in a read-only transaction"),
    )
    .hint(match transaction::standby() {
        true => "This server is a standby: run the call on its primary.",
        false => "Run it in a transaction that may write. Where all of a session's are read-only: SET default_transaction_read_only = off;",
    })
}

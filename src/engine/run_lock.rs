//! The lock of a stepwise run. The session holds it across the transactions of the run.

use super::retry::is_cancel;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::{settings, transaction};
use crate::store::errors;
use crate::store::lock::ProjectLock;
use crate::store::project::Project;
use crate::store::{self, Batch};
use std::time::{Duration, Instant};

/// The lock of a project, held by the session.
pub struct RunLock {
    lock: ProjectLock,
    project: String,
}

/// One try to get a lock.
enum Try {
    Locked(ProjectLock),
    Busy(Project),
    /// `default` has no row, and so no migrations.
    NoProject,
}

impl RunLock {
    /// Takes a project's lock. Waits for another run to end, as long as `migrations.run_wait`
    /// says. None: `default` has no row, and so no migrations.
    pub fn wait(name: &str) -> Result<Option<RunLock>> {
        let end = Instant::now() + settings::run_wait();
        loop {
            let project = match store::with(|tables| try_lock(tables, name, end))? {
                Try::NoProject => return Ok(None),
                Try::Locked(lock) => {
                    return Ok(Some(RunLock { lock, project: name.to_owned() }));
                }
                Try::Busy(project) => project,
            };
            // No snapshot is held while we wait: the other run may build an index.
            transaction::commit()?;
            if let Err(error) = transaction::wait(Duration::from_millis(100)) {
                transaction::abort()?;
                return Err(with_holder(error, &project)?);
            }
        }
    }

    /// Takes the lock for the current transaction, too. Gives the project in its newest state.
    pub fn renew(&self, tables: &Batch) -> Result<Project> {
        let found = tables.project(&self.project, View::Newest)?;
        let project = found.ok_or_else(|| errors::snapshot_too_old(&self.project))?;
        if !self.lock.renew()? {
            let holder = tables.lock_holder(project.id)?;
            return Err(errors::busy(&project.name, holder, None));
        }
        Ok(project)
    }
}

/// Error: the lock is held by another session at the end of the time to wait (55P03).
fn try_lock(tables: &Batch, name: &str, end: Instant) -> Result<Try> {
    let Some(project) = tables.project(name, View::Newest)? else { return Ok(Try::NoProject) };
    if let Some(lock) = ProjectLock::try_lock(project.id)? {
        tables.raise_sequences()?;
        return Ok(Try::Locked(lock));
    }
    if Instant::now() >= end {
        let holder = tables.lock_holder(project.id)?;
        let waited = Some(settings::run_wait());
        return Err(errors::busy(&project.name, holder, waited));
    }
    Ok(Try::Busy(project))
}

/// Adds the holder of the lock to a cancel or a timeout that has ended the wait, if it can be
/// looked up.
fn with_holder(mut error: Error, project: &Project) -> Result<Error> {
    match despite_cancel(|| store::with(|tables| tables.lock_holder(project.id))) {
        Ok(holder) => {
            if let Some(server) = error.server_mut() {
                let name = &project.name;
                server.set_detail(&format!(
                    "Migrations of project \"{name}\" were in use by another session. {holder}"
                ));
            }
        }
        Err(_) => transaction::abort()?,
    }
    Ok(error)
}

/// Does work after an abort. A client's cancel request arrives as two signals, and the second one
/// may come during this work.
pub fn despite_cancel<T>(work: impl Fn() -> Result<T>) -> Result<T> {
    work().or_else(|error| {
        if !is_cancel(&error) {
            return Err(error);
        }
        transaction::abort()?;
        work()
    })
}

//! What a session has at most one of: the call that changes something, and the script that runs.
//! Also the locks of projects.

use super::errors::run_inside_run;
use super::naming::ScriptKind;
use crate::domain::backup::Keeper;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::Batch;
use crate::store::errors;
use crate::store::lock::{self, LockMode};
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;
use std::cell::{Cell, RefCell};

thread_local! {
    // A call that runs migrations or changes something is under way.
    static IS_CALLED: Cell<bool> = const { Cell::new(false) };
    // The script that runs.
    static SCRIPT: RefCell<Option<CurrentScript>> = const { RefCell::new(None) };
}

/// Whether a call that runs migrations or changes something is under way in this session.
pub fn is_running() -> bool {
    IS_CALLED.get()
}

/// A call that changes something. While it is under way, a script cannot make another one.
pub struct CallGuard(());

impl CallGuard {
    /// Errors: such a call is under way (55000); the transaction is read-only (25006).
    pub fn enter(call: &'static str) -> Result<CallGuard> {
        let guard = CallGuard::look()?;
        if transaction::read_only() {
            return Err(read_only(call));
        }
        Ok(guard)
    }

    /// For a call that runs scripts but changes nothing. Error: another one is under way (55000).
    pub fn look() -> Result<CallGuard> {
        if IS_CALLED.replace(true) {
            return Err(run_inside_run());
        }
        Ok(CallGuard(()))
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        IS_CALLED.set(false);
    }
}

/// The script that runs in this session.
#[derive(Clone)]
pub enum CurrentScript {
    /// The up or down script of a migration.
    Migration(Keeper),
    /// A precondition or verify script.
    Condition,
}

impl CurrentScript {
    /// The script that runs. None: no script runs.
    pub fn get() -> Option<CurrentScript> {
        SCRIPT.with_borrow(Clone::clone)
    }
}

/// A script of a migration that runs.
pub struct ScriptGuard(());

impl ScriptGuard {
    /// A script begins.
    pub fn enter(
        kind: ScriptKind,
        project: &str,
        version: Option<&str>,
        name: &str,
    ) -> ScriptGuard {
        let migration = |direction| {
            CurrentScript::Migration(Keeper {
                project: project.to_owned(),
                version: version.map(str::to_owned),
                name: name.to_owned(),
                direction,
            })
        };
        SCRIPT.replace(Some(match kind {
            ScriptKind::Up => migration("up"),
            ScriptKind::Down => migration("down"),
            ScriptKind::Precondition | ScriptKind::Verify => CurrentScript::Condition,
        }));
        ScriptGuard(())
    }
}

impl Drop for ScriptGuard {
    fn drop(&mut self) {
        SCRIPT.take();
    }
}

/// Takes a project's lock until the transaction ends, and reads the project again.
///
/// Errors: another session has the lock, for which this does not wait (55P03); the snapshot of
/// the transaction is older than changes of another session (40001).
pub fn lock_project(tables: &Batch, project: &Project) -> Result<Project> {
    lock(tables, project.id, &project.name, LockMode::Exclusive)?;
    let newest = tables.project(&project.name, View::Newest)?;
    newest.ok_or_else(|| errors::snapshot_too_old(&project.name))
}

/// Takes a project's lock until the transaction ends. Errors: those of [`lock_project`].
pub fn lock(tables: &Batch, id: i64, project: &str, mode: LockMode) -> Result<()> {
    if !lock::try_lock(id, mode)? {
        let holder = tables.lock_holder(id)?;
        return Err(errors::busy(project, holder, None));
    }
    if mode == LockMode::Exclusive {
        tables.raise_sequences()?;
    }
    // The previous holder of the lock has recorded its changes.
    if transaction::keeps_its_snapshot()
        && tables.last_seq(id, View::Newest)? != tables.last_seq(id, View::Transaction)?
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
        false => "Run it in a read-write transaction. If the session's transactions are read-only by default: SET default_transaction_read_only = off;",
    })
}

//! Our tables as Rust values. This folder holds all SQL that reads or changes them.
//!
//! All work on the tables is done as the owner of `migrations.history`, with a search path that
//! finds no object of the caller's. [`Store::as_owner`] begins and ends such work.

pub mod applied;
pub mod errors;
pub mod event;
pub mod journal;
pub mod last_failure;
pub mod lock;
pub mod lock_holder;
pub mod overview;
pub mod own_objects;
pub mod parts;
pub mod project;
pub mod registry;
pub mod requirement;
pub mod run_state;
pub mod script;
pub mod sequence;
pub mod state;

use crate::error::Result;
use crate::pg::identity::Users;
use crate::pg::role::AsRole;
use crate::pg::spi::{Spi, Statement, View};
use own_objects::OwnObjects;
use std::cell::Cell;

thread_local! {
    // Whether our own code is working on the tables. The guard triggers ask for it.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Whether the current change of the tables is made by our own code.
pub fn at_work() -> bool {
    AT_WORK.get()
}

/// Access to the tables during one call.
pub struct Store {
    objects: OwnObjects,
    /// The role of the caller. Scripts run as this role.
    pub caller: String,
}

impl Store {
    /// Finds the tables. Errors: the extension is not installed, or is of another version
    /// than this library (55000).
    pub fn find() -> Result<Store> {
        let objects = OwnObjects::find()?;
        Ok(Store { objects, caller: Users::current().effective_name() })
    }

    /// Prevents other sessions from rewriting the tables until the transaction ends.
    pub fn hold(&self) {
        self.objects.hold();
    }

    /// Does work on the tables as their owner. Afterwards the current user is the caller again;
    /// after an error, the abort of the (sub)transaction restores it.
    pub fn as_owner<T>(&self, work: impl FnOnce(&Batch) -> Result<T>) -> Result<T> {
        let batch = self.open()?;
        let done = work(&batch)?;
        batch.close()?;
        Ok(done)
    }

    /// Begins a batch of work on the tables.
    pub fn open(&self) -> Result<Batch<'_>> {
        let at_work = AtWork::new();
        let (role, spi) = AsRole::enter(self.objects.owner())?;
        Ok(Batch { role, spi, store: self, _at_work: at_work })
    }
}

/// Does work on the tables with a [`Store`] of its own. Errors: those of [`Store::find`].
pub fn with<T>(work: impl FnOnce(&Batch) -> Result<T>) -> Result<T> {
    Store::find()?.as_owner(work)
}

struct AtWork {
    // A trigger of the owner may make a call within a call.
    former: bool,
}

impl AtWork {
    fn new() -> AtWork {
        AtWork { former: AT_WORK.replace(true) }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        AT_WORK.set(self.former);
    }
}

/// A batch of work on the tables.
pub struct Batch<'a> {
    role: AsRole,
    spi: Spi,
    store: &'a Store,
    // Reset by its destructor, so also when an error ends the batch.
    _at_work: AtWork,
}

impl Batch<'_> {
    /// Ends the batch. The current user is the caller again.
    pub fn close(self) -> Result<()> {
        self.role.leave(self.spi)
    }

    /// The SPI connection of the batch, for queries of the catalog.
    pub fn spi(&self) -> &Spi {
        &self.spi
    }

    /// The current time in UTC, in the form that timestamp versions have.
    pub fn utc_timestamp(&self) -> Result<String> {
        const NOW: Statement = Statement {
            sql: "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')",
            types: &[],
        };
        let now = self.spi.run(&NOW, [], View::Caller)?;
        Ok(now.first().map(|row| row.text(0)).unwrap_or_default())
    }

    /// A new identifier for a run.
    pub fn new_run_id(&self) -> Result<RunId> {
        const RUN_ID: Statement = Statement { sql: "SELECT gen_random_uuid()", types: &[] };
        let made = self.spi.run(&RUN_ID, [], View::Caller)?;
        let id = made.first().and_then(|row| row.get::<pgrx::datum::Uuid>(0));
        Ok(RunId(id.map(|id| *id.as_bytes()).unwrap_or_default()))
    }
}

/// The identifier of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub [u8; 16]);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            if matches!(n, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

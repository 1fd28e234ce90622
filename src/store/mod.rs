//! Our tables as Rust values: all SQL against them stands in this folder.
//!
//! Work on the tables is done as the owner of `migrations.history`, with a search path
//! in which nothing of a caller's can be found, in batches between [`Store::open`] and
//! [`Batch::close`].

pub mod applied;
pub mod event;
pub mod journal;
pub mod last_failure;
pub mod lock_holder;
pub mod overview;
pub mod parts;
pub mod project;
pub mod registry;
pub mod requirement;
pub mod run_state;
pub mod script;
pub mod sequence;
pub mod state;

use crate::error::Result;
use crate::pg::identity::{AsOwner, Users};
use crate::pg::integrity::OwnObjects;
use crate::pg::spi::{Spi, Statement, View};
use std::cell::Cell;

thread_local! {
    // Whether our own code is at work on the tables: what their guards ask.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Whether a change of the tables that is under way is our own.
pub fn at_work() -> bool {
    AT_WORK.get()
}

/// Access to the tables during one call.
pub struct Store {
    objects: OwnObjects,
    /// The role that called, as which bodies run.
    pub caller: String,
}

impl Store {
    /// Finds the tables. Errors: the extension isn't installed, or is of another version
    /// than this library (55000).
    pub fn find() -> Result<Store> {
        let objects = OwnObjects::find()?;
        Ok(Store { objects, caller: Users::current().effective_name() })
    }

    /// Keeps others from rewriting the tables until the transaction ends.
    pub fn hold(&self) {
        self.objects.hold();
    }

    /// Begins a batch of work on the tables.
    pub fn open(&self) -> Result<Batch<'_>> {
        let at_work = AtWork::new();
        let (role, spi) = AsOwner::enter(self.objects.owner())?;
        Ok(Batch { role, spi, store: self, _at_work: at_work })
    }
}

/// Does work on the tables in a batch of its own. Errors: those of [`Store::find`].
pub fn with<T>(work: impl FnOnce(&Batch) -> Result<T>) -> Result<T> {
    let store = Store::find()?;
    let batch = store.open()?;
    let done = work(&batch)?;
    batch.close()?;
    Ok(done)
}

struct AtWork {
    // A trigger of the owner's may make a call within a call.
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
    role: AsOwner,
    spi: Spi,
    store: &'a Store,
    // Also ends when an error ends the batch.
    _at_work: AtWork,
}

impl Batch<'_> {
    /// Ends the batch: the caller is itself again.
    pub fn close(self) -> Result<()> {
        self.role.leave(self.spi)
    }

    /// Reads the server's catalog in the batch.
    pub fn spi(&self) -> &Spi {
        &self.spi
    }

    /// The time of the clock in UTC, as timestamps in versions have it.
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

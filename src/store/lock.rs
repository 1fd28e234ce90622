//! The locks of projects, so that there is one run at a time, and of objects that are made once.

use crate::error::Result;
pub use crate::pg::lock::LockMode;
use crate::pg::lock::{self, LockTag};

/// The class of our advisory locks. SQL's own functions have 1 and 2.
pub const CLASS: u16 = 3;

/// The classes of [`RunningMark`] for a migration that is applied, and for one that is rolled back.
pub const RUNNING: [u16; 2] = [1, 2];

/// The key of the lock for making the schema of backups. The keys of projects are positive.
const BACKUPS: i64 = -1;

/// The key of the lock for setting sequences.
pub const SEQUENCES: i64 = -2;

fn tag(key: i64) -> LockTag {
    LockTag::advisory(CLASS, key)
}

/// Takes the lock of a project until the transaction ends, without ever waiting. Who changes the
/// project takes it exclusively; who only needs it to stay as it is takes it shared. False:
/// another session holds it in a mode that conflicts.
pub fn try_lock(project: i64, mode: LockMode) -> Result<bool> {
    lock::try_lock(tag(project), mode)
}

/// Releases the hold of a lock that this call took last: nothing was changed under it. A hold
/// that an earlier call of the transaction took stays.
pub fn release(project: i64) -> Result<()> {
    lock::release(tag(project))
}

/// Takes the lock for making the schema of backups, until the transaction ends. Waits for it.
/// Errors: those of waiting for a lock.
pub fn wait_for_backups() -> Result<()> {
    lock::wait_for(tag(BACKUPS))
}

/// Takes the lock for setting sequences, until it is [released](release). Waits for it. Errors:
/// those of waiting for a lock.
pub fn wait_for_sequences() -> Result<()> {
    lock::wait_for(tag(SEQUENCES))
}

/// The lock of a project across transactions, until this value is dropped. Each transaction has
/// to take it again ([`ProjectLock::renew`]).
#[must_use]
pub struct ProjectLock(lock::SessionLock);

impl ProjectLock {
    /// Takes it, without ever waiting. None: another session holds it.
    pub fn try_lock(project: i64) -> Result<Option<ProjectLock>> {
        let taken = lock::SessionLock::try_lock(tag(project), LockMode::Exclusive)?;
        Ok(taken.map(ProjectLock))
    }

    /// Takes it again if it was lost, and also for the current transaction. False: another session
    /// has taken it meanwhile.
    pub fn renew(&self) -> Result<bool> {
        self.0.renew()
    }
}

/// Shows in `pg_locks` which migration this session runs, until it is dropped.
///
/// All sessions see a lock before anything is committed, whatever their rights, and it ends with
/// the process. So a run that was killed leaves nothing. The tag has the row of the migration and
/// the time, and conflicts with nothing.
#[must_use]
pub struct RunningMark {
    _lock: Option<lock::SessionLock>,
}

impl RunningMark {
    /// Shows a row of the registry, or of the applied state if it is rolled back. `since` is in
    /// seconds of the epoch. Errors: too many locks (53200).
    pub fn show(row: i64, is_down: bool, since: u32) -> Result<RunningMark> {
        let tag = LockTag::user(RUNNING[usize::from(is_down)], (row as u32, since));
        Ok(RunningMark { _lock: lock::SessionLock::try_lock(tag, LockMode::Shared)? })
    }
}

/// The key for the lock of a project that has no row, and so no key, yet. Two names with the same
/// key only exclude each other for a moment.
pub fn name_key(name: &str) -> i64 {
    // FNV-1a; the highest bit but one keeps clear of the keys of rows.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash & 0x3fff_ffff_ffff_ffff | 0x4000_0000_0000_0000) as i64
}

//! The lock of a project: one run at a time. And that of what is made once.
//!
//! Its tag is that of an advisory lock with a class that SQL's functions never use, so
//! that no `pg_advisory_lock()` can take it and no `pg_advisory_unlock_all()` of a body
//! can free it.

use super::{catch::catch, raw};
use crate::error::Result;
use pgrx::pg_sys;

/// SQL's advisory locks have 1 (one bigint) and 2 (two integers) in this place. It is
/// the column objsubid of pg_locks.
pub const CLASS: u16 = 3;

/// The class of [`Running`] for a migration that is applied, and for one that is rolled back, of
/// the type `userlock`.
pub const RUNNING: [u16; 2] = [1, 2];

/// Who else may have the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Nobody: the project is changed.
    Exclusive,
    /// Others that only need the project to stay as it is.
    Shared,
}

/// Takes the lock of a project until the transaction ends, without ever waiting.
/// False: another session holds it in a mode that conflicts.
pub fn try_lock(project: i64, mode: LockMode) -> Result<bool> {
    acquire(project, mode, false, false)
}

/// Gives up the hold of a project's lock that [`try_lock`] took last in this call: nothing was
/// changed under it. A hold that an earlier call of the transaction took stays.
pub fn release(project: i64) -> Result<()> {
    let tag = tag(project);
    let tag = &raw const tag;
    // SAFETY: a valid tag that outlives the call, of a lock that this call holds.
    unsafe { catch(|| raw::LockRelease(tag, EXCLUSIVE, false)) }?;
    Ok(())
}

/// Takes the lock of who makes the schema of backups, until the transaction ends. Waits
/// for it. Errors: those of waiting for a lock.
pub fn wait_for_backups() -> Result<()> {
    // The keys of projects are positive.
    acquire(-1, LockMode::Exclusive, false, true).map(drop)
}

/// The key of who sets sequences.
pub const SEQUENCES: i64 = -2;

/// Takes the lock of who sets sequences, until it is [released](release). Waits for it. Errors:
/// those of waiting for a lock.
pub fn wait_for_sequences() -> Result<()> {
    acquire(SEQUENCES, LockMode::Exclusive, false, true).map(drop)
}

/// The lock of a project across transactions, until this value is dropped.
///
/// A text that calls `pg_advisory_unlock_all()` frees it, whatever its tag is: each
/// transaction has to take it anew ([`SessionLock::renew`]).
#[must_use]
pub struct SessionLock {
    project: i64,
}

impl SessionLock {
    /// Takes it, without ever waiting. None: another session holds it.
    pub fn try_lock(project: i64) -> Result<Option<SessionLock>> {
        let taken = acquire(project, LockMode::Exclusive, true, false)?;
        Ok(taken.then_some(SessionLock { project }))
    }

    /// Takes it again where it was lost, and for the current transaction besides. False:
    /// another session has taken it meanwhile.
    pub fn renew(&self) -> Result<bool> {
        let held = self.is_held();
        Ok((held || acquire(self.project, LockMode::Exclusive, true, false)?)
            && acquire(self.project, LockMode::Exclusive, false, false)?)
    }

    /// Whether this session still holds it.
    fn is_held(&self) -> bool {
        is_held(&tag(self.project), EXCLUSIVE)
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        release_session(&tag(self.project), EXCLUSIVE);
    }
}

/// Says in `pg_locks` which migration this session is at, until it is dropped.
///
/// A lock is seen by all sessions before anything is committed, whatever their rights, and ends
/// with the process. So nothing is left over of a run that was killed. Its tag has the row of
/// the migration and the time, and it conflicts with nothing. Its type is one that the server
/// keeps for libraries, so that it is none among advisory locks.
#[must_use]
pub struct Running {
    tag: pg_sys::LOCKTAG,
}

impl Running {
    /// Says it of a row of the registry, or of the applied state if it is rolled back;
    /// `since` is in seconds of the epoch. Errors: too many locks (53200).
    pub fn say(row: i64, is_down: bool, since: u32) -> Result<Running> {
        let mut tag = tag(row);
        (tag.locktag_field2, tag.locktag_field3) = (row as u32, since);
        tag.locktag_field4 = RUNNING[usize::from(is_down)];
        tag.locktag_type = pg_sys::LockTagType::LOCKTAG_USERLOCK as u8;
        let at = &raw const tag;
        // SAFETY: a valid tag that outlives the call.
        unsafe { catch(|| raw::LockAcquire(at, SHARED, true, true)) }?;
        Ok(Running { tag })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        release_session(&self.tag, SHARED);
    }
}

/// Whether this session holds a lock. (A transaction's hold counts, so it is to be asked when
/// the transaction has none yet.)
fn is_held(tag: &pg_sys::LOCKTAG, mode: pg_sys::LOCKMODE) -> bool {
    // SAFETY: looks into this session's table of locks.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        return pg_sys::LockHeldByMe(tag, mode);
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        return pg_sys::LockHeldByMe(tag, mode, false);
    }
}

/// Gives up what the session still holds of a lock, which a text may have freed.
fn release_session(tag: &pg_sys::LOCKTAG, mode: pg_sys::LOCKMODE) {
    if is_held(tag, mode) {
        let tag = std::ptr::from_ref(tag);
        // SAFETY: held by this session; what is left to be raised is a warning.
        unsafe {
            let _ = catch(|| raw::LockRelease(tag, mode, true));
        }
    }
}

const EXCLUSIVE: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;
const SHARED: pg_sys::LOCKMODE = pg_sys::ShareLock as pg_sys::LOCKMODE;

fn tag(project: i64) -> pg_sys::LOCKTAG {
    // SAFETY: reads the current database's oid.
    let database = unsafe { pg_sys::MyDatabaseId };
    pg_sys::LOCKTAG {
        locktag_field1: database.to_u32(),
        locktag_field2: (project >> 32) as u32,
        locktag_field3: project as u32,
        locktag_field4: CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

fn acquire(project: i64, mode: LockMode, session: bool, wait: bool) -> Result<bool> {
    let tag = tag(project);
    let tag = &raw const tag;
    let mode = match mode {
        LockMode::Exclusive => EXCLUSIVE,
        LockMode::Shared => SHARED,
    };
    // SAFETY: a valid tag that outlives the call.
    let result = unsafe { catch(|| raw::LockAcquire(tag, mode, session, !wait)) }?;
    Ok(result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL)
}

/// The key for the lock of a project that has no row, and so no key, yet. Two names that
/// share one only get in each other's way for a moment.
pub fn name_key(name: &str) -> i64 {
    // FNV-1a; the highest bit but one keeps clear of the keys of rows.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash & 0x3fff_ffff_ffff_ffff | 0x4000_0000_0000_0000) as i64
}

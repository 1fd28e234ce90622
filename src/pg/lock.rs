//! Locks that are no locks of a table: this extension's own, which SQL's functions can't name.
//!
//! A tag is that of an advisory lock with a class that SQL's functions never use, so that no
//! `pg_advisory_lock()` can take it and no `pg_advisory_unlock()` can release it.

use super::{catch::catch, raw};
use crate::error::Result;
use pgrx::pg_sys;

/// Which other sessions may have a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// None.
    Exclusive,
    /// Those that take it in this mode, too.
    Shared,
}

impl LockMode {
    fn raw(self) -> pg_sys::LOCKMODE {
        match self {
            LockMode::Exclusive => pg_sys::ExclusiveLock as pg_sys::LOCKMODE,
            LockMode::Shared => pg_sys::ShareLock as pg_sys::LOCKMODE,
        }
    }
}

/// What a lock is of, in the current database.
#[derive(Debug, Clone, Copy)]
pub struct LockTag(pg_sys::LOCKTAG);

impl LockTag {
    /// Of a number among those of a class. Advisory locks of SQL's functions have the classes 1
    /// and 2. The class is the column `objsubid` of `pg_locks`.
    pub fn advisory(class: u16, key: i64) -> LockTag {
        let fields = ((key >> 32) as u32, key as u32);
        LockTag::new(class, fields, pg_sys::LockTagType::LOCKTAG_ADVISORY)
    }

    /// Of two numbers among those of a class, of the lock type `userlock`. The server keeps the
    /// type for libraries, so it is shown apart from advisory locks.
    pub fn user(class: u16, fields: (u32, u32)) -> LockTag {
        LockTag::new(class, fields, pg_sys::LockTagType::LOCKTAG_USERLOCK)
    }

    fn new(class: u16, fields: (u32, u32), kind: pg_sys::LockTagType::Type) -> LockTag {
        // SAFETY: reads the current database's oid.
        let database = unsafe { pg_sys::MyDatabaseId };
        LockTag(pg_sys::LOCKTAG {
            locktag_field1: database.to_u32(),
            locktag_field2: fields.0,
            locktag_field3: fields.1,
            locktag_field4: class,
            locktag_type: kind as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        })
    }
}

/// Who releases a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// The end of the transaction.
    Transaction,
    /// Its [`SessionLock`].
    Session,
}

/// Takes a lock until the transaction ends, without ever waiting. False: another session holds
/// it in a mode that conflicts.
pub fn try_lock(tag: LockTag, mode: LockMode) -> Result<bool> {
    acquire(tag, mode, Holder::Transaction, false)
}

/// Takes a lock for this session alone until the transaction ends. Waits for it. Errors: those
/// of waiting for a lock.
pub fn wait_for(tag: LockTag) -> Result<()> {
    acquire(tag, LockMode::Exclusive, Holder::Transaction, true).map(drop)
}

/// Releases a hold of a lock that [`try_lock`] or [`wait_for`] took exclusively. An earlier hold
/// of the same transaction stays.
pub fn release(tag: LockTag) -> Result<()> {
    let at = &raw const tag.0;
    let mode = LockMode::Exclusive.raw();
    // SAFETY: a valid tag that outlives the call. The server warns of a lock that isn't held.
    unsafe { catch(|| raw::LockRelease(at, mode, false)) }?;
    Ok(())
}

/// A lock that this session holds across transactions, until this value is dropped.
///
/// `pg_advisory_unlock_all()` releases it, whatever its tag is. So each transaction has to take
/// it again ([`SessionLock::renew`]).
#[must_use]
pub struct SessionLock {
    tag: LockTag,
    mode: LockMode,
}

impl SessionLock {
    /// Takes it, without ever waiting. None: another session holds it in a mode that conflicts.
    pub fn try_lock(tag: LockTag, mode: LockMode) -> Result<Option<SessionLock>> {
        let is_taken = acquire(tag, mode, Holder::Session, false)?;
        Ok(is_taken.then_some(SessionLock { tag, mode }))
    }

    /// Takes it again if it was lost, and also for the current transaction. False: another session
    /// has taken it meanwhile.
    pub fn renew(&self) -> Result<bool> {
        let SessionLock { tag, mode } = *self;
        Ok((is_held(tag, mode) || acquire(tag, mode, Holder::Session, false)?)
            && acquire(tag, mode, Holder::Transaction, false)?)
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // A text may have released it before.
        if is_held(self.tag, self.mode) {
            let (at, mode) = (&raw const self.tag.0, self.mode.raw());
            // SAFETY: a valid tag that outlives the call, of a lock that this session holds. No
            // more than a warning is raised.
            unsafe {
                let _ = catch(|| raw::LockRelease(at, mode, true));
            }
        }
    }
}

/// Whether this session holds a lock. A hold of the transaction counts as well, so a question
/// about the session's is right only while the transaction has none.
fn is_held(tag: LockTag, mode: LockMode) -> bool {
    // SAFETY: looks into this session's table of locks.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        return pg_sys::LockHeldByMe(&tag.0, mode.raw());
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        return pg_sys::LockHeldByMe(&tag.0, mode.raw(), false);
    }
}

fn acquire(tag: LockTag, mode: LockMode, holder: Holder, wait: bool) -> Result<bool> {
    let (at, mode, session) = (&raw const tag.0, mode.raw(), holder == Holder::Session);
    // SAFETY: a valid tag that outlives the call.
    let result = unsafe { catch(|| raw::LockAcquire(at, mode, session, !wait)) }?;
    Ok(result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL)
}

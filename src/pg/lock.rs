//! The lock of a project: one run at a time.
//!
//! Its tag is that of an advisory lock with a class that SQL's functions never use, so
//! that no `pg_advisory_lock()` can take it and no `pg_advisory_unlock_all()` of a body
//! can free it.

use super::catch::catch;
use crate::error::Result;
use pgrx::pg_sys;

unsafe extern "C-unwind" {
    fn LockAcquire(
        tag: *const pg_sys::LOCKTAG,
        mode: pg_sys::LOCKMODE,
        session: bool,
        dont_wait: bool,
    ) -> pg_sys::LockAcquireResult::Type;
}

/// SQL's advisory locks have 1 (one bigint) and 2 (two integers) in this place. It is
/// the column objsubid of pg_locks.
pub const CLASS: u16 = 3;

/// Who else may have the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: the project is changed.
    Exclusive,
    /// Others that only need the project to stay as it is.
    Shared,
}

/// Takes the lock of a project until the transaction ends, without ever waiting.
/// False: another session holds it in a mode that conflicts.
pub fn try_lock(project: i64, mode: Mode) -> Result<bool> {
    // SAFETY: reads the current database's oid.
    let database = unsafe { pg_sys::MyDatabaseId };
    let tag = pg_sys::LOCKTAG {
        locktag_field1: database.to_u32(),
        locktag_field2: (project >> 32) as u32,
        locktag_field3: project as u32,
        locktag_field4: CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    };
    let mode = match mode {
        Mode::Exclusive => pg_sys::ExclusiveLock,
        Mode::Shared => pg_sys::ShareLock,
    } as pg_sys::LOCKMODE;
    let tag = &raw const tag;
    // SAFETY: a valid tag that outlives the call.
    let result = unsafe { catch(|| LockAcquire(tag, mode, false, true)) }?;
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

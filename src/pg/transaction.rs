//! The transaction that a call runs in; and in a procedure, ending it and going on in the
//! next one.

use super::parse::Characteristics;
use super::{catch::catch, raw};
use crate::error::Result;
use pgrx::pg_sys;
use std::sync::atomic::{AtomicU64, Ordering};

/// Commits, and begins the next transaction. To be called by a procedure whose call isn't
/// atomic, with no batch and no nest level of settings open. Afterwards no snapshot is
/// held. An error of the commit leaves a new transaction, too.
pub fn commit() -> Result<()> {
    // SAFETY: what the server's languages do for a COMMIT in a procedure. The connection
    // is ours; it stays after an error, which the server has cleaned up after.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        catch(|| raw::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as core::ffi::c_int))?;
        let done = catch(|| raw::SPI_commit());
        catch(|| raw::SPI_finish())?;
        pg_sys::CurrentMemoryContext = memory;
        Ok(done?)
    }
}

/// Takes back what the transaction has done, after an error, and begins the next one.
pub fn abort() -> Result<()> {
    // SAFETY: the server's own steps after an error of a transaction command; portal and
    // memory of the CALL outlive it. What was the current memory may be that of an SPI
    // connection, which the abort frees.
    unsafe {
        pg_sys::CurrentMemoryContext = pg_sys::PortalContext;
        // The portal of the CALL may have been given a snapshot, which the abort takes away.
        (*pg_sys::ActivePortal).portalSnapshot = core::ptr::null_mut();
        catch(|| {
            raw::AbortCurrentTransaction();
            raw::StartTransactionCommand();
        })?;
        pg_sys::CurrentMemoryContext = pg_sys::PortalContext;
        Ok(())
    }
}

/// Gives the transaction characteristics. To be called before it takes its first snapshot.
/// Errors: the server's, of those that it can't have.
pub fn set(characteristics: &Characteristics) -> Result<()> {
    for element in &characteristics.0 {
        // SAFETY: what the server does for the options of a BEGIN; a node of the parser.
        unsafe {
            let element = *element;
            catch(|| {
                let value = pg_sys::lappend(core::ptr::null_mut(), (*element).arg.cast());
                raw::SetPGVariable((*element).defname, value, true);
            })?;
        }
    }
    Ok(())
}

static COMMITS: AtomicU64 = AtomicU64::new(0);

/// Has the server tell of commits. To be called once, when the library is loaded.
pub fn watch() {
    // SAFETY: a function of this library, which is never unloaded.
    unsafe { pg_sys::RegisterXactCallback(Some(ended), core::ptr::null_mut()) };
}

unsafe extern "C-unwind" fn ended(event: pg_sys::XactEvent::Type, _: *mut core::ffi::c_void) {
    if event == pg_sys::XactEvent::XACT_EVENT_COMMIT {
        COMMITS.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many transactions this session has committed since the library was loaded: tells
/// whether a statement has committed by itself.
pub fn commits() -> u64 {
    COMMITS.load(Ordering::Relaxed)
}

/// Waits, without a snapshot, and acts on cancels meanwhile.
pub fn wait(time: std::time::Duration) -> Result<()> {
    let end = std::time::Instant::now() + time;
    loop {
        // SAFETY: what CHECK_FOR_INTERRUPTS does.
        unsafe {
            catch(|| {
                if pg_sys::InterruptPending != 0 {
                    raw::ProcessInterrupts();
                }
            })?;
        }
        let left = end.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        // SAFETY: this process's latch; the wait ends early when it is set.
        unsafe {
            catch(|| {
                raw::WaitLatch(
                    pg_sys::MyLatch,
                    (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH)
                        as core::ffi::c_int,
                    left.as_millis().max(1) as core::ffi::c_long,
                    pg_sys::PG_WAIT_EXTENSION,
                );
                raw::ResetLatch(pg_sys::MyLatch);
            })?;
        }
    }
}

/// Whether the transaction may not write.
pub fn read_only() -> bool {
    // SAFETY: reads a flag of this process.
    unsafe { pg_sys::XactReadOnly }
}

/// Whether the server is a standby that replays another's log.
pub fn standby() -> bool {
    // SAFETY: reads the state of recovery.
    unsafe { pg_sys::RecoveryInProgress() }
}

/// Whether one snapshot serves the whole transaction (REPEATABLE READ and above).
pub fn keeps_its_snapshot() -> bool {
    // SAFETY: reads a variable of this process.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// The clock's time, in microseconds since 2000-01-01 00:00 UTC.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

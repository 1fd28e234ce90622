//! The transaction that a call runs in. A procedure can end it and continue in the next one.

use super::parse::Characteristics;
use super::{catch::catch, guc, interrupt, memory, raw};
use crate::error::{Error, Result};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::sync::atomic::{AtomicU64, Ordering};

/// Errors: the client's statement isn't a CALL outside of a transaction block, or another
/// language is at work in it, so that its transaction can't end (XX000). Callers have refused
/// that before, with an error for users.
pub(super) fn check_may_end() -> Result<()> {
    // SAFETY: reads the state of this process.
    let is_nested = unsafe { pg_sys::SPI_inside_nonatomic_context() };
    check(!is_nested && is_call())
}

fn check(may_end: bool) -> Result<()> {
    match may_end {
        true => Ok(()),
        false => Err(Error::new(
            Code::ERRCODE_INTERNAL_ERROR,
            "internal error of pg_migrations: the transaction cannot end here",
        )
        .hint("This is a defect of pg_migrations.")),
    }
}

/// Whether the client's statement is a CALL, outside of a transaction block and a
/// subtransaction.
fn is_call() -> bool {
    // SAFETY: reads the state of this process. The active portal is there while it runs. Its
    // command tag stays when an abort of the transaction releases a prepared statement's plan,
    // and with it the list of statements.
    unsafe {
        if pg_sys::IsTransactionBlock() || pg_sys::IsSubTransaction() {
            return false;
        }
        let Some(portal) = pg_sys::ActivePortal.as_ref() else { return false };
        portal.commandTag == pg_sys::CommandTag::CMDTAG_CALL
    }
}

/// Commits, and begins the next transaction: in a procedure, with no batch of statements and no
/// scope of settings open. Afterwards no snapshot is held. An error of the commit leaves a new
/// transaction, too. Errors: those of the commit; the transaction can't end here (XX000).
pub fn commit() -> Result<()> {
    check_may_end()?;
    // SAFETY: what the server's languages do for a COMMIT in a procedure, where the transaction
    // may end. The connection is ours; it stays after an error, which the server has cleaned up
    // after.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        catch(|| raw::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as core::ffi::c_int))?;
        let done = catch(|| raw::SPI_commit());
        catch(|| raw::SPI_finish())?;
        pg_sys::CurrentMemoryContext = memory;
        Ok(done?)
    }
}

/// Rolls back what the transaction has done, after an error, and begins the next one. Errors:
/// the transaction can't end here (XX000).
pub fn abort() -> Result<()> {
    check(is_call())?;
    // SAFETY: the server's own steps after an error of a transaction command. The portal and the
    // memory of the CALL outlive it. The current memory may be that of an SPI connection, which
    // the abort frees.
    unsafe {
        let memory = memory::of_statement();
        pg_sys::CurrentMemoryContext = memory;
        // The portal of the CALL may have been given a snapshot, which the abort takes away.
        (*pg_sys::ActivePortal).portalSnapshot = core::ptr::null_mut();
        catch(|| {
            raw::AbortCurrentTransaction();
            raw::StartTransactionCommand();
        })?;
        pg_sys::CurrentMemoryContext = memory;
        Ok(())
    }
}

/// Gives the transaction characteristics. To be called before it takes its first snapshot.
/// Errors: the server's, of those that it can't have.
pub fn set(characteristics: &Characteristics) -> Result<()> {
    let mut settings = characteristics.0.iter();
    settings.try_for_each(|(name, value)| guc::set_local(name, value))
}

static COMMITS: AtomicU64 = AtomicU64::new(0);

/// Counts commits from now on. To be called once, when the library is loaded.
pub fn watch() {
    // SAFETY: a function of this library, which is never unloaded.
    unsafe { pg_sys::RegisterXactCallback(Some(ended), core::ptr::null_mut()) };
}

unsafe extern "C-unwind" fn ended(event: pg_sys::XactEvent::Type, _: *mut core::ffi::c_void) {
    if event == pg_sys::XactEvent::XACT_EVENT_COMMIT {
        COMMITS.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many transactions this session has committed since the library was loaded. It shows
/// whether a statement has committed by itself.
pub fn commits() -> u64 {
    COMMITS.load(Ordering::Relaxed)
}

/// Waits without a snapshot. Interrupts are acted on meanwhile.
pub fn wait(time: std::time::Duration) -> Result<()> {
    let end = std::time::Instant::now() + time;
    loop {
        interrupt::check()?;
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

//! What kind of transaction a call runs in.

use pgrx::pg_sys;

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

//! The settings of this extension (`migrations.…`), which are defined when the library is loaded.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

static PROJECT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"default"));

static LOCK_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(5_000);
static LOCK_RETRIES: GucSetting<i32> = GucSetting::<i32>::new(5);
static RUN_WAIT: GucSetting<i32> = GucSetting::<i32>::new(10_000);

/// Defines the settings.
pub fn define() {
    GucRegistry::define_string_guc(
        c"migrations.project",
        c"Project of calls that name none.",
        c"A project is a named, independently ordered set of migrations.",
        &PROJECT,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"migrations.lock_timeout",
        c"Longest time that a migration waits for a lock of a table, where lock_timeout isn't set.",
        c"0 turns it off.",
        &LOCK_TIMEOUT,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"migrations.lock_retries",
        c"How often a stepwise run tries a migration again that got no lock.",
        c"After lock_not_available and deadlock_detected, with growing pauses.",
        &LOCK_RETRIES,
        0,
        1000,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"migrations.run_wait",
        c"Longest time that a procedure waits for another run of its project to end.",
        c"Functions never wait.",
        &RUN_WAIT,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    #[cfg(not(feature = "pg14"))]
    // SAFETY: a constant C string; reserves the prefix for the settings above.
    unsafe {
        pgrx::pg_sys::MarkGUCPrefixReserved(c"migrations".as_ptr());
    }
}

/// `migrations.project`; `default` where it is empty.
pub fn project() -> String {
    let name = PROJECT.get().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned())
}

/// `migrations.lock_timeout` in milliseconds, where it is to be set: the session has no
/// `lock_timeout` of its own.
pub fn lock_timeout() -> Option<i32> {
    // SAFETY: reads a setting of this process.
    let session = unsafe { pgrx::pg_sys::LockTimeout };
    Some(LOCK_TIMEOUT.get()).filter(|limit| session == 0 && *limit > 0)
}

/// `migrations.lock_retries`.
pub fn lock_retries() -> u32 {
    LOCK_RETRIES.get().unsigned_abs()
}

/// `migrations.run_wait`.
pub fn run_wait() -> std::time::Duration {
    std::time::Duration::from_millis(RUN_WAIT.get().unsigned_abs().into())
}

/// The session's `lock_timeout`, if it is the one of `migrations.lock_timeout`.
pub fn is_our_lock_timeout() -> Option<i32> {
    // SAFETY: reads a setting of this process.
    let session = unsafe { pgrx::pg_sys::LockTimeout };
    Some(session).filter(|limit| *limit == LOCK_TIMEOUT.get() && *limit > 0)
}

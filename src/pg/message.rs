//! Messages to the client and to the server's log.

use super::{cstring, raw};
use crate::domain::visible::shown;
use core::ffi::c_int;
use pgrx::pg_sys;

/// Sends a NOTICE.
pub fn notice(text: &str) {
    emit(pg_sys::NOTICE as c_int, &shown(text), false);
}

/// Sends a WARNING.
pub fn warning(text: &str) {
    emit(pg_sys::WARNING as c_int, &shown(text), false);
}

/// Writes a LOG line of its own: without the client's statement and without context.
pub fn log(text: &str) {
    emit(pg_sys::LOG as c_int, text, true);
}

fn emit(level: c_int, text: &str, bare: bool) {
    let text = cstring(text);
    let pointer = text.as_ptr();
    // SAFETY: a constant format, a C string that outlives the call. The end of a message is a
    // place where the server acts on a cancel or timeout. Held back here, that happens at the
    // next such place, instead of being lost. Only a lack of memory can still be thrown; the
    // call then continues without the message.
    unsafe {
        let held = pg_sys::InterruptHoldoffCount;
        pg_sys::InterruptHoldoffCount = held + 1;
        let _ = super::catch::catch(|| {
            if raw::errstart(level, core::ptr::null()) {
                raw::errmsg_internal(c"%s".as_ptr(), pointer);
                if bare {
                    raw::errhidestmt(true);
                    raw::errhidecontext(true);
                }
                raw::errfinish(c"pg_migrations".as_ptr(), 0, core::ptr::null());
            }
        });
        pg_sys::InterruptHoldoffCount = held;
    }
}

//! Hides secrets in the server's messages.

use super::{cstring, raw};
use crate::domain::mask::{Mask, Masked};
use core::ffi::{c_char, c_int};
use pgrx::pg_sys::{self, ErrorData};
use std::ffi::CStr;

/// Hides secrets in the message that is being made, before it is sent or logged. The CONTEXT
/// can't be changed here. For an error it is changed once the error was caught; for another
/// message it isn't logged.
///
/// # Safety
/// To be called by a callback of the error machinery, with a copy of the message.
pub(super) unsafe fn in_message(mask: &Mask, data: *mut ErrorData) {
    if mask.is_empty() {
        return;
    }
    // SAFETY: the caller's promise; formats are constant, and texts are copied.
    unsafe {
        if let Some((_, masked)) = masked(mask, (*data).message) {
            raw::errmsg_internal(c"%s".as_ptr(), cstring(&masked.text).as_ptr());
        }
        if let Some((_, masked)) = masked(mask, (*data).detail) {
            raw::errdetail_internal(c"%s".as_ptr(), cstring(&masked.text).as_ptr());
        }
        if let Some((_, masked)) = masked(mask, (*data).detail_log) {
            raw::errdetail_log(c"%s".as_ptr(), cstring(&masked.text).as_ptr());
        }
        if let Some((_, masked)) = masked(mask, (*data).hint) {
            raw::errhint(c"%s".as_ptr(), cstring(&masked.text).as_ptr());
        }
        if let Some((before, masked)) = masked(mask, (*data).internalquery) {
            let position = masked.position(&before, (*data).internalpos.max(1) as usize);
            raw::internalerrquery(cstring(&masked.text).as_ptr());
            if (*data).internalpos > 0 {
                raw::internalerrposition(position as c_int);
            }
        }
        if masked(mask, (*data).context).is_some() {
            raw::errhidecontext(true);
        }
    }
}

/// Hides secrets in an error that was caught.
///
/// # Safety
/// The error must be one that [`raw::CopyErrorData`] has made.
pub(super) unsafe fn in_error(mask: &Mask, data: *mut ErrorData) {
    if mask.is_empty() {
        return;
    }
    // SAFETY: the caller's promise; the copies live in the memory of the error's other fields.
    unsafe {
        let former = pg_sys::MemoryContextSwitchTo((*data).assoc_context);
        if let Some((before, masked)) = masked(mask, (*data).internalquery)
            && (*data).internalpos > 0
        {
            let position = masked.position(&before, (*data).internalpos as usize);
            (*data).internalpos = position as c_int;
        }
        for field in [
            &raw mut (*data).message,
            &raw mut (*data).detail,
            &raw mut (*data).detail_log,
            &raw mut (*data).hint,
            &raw mut (*data).context,
            &raw mut (*data).internalquery,
        ] {
            if let Some((_, masked)) = masked(mask, *field) {
                *field = pg_sys::pstrdup(cstring(&masked.text).as_ptr());
            }
        }
        // The CONTEXT may be shown again, since nothing is left to hide in it.
        (*data).hide_ctx = false;
        pg_sys::MemoryContextSwitchTo(former);
    }
}

/// A field before and after, if it holds a secret.
unsafe fn masked(mask: &Mask, field: *const c_char) -> Option<(String, Masked)> {
    if field.is_null() {
        return None;
    }
    // SAFETY: fields of an ErrorData are null or C strings.
    let before = unsafe { CStr::from_ptr(field) }.to_string_lossy().into_owned();
    mask.apply(&before).map(|masked| (before, masked))
}

//! Catching a server error whole.

use super::raw;
use crate::domain::mask::Mask;
use crate::domain::text::{LONGEST_MESSAGE, bounded};
use crate::error::{Error, Report, ServerError};
use cee_scape::{SigJmpBufFields, call_with_sigsetjmp};
use core::ffi::c_char;
use pgrx::pg_sys;
use std::any::Any;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// An error that the server raised, with all that it carries: position, context,
/// internal query, names of the constraint, table and column concerned.
///
/// It lives in the memory of the client's statement, so that a subtransaction or, in a
/// procedure, the transaction can be rolled back before it is thrown again, unchanged.
#[derive(Debug)]
pub struct Caught {
    data: NonNull<pg_sys::ErrorData>,
}

impl Caught {
    fn data(&self) -> &pg_sys::ErrorData {
        // SAFETY: made by CopyErrorData in the statement's memory, which outlives us.
        unsafe { self.data.as_ref() }
    }

    /// Sets a field to a copy that lives in the context of the error's other fields.
    fn set(&mut self, field: impl Fn(&mut pg_sys::ErrorData) -> &mut *mut c_char, to: &str) {
        // SAFETY: the error is ours, and its context lives as long as it does.
        unsafe {
            let context = pg_sys::MemoryContextSwitchTo(self.data().assoc_context);
            *field(self.data.as_mut()) = pg_sys::pstrdup(super::cstring(to).as_ptr());
            pg_sys::MemoryContextSwitchTo(context);
        }
    }

    /// The error that was caught, as it is in an error of a call. Error: the latter is one of
    /// ours.
    pub(super) fn of(error: Error) -> Result<Caught, Box<Report>> {
        let caught: Box<dyn Any> = error.into_server()?;
        // Nothing else implements the trait.
        caught.downcast().map(|caught| *caught).map_err(|_| Box::default())
    }

    /// The pointer to throw with.
    pub(super) fn into_raw(self) -> *mut pg_sys::ErrorData {
        self.data.as_ptr()
    }
}

impl ServerError for Caught {
    fn code(&self) -> i32 {
        self.data().sqlerrcode
    }

    fn message(&self) -> String {
        match self.data().message {
            message if message.is_null() => String::new(),
            // SAFETY: the field is a C string.
            message => bounded(&unsafe { CStr::from_ptr(message) }.to_string_lossy()),
        }
    }

    fn hide(&mut self, mask: &Mask) {
        // SAFETY: made by CopyErrorData.
        unsafe { super::mask::in_error(mask, self.data.as_ptr()) };
    }

    fn set_detail(&mut self, detail: &str) {
        if self.data().detail.is_null() {
            self.set(|data| &mut data.detail, detail);
        }
    }

    fn add_hint(&mut self, hint: &str) {
        let all = match text(self.data().hint) {
            Some(former) if former.len() > LONGEST_MESSAGE => return,
            Some(former) => format!("{former} {hint}"),
            None => hint.to_owned(),
        };
        self.set(|data| &mut data.hint, &all);
    }

    fn hide_statement(&mut self, sql: &str, instead: &str) {
        if let Some(context) = text(self.data().context)
            && let Some(at) = context.find(sql)
        {
            // The line says in the server's language that it is a statement.
            let (before, after) = (&context[..at], &context[at + sql.len()..]);
            let start = before.rfind('\n').map_or(0, |at| at + 1);
            let rest = after.find('\n').map_or("", |at| &after[at..]);
            self.set(|data| &mut data.context, &format!("{}{instead}{rest}", &before[..start]));
        }
        if text(self.data().internalquery).as_deref() == Some(sql) {
            // SAFETY: the error is ours.
            let data = unsafe { self.data.as_mut() };
            data.internalquery = core::ptr::null_mut();
            data.internalpos = 0;
        }
    }
}

impl From<Caught> for Error {
    fn from(error: Caught) -> Error {
        Error::Server(Box::new(error))
    }
}

fn text(pointer: *const core::ffi::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the fields of an ErrorData are null or C strings.
    let text = unsafe { CStr::from_ptr(pointer) }.to_string_lossy();
    Some(crate::domain::room::owned(&text))
}

/// Runs server code and returns what it gives, or the error that it raised. The same as
/// PG_TRY and PG_CATCH: the transaction must be left, by throwing the error again.
///
/// # Safety
/// The closure is left by a longjmp: it must hold nothing with a destructor, and call
/// functions of [`raw`] (or others that pass a longjmp on), never pgrx's wrapped ones,
/// whose panic must not cross the frame of sigsetjmp.
pub unsafe fn catch<T: Copy>(code: impl FnOnce() -> T) -> Result<T, Caught> {
    // SAFETY: a server process has one thread that runs server code, so the statics are
    // ours. They are put back on both ways out.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let exceptions = pg_sys::PG_exception_stack;
        let callbacks = pg_sys::error_context_stack;
        let mut result = MaybeUninit::<T>::uninit();
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack =
                (buffer as *const SigJmpBufFields).cast_mut().cast::<pg_sys::sigjmp_buf>();
            result.write(code());
            0
        });
        pg_sys::PG_exception_stack = exceptions;
        pg_sys::error_context_stack = callbacks;
        if jumped == 0 {
            return Ok(result.assume_init());
        }
        // A procedure may end the transaction before it throws the error on.
        pg_sys::CurrentMemoryContext = match pg_sys::PortalContext.is_null() {
            true => pg_sys::TopTransactionContext,
            false => pg_sys::PortalContext,
        };
        let data = raw::CopyErrorData();
        raw::FlushErrorState();
        pg_sys::CurrentMemoryContext = context;
        Err(Caught { data: NonNull::new_unchecked(data) })
    }
}

//! The callback of the server's error machinery: it sees each message of a script before it is
//! sent.

use super::{ScriptErrorContext, Stage};
use crate::domain::script;
use crate::domain::text::{KEPT_MESSAGES, bounded};
use crate::pg::{cstring, interrupt, mask, raw};
use core::ffi::{c_int, c_void};
use pgrx::pg_sys::{self, ErrorContextCallback, ErrorData};
use std::ffi::CStr;

/// How many notices of one script are kept; more are counted.
const KEPT: usize = 100;

/// While it lives, the callback of a context is called. Each way out drops it, since a callback
/// left in the list would be called with what is no longer there.
#[must_use]
pub struct AttachedContext<'a> {
    callback: Box<ErrorContextCallback>,
    _context: &'a ScriptErrorContext<'a>,
}

impl<'a> AttachedContext<'a> {
    pub(super) fn new(context: &'a ScriptErrorContext<'a>) -> AttachedContext<'a> {
        let mut callback = Box::new(ErrorContextCallback {
            // SAFETY: reads the head of the list.
            previous: unsafe { pg_sys::error_context_stack },
            callback: Some(callback),
            arg: (context as *const ScriptErrorContext).cast_mut().cast::<c_void>(),
        });
        // SAFETY: the box doesn't move while it is in the list; drop takes it out.
        unsafe { pg_sys::error_context_stack = &mut *callback };
        AttachedContext { callback, _context: context }
    }
}

impl Drop for AttachedContext<'_> {
    fn drop(&mut self) {
        let own: *mut ErrorContextCallback = &mut *self.callback;
        // SAFETY: the entries of the list are there: those of the server's as long as their
        // functions run, and ours until they are taken out here. It is mostly the first one; after
        // an error `catch` may have taken it out.
        unsafe {
            let mut link = &raw mut pg_sys::error_context_stack;
            while !(*link).is_null() && *link != own {
                link = &raw mut (**link).previous;
            }
            if *link == own {
                *link = (*own).previous;
            }
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn callback(argument: *mut c_void) {
    // In a critical section the server must not allocate memory, since a failure would stop the
    // whole server. Messages from there are for its own developers.
    // SAFETY: reads a variable of this process.
    if unsafe { pg_sys::CritSectionCount } > 0 {
        return;
    }
    // SAFETY: attached with a context that outlives its entry in the list.
    let context = unsafe { &*argument.cast::<ScriptErrorContext>() };
    let made = interrupt::quietly(|| {
        let mut line = move_position(context);
        if let Some(in_data) = keep_message(context) {
            context.line.set(Some(in_data));
            line = Some(in_data);
        }
        cstring(&context.describe(line))
    });
    let Some(text) = made else { return };
    // SAFETY: a constant format and a C string. Only a lack of memory could throw here, which
    // would lose the string's few bytes and nothing else.
    unsafe {
        raw::set_errcontext_domain(core::ptr::null());
        raw::errcontext_msg(c"%s".as_ptr(), text.as_ptr());
    }
}

/// Turns a position in the script, which the server has as one in the client's statement, into
/// one in an internal query. Returns the line of the message.
fn move_position(context: &ScriptErrorContext) -> Option<usize> {
    // SAFETY: called by the error machinery, so a message is being made.
    let position = unsafe { pg_sys::geterrposition() };
    if position <= 0 {
        return context.line();
    }
    let Some((offset, line)) = context.locate(position as usize) else { return context.line() };
    if let Stage::Statement { offset: start, end, .. } = context.stage.get()
        && !(start..end).contains(&offset)
    {
        // No place in this statement: it belongs to another text, such as that of a prepared
        // statement that is analyzed again.
        // SAFETY: as above.
        unsafe { pg_sys::errposition(0) };
        return context.line();
    }
    let shown = script::excerpt(context.text(), offset);
    let text = cstring(&shown.text);
    // SAFETY: as above; the text is copied.
    unsafe {
        pg_sys::errposition(0);
        pg_sys::internalerrposition(shown.position as c_int);
        pg_sys::internalerrquery(text.as_ptr());
    }
    context.line.set(Some(line));
    context.line()
}

/// Keeps the message if it is a notice or warning, and hides secrets in it. Returns the line of an
/// error in the data of a COPY.
fn keep_message(context: &ScriptErrorContext) -> Option<usize> {
    // SAFETY: called by the error machinery. The copy is made in the transaction's memory
    // (not in the machinery's own, which the server forbids) and freed at once.
    unsafe {
        let code = pg_sys::geterrcode();
        let scarce = [
            pgrx::PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as c_int,
            pgrx::PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX as c_int,
        ];
        if scarce.contains(&code) {
            return None;
        }
        let former = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
        let data = pg_sys::CopyErrorData();
        if (*data).elevel >= pg_sys::LOG as c_int {
            mask::in_message(context.mask(), data);
        }
        keep_notice(context, &*data);
        let in_data = line_in_data(context, &*data);
        pg_sys::FreeErrorData(data);
        pg_sys::MemoryContextSwitchTo(former);
        in_data
    }
}

fn keep_notice(context: &ScriptErrorContext, data: &ErrorData) {
    let word = match data.elevel as u32 {
        pg_sys::WARNING => "WARNING",
        pg_sys::NOTICE => "NOTICE",
        pg_sys::INFO => "INFO",
        _ => return,
    };
    let mut kept = context.messages.borrow_mut();
    let room = KEPT_MESSAGES.saturating_sub(context.kept.get());
    if kept.len() >= KEPT || room == 0 || data.message.is_null() {
        context.dropped.set(context.dropped.get() + 1);
        return;
    }
    // SAFETY: fields of an ErrorData are null or C strings.
    let message = unsafe { CStr::from_ptr(data.message) }.to_string_lossy().into_owned();
    let message = context.mask().hide(message);
    let message = format!("{word}: {}", bounded(&message));
    context.kept.set(context.kept.get() + message.len());
    kept.push(message);
}

/// The line of the file that a COPY with data has reported in its own CONTEXT, which is
/// `COPY t, line 3, column a`. Another COPY, in a trigger, would come before it.
fn line_in_data(context: &ScriptErrorContext, data: &ErrorData) -> Option<usize> {
    context.data.get()?;
    if data.context.is_null() {
        return None;
    }
    // SAFETY: fields of an ErrorData are null or C strings.
    let reported = unsafe { CStr::from_ptr(data.context) }.to_string_lossy();
    let table = context.copied.borrow();
    let own = &reported[reported.rfind(&format!("COPY {table}, "))?..];
    let own = own.get("COPY ".len() + table.len()..)?;
    let mut numbers = own.split(|c: char| !c.is_ascii_digit());
    let number: usize = numbers.find(|digits| !digits.is_empty())?.parse().ok()?;
    context.data_line()?.checked_add(number)?.checked_sub(1)
}

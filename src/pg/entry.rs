//! Errors at the boundary of every SQL-callable function.
//!
//! An error must reach the user as complete as the server raised it, with its position, CONTEXT
//! and the names of objects. The entry points of pgrx keep less, so ours are made by
//! [`super::call::declare!`]: the C symbol calls [`enter`], which runs the Rust code, drops
//! everything that it made, and only then throws the error.

use super::call::Call;
use super::catch::Caught;
use super::{cstring, interrupt, raw, reserve};
use crate::domain::visible::shown;
use crate::error::{Error, ErrorLocation, Report, Result};
use core::ffi::{c_char, c_int};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::{CaughtError, ErrorReportWithLevel};
use pgrx::pg_sys::{self, Datum, PgTryBuilder};
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

/// Runs the code of a function, and gives its result. An error that it returns, a server error
/// that pgrx turned into a panic, and a Rust panic are thrown as server errors, after all
/// destructors have run.
///
/// # Safety
/// `info` must be the function manager's. An error leaves by a longjmp, so the calling frames
/// up to the server's must hold nothing with a destructor.
pub unsafe fn enter(info: pg_sys::FunctionCallInfo, code: fn(&Call) -> Result<Datum>) -> Datum {
    // SAFETY: the caller's promise.
    let call = unsafe { Call::new(info) };
    reserve::prepare();
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| interrupt::stoppable(|| code(&call))))
        .catch_others(|caught| Err(from_panic(caught)))
        .catch_rust_panic(|caught| Err(from_panic(caught)))
        .execute();
    let thrown = match outcome {
        Ok(datum) => return datum,
        // The report takes memory, too.
        Err(error) => std::panic::catch_unwind(AssertUnwindSafe(|| Thrown::new(error)))
            .unwrap_or(Thrown::OUT_OF_MEMORY),
    };
    // SAFETY: nothing with a destructor is alive: `thrown` holds pointers only.
    unsafe { thrown.throw() }
}

/// An error when all Rust values are dropped.
#[derive(Clone, Copy)]
enum Thrown {
    Server(*mut pg_sys::ErrorData),
    Ours(Raw),
}

#[derive(Clone, Copy)]
struct Raw {
    code: c_int,
    message: *const c_char,
    detail: *const c_char,
    hint: *const c_char,
    context: *const c_char,
    excerpt: *const c_char,
    position: c_int,
}

impl Thrown {
    const OUT_OF_MEMORY: Thrown = Thrown::Ours(Raw {
        code: PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as c_int,
        message: c"out of memory".as_ptr(),
        detail: core::ptr::null(),
        hint: core::ptr::null(),
        context: core::ptr::null(),
        excerpt: core::ptr::null(),
        position: 0,
    });

    fn new(error: Error) -> Thrown {
        let report = match Caught::of(error) {
            Ok(caught) => return Thrown::Server(caught.into_raw()),
            Err(report) => report,
        };
        let Report { code, message, detail, hint, location, .. } = *report;
        // They quote texts of users. (An excerpt stays as it is: the caret counts its characters.)
        let shown = |text: Cow<str>| shown(&text).into_owned();
        let (context, excerpt, position) = match location {
            Some(ErrorLocation { context, excerpt, position, .. }) => {
                (Some(context), Some(excerpt), position)
            }
            None => (None, None, 0),
        };
        Thrown::Ours(Raw {
            code,
            message: copied(Some(shown(message))),
            detail: copied(detail.map(shown)),
            hint: copied(hint.map(shown)),
            context: copied(context.map(|text| shown(text.into()))),
            excerpt: copied(excerpt),
            position,
        })
    }

    /// # Safety
    /// Leaves by a longjmp: no destructor above, up to the server's frame, may be owed.
    unsafe fn throw(self) -> ! {
        // SAFETY: the strings are the server's memory; formats are constant.
        unsafe {
            let e = match self {
                Thrown::Server(data) => {
                    // Until a COPY of ours reads, the server believes that there is no client
                    // (`pg::copy`). Errors of that time are for the client, too.
                    (*data).output_to_client |=
                        pg_sys::whereToSendOutput == pg_sys::CommandDest::DestRemote;
                    raw::ReThrowError(data)
                }
                Thrown::Ours(e) => e,
            };
            raw::errstart(pg_sys::PGERROR as c_int, core::ptr::null());
            raw::errcode(e.code);
            raw::errmsg_internal(c"%s".as_ptr(), e.message);
            if !e.detail.is_null() {
                raw::errdetail_internal(c"%s".as_ptr(), e.detail);
            }
            if !e.hint.is_null() {
                raw::errhint(c"%s".as_ptr(), e.hint);
            }
            if !e.context.is_null() {
                raw::set_errcontext_domain(core::ptr::null());
                raw::errcontext_msg(c"%s".as_ptr(), e.context);
            }
            if !e.excerpt.is_null() {
                raw::internalerrquery(e.excerpt);
                raw::internalerrposition(e.position);
            }
            raw::errfinish(c"pg_migrations".as_ptr(), 0, core::ptr::null());
            // An ERROR does not return. The compiler does not know that.
            std::process::abort()
        }
    }
}

/// The text in the server's current memory context, which the error machinery copies
/// from before it is reset.
fn copied(text: Option<String>) -> *const c_char {
    match text {
        // SAFETY: pstrdup copies a valid C string. Out of memory panics here, as a pgrx
        // wrapper does.
        Some(text) => unsafe { pg_sys::pstrdup(cstring(&text).as_ptr()) },
        None => core::ptr::null(),
    }
}

/// A server error that pgrx has turned into a panic, or a Rust panic (XX000).
fn from_panic(caught: CaughtError) -> Error {
    match caught {
        CaughtError::PostgresError(e) | CaughtError::ErrorReport(e) => from_pgrx(&e),
        CaughtError::RustPanic { ereport, .. } => Error::new(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            format!("internal error of pg_migrations: {}", ereport.message()),
        )
        // Of the path only its end is the same on all machines.
        .detail(format!(
            "It was in {}, line {}.",
            ereport.file().rsplit(['/', '\\']).next().unwrap_or_default(),
            ereport.line_number()
        ))
        .hint("This is a defect of pg_migrations. Nothing was changed."),
    }
}

fn from_pgrx(report: &ErrorReportWithLevel) -> Error {
    let mut error = Error::new(report.sql_error_code(), report.message().to_owned());
    if let Some(detail) = report.detail() {
        error = error.detail(detail.to_owned());
    }
    if let Some(hint) = report.hint() {
        error = error.hint(hint.to_owned());
    }
    error
}

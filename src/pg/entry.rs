//! The boundary of every SQL-callable function.
//!
//! A function's errors must reach the user as complete as the server raised them, so
//! the entry points aren't made by pgrx's macros: [`entry!`] defines the C symbol, and
//! [`enter`] runs the Rust code behind it, drops everything that it made, and only then
//! throws the error.

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

/// Defines a C function (of the version-1 convention) that calls a Rust function, if the
/// extension in the database is of the library's version: another one's declarations may
/// have other arguments. `whatever version`: it has none.
macro_rules! entry {
    ($symbol:ident, $record:ident, $function:path) => {
        $crate::pg::entry::entry!($symbol, $record, |call: &$crate::pg::call::Call| {
            $crate::pg::extension::check_version()?;
            $function(call)
        }, whatever version);
    };
    ($symbol:ident, $record:ident, $function:expr, whatever version) => {
        #[doc = concat!("The C symbol `", stringify!($symbol), "`.")]
        ///
        /// # Safety
        /// Called by the server's function manager alone.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol(
            info: pgrx::pg_sys::FunctionCallInfo,
        ) -> pgrx::pg_sys::Datum {
            // SAFETY: the function manager gives a valid call.
            unsafe { $crate::pg::entry::enter(info, $function) }
        }

        #[doc = concat!("Tells the server how to call `", stringify!($symbol), "`.")]
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C-unwind" fn $record() -> *const pgrx::pg_sys::Pg_finfo_record {
            const RECORD: pgrx::pg_sys::Pg_finfo_record =
                pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &RECORD
        }
    };
}
pub(crate) use entry;

/// Runs the code of a function. Its error, a server error that pgrx turned into a panic,
/// or a Rust panic leave as a server error, after all destructors have run.
///
/// # Safety
/// `info` must be the function manager's.
pub unsafe fn enter(info: pg_sys::FunctionCallInfo, code: fn(&Call) -> Result<Datum>) -> Datum {
    // SAFETY: the caller's promise.
    let call = unsafe { Call::new(info) };
    reserve::prepare();
    let outcome = PgTryBuilder::new(|| interrupt::stoppable(|| code(&call)))
        .catch_others(|caught| Err(from_panic(caught)))
        .catch_rust_panic(|caught| Err(from_panic(caught)))
        .execute();
    let thrown = match outcome {
        Ok(datum) => return datum,
        // What there is no memory for can't be said.
        Err(error) => std::panic::catch_unwind(AssertUnwindSafe(|| Thrown::new(error)))
            .unwrap_or(Thrown::OUT_OF_MEMORY),
    };
    // SAFETY: nothing with a destructor is alive: `thrown` holds pointers only.
    unsafe { thrown.throw() }
}

/// What is left of an error when all Rust values are gone.
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
        // Texts of users are in them. (An excerpt is to be as the caret needs it.)
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
                    // One of a COPY that hadn't begun to read was made while it seemed that
                    // there was no client (see `pg::copy`).
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
            // An ERROR does not return; this line only tells so to the compiler.
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

//! The error of a call.
//!
//! Each error of ours is made by a function in the module that raises it, or in `errors.rs` of
//! its room: SQLSTATE and primary message in the server's style, and where it helps a DETAIL and
//! a HINT that is an action. Errors become server errors at the boundary of a call and nowhere
//! else ([`crate::pg::entry`]).

mod report;
mod server;

use crate::domain::mask::Mask;
use pgrx::PgSqlErrorCode as Code;
pub use report::{ErrorLocation, Kind, Report};
pub use server::ServerError;
use std::borrow::Cow;

/// What a call gives.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a call. Its contents are boxed, since each [`Result`] has room for it.
#[derive(Debug)]
pub struct Error(Source);

#[derive(Debug)]
enum Source {
    // Reaches the user unchanged.
    Server(Box<dyn ServerError>),
    Own(Box<Report>),
}

// Two pointers.
const _: () = assert!(size_of::<Error>() <= 16);

impl Error {
    /// An error with this SQLSTATE and primary message.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Error {
        let report = Report { code: code as i32, message: message.into(), ..Report::default() };
        Error(Source::Own(Box::new(report)))
    }

    /// An error that the server raised.
    pub fn of_server(error: impl ServerError) -> Error {
        Error(Source::Server(Box::new(error)))
    }

    fn with(mut self, change: impl FnOnce(&mut Report)) -> Error {
        if let Source::Own(report) = &mut self.0 {
            change(report);
        }
        self
    }

    /// The error with a DETAIL: full sentences.
    pub fn detail(self, detail: impl Into<Cow<'static, str>>) -> Error {
        self.with(|report| report.detail = Some(detail.into()))
    }

    /// The error with a HINT, in the place of one that it has: full sentences that say what to do.
    pub fn hint(self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.with(|report| report.hint = Some(hint.into()))
    }

    /// The error with one more sentence in its HINT.
    pub fn more_hint(self, more: &str) -> Error {
        self.with(|report| {
            report.hint = Some(match report.hint.take() {
                Some(hint) => format!("{hint} {more}").into(),
                None => more.to_owned().into(),
            });
        })
    }

    /// The error with the place in a migration that it is about.
    pub fn at(self, location: ErrorLocation) -> Error {
        self.with(|report| report.location = Some(location))
    }

    /// The error as one of those that callers distinguish.
    pub fn of(self, kind: Kind) -> Error {
        self.with(|report| report.kind = Some(kind))
    }

    /// What an error of ours says. None: it is the server's.
    pub fn report(&self) -> Option<&Report> {
        match &self.0 {
            Source::Own(report) => Some(report),
            Source::Server(_) => None,
        }
    }

    /// Which of the errors that callers distinguish it is.
    pub fn kind(&self) -> Option<&Kind> {
        self.report()?.kind.as_ref()
    }

    /// The place in a migration that an error of ours is about.
    pub fn location(&self) -> Option<&ErrorLocation> {
        self.report()?.location.as_ref()
    }

    /// The server's error. None: it is one of ours.
    pub fn server(&self) -> Option<&dyn ServerError> {
        match &self.0 {
            Source::Server(error) => Some(error.as_ref()),
            Source::Own(_) => None,
        }
    }

    /// The server's error, to add to it. None: it is one of ours.
    pub fn server_mut(&mut self) -> Option<&mut dyn ServerError> {
        match &mut self.0 {
            Source::Server(error) => Some(error.as_mut()),
            Source::Own(_) => None,
        }
    }

    /// The server's error, to be thrown again. Error: it is one of ours, which says this.
    pub fn into_server(self) -> std::result::Result<Box<dyn ServerError>, Box<Report>> {
        match self.0 {
            Source::Server(error) => Ok(error),
            Source::Own(report) => Err(report),
        }
    }

    /// The SQLSTATE as the server packs it.
    pub fn code(&self) -> i32 {
        match &self.0 {
            Source::Server(error) => error.code(),
            Source::Own(report) => report.code,
        }
    }

    /// SQLSTATE and primary message.
    pub fn summary(&self) -> (String, String) {
        match &self.0 {
            Source::Server(error) => (error.sqlstate(), error.message()),
            Source::Own(report) => (sqlstate_text(report.code), report.message.to_string()),
        }
    }

    /// Hides values in an error of the server's.
    pub fn hide(&mut self, mask: &Mask) {
        if let Some(error) = self.server_mut() {
            error.hide(mask);
        }
    }
}

/// The five characters of a SQLSTATE that the server packs into an integer.
fn sqlstate_text(mut code: i32) -> String {
    let mut letters = String::with_capacity(5);
    for _ in 0..5 {
        letters.push(char::from((code & 0x3f) as u8 + b'0'));
        code >>= 6;
    }
    letters
}

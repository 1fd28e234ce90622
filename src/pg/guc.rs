//! A nest level of settings: what is set within it can be taken back as a whole.
//!
//! The means with which the server itself undoes the SET clauses of a function. Here it
//! is ended as an aborted one is, which takes back plain SET, SET LOCAL, RESET and the
//! role and session user alike.

use super::{catch::catch, cstring, raw};
use crate::error::Result;
use pgrx::pg_sys;

/// An open nest level. Dropped without [`Nest::undo`] it is left to the abort of the
/// transaction, which comes with the error that is under way then.
#[must_use]
pub struct Nest {
    level: core::ffi::c_int,
}

impl Nest {
    /// Opens a level.
    pub fn open() -> Nest {
        // SAFETY: only counts up.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        Nest { level }
    }

    /// Opens a level with these settings in it. Errors: those of [`Nest::set`].
    pub fn with(settings: &[(String, String)]) -> Result<Nest> {
        let nest = Nest::open();
        for (name, value) in settings {
            nest.set(name, value)?;
        }
        Ok(nest)
    }

    /// Sets a setting within the level, with the rights of the current user. Errors: the
    /// server's, of an unknown setting (42704), a value that it can't have (22023), or one
    /// that the user may not set (42501).
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (cstring(name), cstring(value));
        let (name, value) = (name.as_ptr(), value.as_ptr());
        // SAFETY: C strings that outlive the call.
        unsafe {
            let context = match pg_sys::superuser() {
                true => pg_sys::GucContext::PGC_SUSET,
                false => pg_sys::GucContext::PGC_USERSET,
            };
            catch(|| {
                raw::set_config_option(
                    name,
                    value,
                    context,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            })
        }?;
        Ok(())
    }

    /// Ends the level: every setting is as it was when the level was opened.
    pub fn undo(self) -> Result<()> {
        let level = self.level;
        // SAFETY: the level is ours and still open; levels within it go with it.
        unsafe { catch(|| raw::AtEOXact_GUC(false, level)) }?;
        Ok(())
    }
}

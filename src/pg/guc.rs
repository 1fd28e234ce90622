//! A nest level of settings: what is set within it can be taken back as a whole.
//!
//! The means with which the server itself undoes the SET clauses of a function. Here it
//! is ended as an aborted one is, which takes back plain SET, SET LOCAL, RESET and the
//! role and session user alike.

use super::{catch::catch, cstring, memory, raw};
use crate::error::Result;
use pgrx::pg_sys;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};

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

/// All settings that a session can change, as they are at one moment: for scripts whose
/// statements commit, which no nest level outlives.
pub struct Picture {
    settings: Vec<(CString, CString)>,
}

/// Of one transaction, so nothing to put back in another one.
const OF_TRANSACTION: [&CStr; 4] =
    [c"transaction_isolation", c"transaction_read_only", c"transaction_deferrable", c"seed"];

impl Picture {
    /// Takes the picture.
    pub fn take() -> Result<Picture> {
        let memory = memory::Context::new()?;
        let mut settings = Vec::new();
        for variable in variables() {
            // SAFETY: a variable of the server, whose name lasts as long as it does.
            let (name, flags, context) = unsafe {
                (CStr::from_ptr((*variable).name), (*variable).flags, (*variable).context)
            };
            // SAFETY: asks for the current user's rights.
            let hidden =
                flags & pg_sys::GUC_SUPERUSER_ONLY as i32 != 0 && !unsafe { pg_sys::superuser() };
            let settable = [pg_sys::GucContext::PGC_USERSET, pg_sys::GucContext::PGC_SUSET];
            if hidden || !settable.contains(&context) || OF_TRANSACTION.contains(&name) {
                continue;
            }
            let pointer = name.as_ptr();
            // SAFETY: gives a string in the current memory.
            let value = memory.enter(|| unsafe {
                catch(|| raw::GetConfigOptionByName(pointer, core::ptr::null_mut(), true))
            })?;
            if !value.is_null() {
                // SAFETY: a C string, which is copied.
                settings.push((name.to_owned(), unsafe { CStr::from_ptr(value) }.to_owned()));
            }
        }
        Ok(Picture { settings })
    }

    /// Puts back what has changed since. To be called inside a transaction.
    pub fn restore(&self) -> Result<()> {
        let now = Picture::take()?;
        let now: HashMap<&CStr, &CStr> =
            now.settings.iter().map(|(name, value)| (name.as_c_str(), value.as_c_str())).collect();
        let changed = |(name, value): &&(CString, CString)| {
            now.get(name.as_c_str()) != Some(&value.as_c_str())
        };
        // The users first: it is with the former one's rights that the rest is put back.
        let users = [c"session_authorization", c"role"];
        for user in users {
            let former = self.settings.iter().find(|(name, _)| name.as_c_str() == user);
            if let Some((name, value)) = former.filter(changed) {
                set(name, Some(value))?;
            }
        }
        for (name, value) in self.settings.iter().filter(changed) {
            if !users.contains(&name.as_c_str()) {
                set(name, Some(value))?;
            }
        }
        // What was not there before: settings of no library, such as app.tenant.
        let known: HashSet<&CStr> = self.settings.iter().map(|(name, _)| name.as_c_str()).collect();
        for name in now.keys().filter(|name| !known.contains(*name)) {
            set(name, None)?;
        }
        Ok(())
    }
}

/// Sets a setting of the session, whoever may otherwise do so. None: its default.
fn set(name: &CStr, value: Option<&CStr>) -> Result<()> {
    let (name, value) = (name.as_ptr(), value.map_or(core::ptr::null(), CStr::as_ptr));
    // SAFETY: C strings that outlive the call.
    unsafe {
        catch(|| {
            raw::set_config_option(
                name,
                value,
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SET,
                true,
                0,
                false,
            );
        })
    }?;
    Ok(())
}

/// Sets a setting of the session, with the rights of the current user.
pub fn set_session(name: &str, value: &str) -> Result<()> {
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
                pg_sys::GucAction::GUC_ACTION_SET,
                true,
                0,
                false,
            );
        })
    }?;
    Ok(())
}

fn variables() -> Vec<*mut pg_sys::config_generic> {
    // SAFETY: the server's table of settings, of the length that it tells.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let (table, count) = (pg_sys::get_guc_variables(), pg_sys::GetNumConfigOptions());
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        let (table, count) = {
            let mut count = 0;
            (pg_sys::get_guc_variables(&mut count), count)
        };
        std::slice::from_raw_parts(table, count as usize).to_vec()
    }
}

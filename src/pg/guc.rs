//! Settings: reading them, setting them, and scopes that undo all changes at their end.
//!
//! A scope is a nest level of the server, which the server uses to undo the SET clauses of a
//! function. Here it ends like an aborted one, which undoes SET, SET LOCAL, RESET and changes of
//! the role and session user alike.

use super::identity::with_all_rights;
use super::{catch::catch, cstring, memory, raw};
use crate::error::Result;
use pgrx::pg_sys;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};

/// An open scope. If it is dropped without [`GucScope::undo`], an error is being returned, and
/// the abort of the transaction ends the scope.
#[must_use]
pub struct GucScope {
    level: core::ffi::c_int,
}

impl GucScope {
    /// Opens a scope.
    pub fn open() -> GucScope {
        // SAFETY: only counts up.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        GucScope { level }
    }

    /// Opens a scope with these settings in it. Errors: those of [`GucScope::set`].
    pub fn with(settings: &[(String, String)]) -> Result<GucScope> {
        let scope = GucScope::open();
        for (name, value) in settings {
            scope.set(name, value)?;
        }
        Ok(scope)
    }

    /// Sets a setting within the scope, with the rights of the current user. Errors: the setting
    /// is unknown (42704), can't have the value (22023), or the user may not set it (42501).
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        let action = pg_sys::GucAction::GUC_ACTION_SAVE;
        set(&cstring(name), Some(&cstring(value)), rights(), action, OR_FAIL)
    }

    /// Sets a setting within the scope with the rights of a superuser. To be called with values
    /// that no user has chosen. None: the value after a RESET. Errors: the setting can't have the
    /// value (22023).
    pub fn pin(&self, name: &CStr, value: Option<&str>) -> Result<()> {
        pin(name, value, pg_sys::GucAction::GUC_ACTION_SAVE)
    }

    /// Ends the scope: every setting has the value that it had when the scope was opened.
    pub fn undo(self) -> Result<()> {
        let level = self.level;
        // SAFETY: the level is ours and still open; levels within it go with it.
        unsafe { catch(|| raw::AtEOXact_GUC(false, level)) }?;
        Ok(())
    }
}

/// Sets within a scope what statements of ours need: a search_path that finds nothing but the
/// catalog, and the default of each setting by which the caller may have changed what they mean
/// or how they are planned. Errors: those of [`GucScope::set`].
pub fn for_own_statements(scope: &GucScope) -> Result<()> {
    scope.set("search_path", "pg_catalog, pg_temp")?;
    // SAFETY: reads settings of this process. Nearly always all of them have their defaults.
    let differing: [(bool, &str, &str); 16] = unsafe {
        [
            (pg_sys::jit_enabled, "jit", "off"),
            (!pg_sys::standard_conforming_strings, "standard_conforming_strings", "on"),
            (pg_sys::Transform_null_equals, "transform_null_equals", "off"),
            (pg_sys::plan_cache_mode != 0, "plan_cache_mode", "auto"),
            (pg_sys::max_parallel_workers_per_gather != 0, "max_parallel_workers_per_gather", "0"),
            (!pg_sys::enable_seqscan, "enable_seqscan", "on"),
            (!pg_sys::enable_indexscan, "enable_indexscan", "on"),
            (!pg_sys::enable_indexonlyscan, "enable_indexonlyscan", "on"),
            (!pg_sys::enable_bitmapscan, "enable_bitmapscan", "on"),
            (!pg_sys::enable_sort, "enable_sort", "on"),
            (!pg_sys::enable_hashagg, "enable_hashagg", "on"),
            (!pg_sys::enable_nestloop, "enable_nestloop", "on"),
            (!pg_sys::enable_material, "enable_material", "on"),
            (!pg_sys::enable_mergejoin, "enable_mergejoin", "on"),
            (!pg_sys::enable_hashjoin, "enable_hashjoin", "on"),
            (super::raw::is_parallel_forced(), super::raw::FORCED_PARALLEL, "off"),
        ]
    };
    let mut differing = differing.into_iter().filter(|(differs, ..)| *differs);
    differing.try_for_each(|(_, name, value)| scope.set(name, value))
}

/// Sets a setting of the session, with the rights of the current user. Errors: those of
/// [`GucScope::set`].
pub fn set_session(name: &str, value: &str) -> Result<()> {
    let action = pg_sys::GucAction::GUC_ACTION_SET;
    set(&cstring(name), Some(&cstring(value)), rights(), action, OR_FAIL)
}

/// Sets a setting for the current transaction, with the rights of the current user. Errors:
/// those of [`GucScope::set`].
pub(super) fn set_local(name: &CStr, value: &CStr) -> Result<()> {
    set(name, Some(value), rights(), pg_sys::GucAction::GUC_ACTION_LOCAL, OR_FAIL)
}

/// Sets a setting of the session as [`GucScope::pin`] does.
pub fn pin_session(name: &CStr, value: Option<&str>) -> Result<()> {
    pin(name, value, pg_sys::GucAction::GUC_ACTION_SET)
}

fn pin(name: &CStr, value: Option<&str>, action: pg_sys::GucAction::Type) -> Result<()> {
    let value = value.map(cstring);
    set(name, value.as_deref(), pg_sys::GucContext::PGC_SUSET, action, OR_FAIL)
}

/// Whether a setting has a value after a RESET.
pub fn has_default(name: &CStr) -> bool {
    // This costs less than an error that is thrown and caught.
    current(name).is_some()
        && reset(name).is_ok_and(|value| value.is_some_and(|value| !value.is_empty()))
}

/// Whether a setting exists and has a value.
pub fn is_set(name: &CStr) -> bool {
    current(name).is_some_and(|value| !value.is_empty())
}

/// Whether a setting exists and has this value.
pub fn has_value(name: &CStr, value: &str) -> bool {
    current(name).is_some_and(|current| current.to_bytes() == value.as_bytes())
}

/// Whether the session has changed a setting, so that a RESET would have an effect.
/// Errors: only a superuser may see it (42501).
pub fn differs_from_reset(name: &CStr) -> Result<bool> {
    let Some(current) = current(name) else { return Ok(false) };
    Ok(reset(name)?.unwrap_or_default() != current)
}

/// The value after a RESET. None: no value. Errors: there is no such setting (42704), or only a
/// superuser may see it (42501).
fn reset(name: &CStr) -> Result<Option<CString>> {
    let pointer = name.as_ptr();
    // SAFETY: a C string. What is returned is null or a C string, and is copied at once.
    unsafe {
        let value = catch(|| raw::GetConfigOptionResetString(pointer))?;
        Ok((!value.is_null()).then(|| CStr::from_ptr(value).to_owned()))
    }
}

/// Those of these settings whose value for RESET came with the client's connection, by PGOPTIONS
/// or from a driver.
pub fn given_at_connection(names: &[&'static CStr]) -> Vec<&'static CStr> {
    // SAFETY: variables of the server, whose names last as long as they do.
    let given = variables().into_iter().filter_map(|variable| unsafe {
        let is_clients = (*variable).reset_source == pg_sys::GucSource::PGC_S_CLIENT;
        is_clients.then(|| CStr::from_ptr((*variable).name))
    });
    let given: HashSet<&CStr> = given.collect();
    names.iter().copied().filter(|name| given.contains(name)).collect()
}

/// The value of a setting, empty or not. None: there is no such setting.
fn current(name: &CStr) -> Option<CString> {
    let pointer = name.as_ptr();
    // SAFETY: a C string. What is returned is null or a C string, and is copied at once.
    unsafe {
        let value = catch(|| raw::GetConfigOption(pointer, true, false)).ok()?;
        (!value.is_null()).then(|| CStr::from_ptr(value).to_owned())
    }
}

/// The value of a setting. None: there is no such setting, or it is empty.
pub fn value(name: &str) -> Option<String> {
    let name = cstring(name);
    // SAFETY: a C string. What is returned lasts until the setting changes, and is copied.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        let value =
            (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned());
        value.filter(|value| !value.is_empty())
    }
}

/// Whether a library that is loaded has defined a setting. A setting that only has a value in a
/// configuration isn't defined.
pub fn is_defined(name: &str) -> bool {
    let name = cstring(name);
    // SAFETY: variables of the server, whose names last as long as it does.
    variables().into_iter().any(|variable| unsafe {
        CStr::from_ptr((*variable).name) == name.as_c_str()
            && (*variable).flags as u32 & pg_sys::GUC_CUSTOM_PLACEHOLDER == 0
    })
}

/// What the current user may set.
fn rights() -> pg_sys::GucContext::Type {
    // SAFETY: asks for the current user's rights.
    match unsafe { pg_sys::superuser() } {
        true => pg_sys::GucContext::PGC_SUSET,
        false => pg_sys::GucContext::PGC_USERSET,
    }
}

/// A value that can't be set is an error, whose level the server chooses.
const OR_FAIL: core::ffi::c_int = 0;

/// Sets a setting. Without a value it is reset.
fn set(
    name: &CStr,
    value: Option<&CStr>,
    context: pg_sys::GucContext::Type,
    action: pg_sys::GucAction::Type,
    level: core::ffi::c_int,
) -> Result<()> {
    let (name, value) = (name.as_ptr(), value.map_or(core::ptr::null(), CStr::as_ptr));
    let source = pg_sys::GucSource::PGC_S_SESSION;
    // SAFETY: C strings that outlive the call.
    unsafe {
        catch(|| {
            raw::set_config_option(name, value, context, source, action, true, level, false);
        })
    }?;
    Ok(())
}

/// All settings that a session can change, as they are at one moment. It serves scripts whose
/// statements commit, since a scope ends with its transaction.
pub struct GucSnapshot {
    settings: Vec<SavedSetting>,
}

/// A setting in a snapshot.
struct SavedSetting {
    name: CString,
    value: CString,
    // The rights with which the session has set it. None: it has the value for RESET.
    set_with: Option<pg_sys::GucContext::Type>,
}

/// Settings of one transaction, which are not restored in another one.
const OF_TRANSACTION: [&CStr; 4] =
    [c"transaction_isolation", c"transaction_read_only", c"transaction_deferrable", c"seed"];

/// These come first, since the rest is restored with the rights of the former user.
const USERS: [&CStr; 2] = [c"session_authorization", c"role"];

impl GucSnapshot {
    /// Takes the snapshot.
    pub fn take() -> Result<GucSnapshot> {
        // Only superusers may see some of them, but they are restored for all users.
        with_all_rights(GucSnapshot::read)
    }

    fn read() -> Result<GucSnapshot> {
        let memory = memory::Context::new()?;
        let mut settings = Vec::new();
        for variable in variables() {
            // SAFETY: a variable of the server, whose name lasts as long as it does.
            let (name, context, source, set_with) = unsafe {
                let variable = &*variable;
                let name = CStr::from_ptr(variable.name);
                (name, variable.context, variable.source, variable.scontext)
            };
            let settable = [pg_sys::GucContext::PGC_USERSET, pg_sys::GucContext::PGC_SUSET];
            if !settable.contains(&context) || OF_TRANSACTION.contains(&name) {
                continue;
            }
            let pointer = name.as_ptr();
            // SAFETY: returns a string in the current memory.
            let value = memory.enter(|| unsafe {
                catch(|| raw::GetConfigOptionByName(pointer, core::ptr::null_mut(), true))
            })?;
            if !value.is_null() {
                settings.push(SavedSetting {
                    name: name.to_owned(),
                    // SAFETY: a C string, which is copied.
                    value: unsafe { CStr::from_ptr(value) }.to_owned(),
                    set_with: (source == pg_sys::GucSource::PGC_S_SESSION).then_some(set_with),
                });
            }
        }
        Ok(GucSnapshot { settings })
    }

    /// Restores each setting that has changed since. The server warns of one that can't have its
    /// former value any more. To be called inside a transaction.
    pub fn restore(&self) -> Result<()> {
        let now = GucSnapshot::take()?;
        let now: HashMap<&CStr, &CStr> =
            now.settings.iter().map(|s| (s.name.as_c_str(), s.value.as_c_str())).collect();
        let changed: Vec<&SavedSetting> = self
            .settings
            .iter()
            .filter(|s| now.get(s.name.as_c_str()) != Some(&s.value.as_c_str()))
            .collect();
        let is_user = |setting: &&&SavedSetting| USERS.contains(&setting.name.as_c_str());
        for user in USERS {
            if let Some(setting) = changed.iter().find(|s| s.name.as_c_str() == user) {
                setting.put_back()?;
            }
        }
        for setting in changed.iter().filter(|s| !is_user(s)) {
            setting.put_back()?;
        }
        // Settings that did not exist before, such as app.tenant.
        let known: HashSet<&CStr> = self.settings.iter().map(|s| s.name.as_c_str()).collect();
        for name in now.keys().filter(|name| !known.contains(*name)) {
            put_back(name, None, pg_sys::GucContext::PGC_SUSET)?;
        }
        Ok(())
    }
}

impl SavedSetting {
    fn put_back(&self) -> Result<()> {
        match self.set_with {
            // A value keeps the rights of the user who set it.
            Some(context) => put_back(&self.name, Some(&self.value), context),
            None => put_back(&self.name, None, pg_sys::GucContext::PGC_SUSET),
        }
    }
}

/// Sets or resets a setting of the session. A failure is a warning.
fn put_back(name: &CStr, value: Option<&CStr>, context: pg_sys::GucContext::Type) -> Result<()> {
    let level = pg_sys::WARNING as core::ffi::c_int;
    set(name, value, context, pg_sys::GucAction::GUC_ACTION_SET, level)
}

fn variables() -> Vec<*mut pg_sys::config_generic> {
    // SAFETY: the server's table of settings, with the length that the server reports.
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

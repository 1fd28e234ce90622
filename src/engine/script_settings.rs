//! The settings under which the scripts of a project are parsed and run.
//!
//! The meaning of a script must not depend on the session that runs it. So each setting that
//! changes the meaning of SQL, or what it stores, has the value that the project gives it. If the
//! project gives none, it has a fixed value, or the one of the database, the role or the server's
//! configuration. The caller's settings for timeouts, messages, memory, the choice of plans, the
//! role and other libraries (`app.tenant`) remain.

use crate::catalog::defaults;
use crate::domain::search_path;
use crate::error::Result;
use crate::pg::guc::{self, GucScope};
use crate::store::project::Project;
use std::ffi::CStr;

/// Settings that have the same value for all scripts. With another one, parts of SQL have another
/// meaning.
const PINNED: [(&CStr, &str); 5] = [
    (c"standard_conforming_strings", "on"),
    (c"backslash_quote", "safe_encoding"),
    (c"transform_null_equals", "off"),
    (c"array_nulls", "on"),
    (c"xmloption", "content"),
];

/// Settings that have their default in scripts, whatever the caller's client has set.
const DEFAULTED: [&CStr; 25] = [
    // the resolution of names
    c"search_path",
    c"default_tablespace",
    c"temp_tablespaces",
    c"default_table_access_method",
    c"default_toast_compression",
    // the input and output of values
    c"DateStyle",
    c"IntervalStyle",
    c"TimeZone",
    c"timezone_abbreviations",
    c"bytea_output",
    c"xmlbinary",
    c"extra_float_digits",
    c"lc_monetary",
    c"lc_numeric",
    c"lc_time",
    c"default_text_search_config",
    c"quote_all_identifiers",
    // checks, triggers and row security
    c"check_function_bodies",
    c"row_security",
    c"session_replication_role",
    c"event_triggers",
    c"gin_fuzzy_search_limit",
    c"password_encryption",
    c"createrole_self_grant",
    c"icu_validation_level",
];

/// Settings of a library that have their default in scripts. If the library is not loaded yet, a
/// value that was set waits for it. Then the setting gets the default that the library will give.
const OF_LIBRARY: [(&CStr, &str); 3] = [
    (c"plpgsql.variable_conflict", "error"),
    (c"plpgsql.check_asserts", "on"),
    (c"plpgsql.extra_errors", "none"),
];

/// Settings that the parser uses. Only these are needed while scripts are checked as the owner of
/// our tables. The others need the caller's privileges.
const OF_PARSER: [&CStr; 3] =
    [c"standard_conforming_strings", c"backslash_quote", c"escape_string_warning"];

/// Settings, in the order in which they are set.
pub struct ScriptSettings {
    /// Those that get their default. None: the one that RESET gives.
    defaulted: Vec<(&'static CStr, Option<String>)>,
    /// Those that get a fixed value.
    pinned: Vec<(&'static CStr, &'static str)>,
    /// Those of the project.
    project: Vec<(String, String)>,
}

impl ScriptSettings {
    /// The settings for the scripts of a project, as far as the session has other values. None:
    /// the project is `default` and has no row.
    pub fn of(project: Option<&Project>) -> Result<ScriptSettings> {
        ScriptSettings::among(project, |_| true)
    }

    /// The settings that the parser uses for such scripts.
    pub fn of_parser(project: Option<&Project>) -> Result<ScriptSettings> {
        ScriptSettings::among(project, |name| OF_PARSER.iter().any(|known| is(known, name)))
    }

    /// The settings that the parser uses, and the search_path.
    pub fn of_names(project: Option<&Project>) -> Result<ScriptSettings> {
        ScriptSettings::among(project, |name| {
            is(c"search_path", name) || OF_PARSER.iter().any(|known| is(known, name))
        })
    }

    fn among(project: Option<&Project>, is_meant: impl Fn(&str) -> bool) -> Result<ScriptSettings> {
        let settings = project.map_or(&[][..], |project| &project.settings);
        let is_ours = |name: &CStr| {
            name.to_str().is_ok_and(&is_meant) && !settings.iter().any(|(own, _)| is(name, own))
        };
        let (loaded, waiting): (Vec<_>, Vec<_>) =
            OF_LIBRARY.into_iter().partition(|(name, _)| guc::has_default(name));
        let waiting = waiting.into_iter().filter(|(name, _)| guc::is_set(name));
        let defaulted = DEFAULTED.into_iter().chain(loaded.into_iter().map(|(name, _)| name));
        let defaulted = defaulted.filter(|name| is_ours(name));
        let pinned = PINNED.into_iter().chain(waiting).filter(|(name, _)| is_ours(name));
        let own = settings.iter().filter(|(name, _)| is_meant(name));
        Ok(ScriptSettings {
            defaulted: defaults::changed(&DEFAULTED, &defaulted.collect::<Vec<_>>())?,
            pinned: pinned.filter(|(name, value)| !guc::has_value(name, value)).collect(),
            project: own.map(|(name, value)| (name.clone(), with_temporary(name, value))).collect(),
        })
    }

    /// Sets them in a new nest level. Errors: those of [`GucScope::set`].
    pub fn nest(&self) -> Result<GucScope> {
        let nest = GucScope::open();
        for (name, value) in &self.defaulted {
            nest.pin(name, value.as_deref())?;
        }
        for (name, value) in &self.pinned {
            nest.pin(name, Some(value))?;
        }
        for (name, value) in &self.project {
            nest.set(name, value)?;
        }
        Ok(nest)
    }

    /// Sets them for the session. Errors: those of [`GucScope::set`].
    pub fn set_session(&self) -> Result<()> {
        for (name, value) in &self.defaulted {
            guc::pin_session(name, value.as_deref())?;
        }
        for (name, value) in &self.pinned {
            guc::pin_session(name, Some(value))?;
        }
        for (name, value) in &self.project {
            guc::set_session(name, value)?;
        }
        Ok(())
    }
}

/// Whether two names name the same setting.
fn is(one: &CStr, other: &str) -> bool {
    one.to_bytes().eq_ignore_ascii_case(other.as_bytes())
}

/// The value of a setting. A search_path gets temporary objects last, unless it names them. So no
/// temporary table of the caller hides a table of the project.
fn with_temporary(name: &str, value: &str) -> String {
    match name {
        "search_path" => search_path::with_temporary_last(value),
        _ => value.to_owned(),
    }
}

//! The settings under which the texts of a project are read and run.
//!
//! What a text means must not depend on the session that runs it. So each setting that
//! changes what SQL means, or what it stores, has the value that the project gives it. Where
//! the project gives none, it has a fixed value, or that of the database, the role or the
//! server's configuration. Timeouts, messages, memory, the choice
//! of plans, the role and settings of other libraries (`app.tenant`) stay the caller's.

use crate::catalog::defaults;
use crate::domain::search_path;
use crate::error::Result;
use crate::pg::guc::{self, GucScope};
use crate::store::project::Project;
use std::ffi::CStr;

/// Settings with one value for all texts: in another one, parts of SQL mean something else.
const PINNED: [(&CStr, &str); 5] = [
    (c"standard_conforming_strings", "on"),
    (c"backslash_quote", "safe_encoding"),
    (c"transform_null_equals", "off"),
    (c"array_nulls", "on"),
    (c"xmloption", "content"),
];

/// Settings that have their default in a text, whatever the caller's client has set.
const DEFAULTED: [&CStr; 25] = [
    // where names lead
    c"search_path",
    c"default_tablespace",
    c"temp_tablespaces",
    c"default_table_access_method",
    c"default_toast_compression",
    // how values are read and written
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
    // what is checked, and what runs along
    c"check_function_bodies",
    c"row_security",
    c"session_replication_role",
    c"event_triggers",
    c"gin_fuzzy_search_limit",
    c"password_encryption",
    c"createrole_self_grant",
    c"icu_validation_level",
];

/// The same of a library, which may not be loaded yet: a value that was set before waits for
/// it. Then they have no default, but the value that the library will give.
const OF_LIBRARY: [(&CStr, &str); 3] = [
    (c"plpgsql.variable_conflict", "error"),
    (c"plpgsql.check_asserts", "on"),
    (c"plpgsql.extra_errors", "none"),
];

/// Settings by which the parser reads. While texts are checked nobody is at work, so that
/// the others, which need the caller's rights, wait until then.
const OF_PARSER: [&CStr; 3] =
    [c"standard_conforming_strings", c"backslash_quote", c"escape_string_warning"];

/// Settings to make, in their order.
pub struct Surroundings {
    /// Those that get their default; None: the one that RESET gives.
    defaulted: Vec<(&'static CStr, Option<String>)>,
    /// Those that get a value of ours.
    pinned: Vec<(&'static CStr, &'static str)>,
    /// Those of the project.
    project: Vec<(String, String)>,
}

impl Surroundings {
    /// Those of the texts of a project, as far as the session has something else. None: of
    /// `default`, which has no row.
    pub fn of(project: Option<&Project>) -> Result<Surroundings> {
        Surroundings::among(project, |_| true)
    }

    /// Those by which the parser reads such texts.
    pub fn of_parser(project: Option<&Project>) -> Result<Surroundings> {
        Surroundings::among(project, |name| OF_PARSER.iter().any(|known| is(known, name)))
    }

    /// The same, and the search_path by which they name things.
    pub fn of_names(project: Option<&Project>) -> Result<Surroundings> {
        Surroundings::among(project, |name| {
            is(c"search_path", name) || OF_PARSER.iter().any(|known| is(known, name))
        })
    }

    fn among(project: Option<&Project>, is_meant: impl Fn(&str) -> bool) -> Result<Surroundings> {
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
        Ok(Surroundings {
            defaulted: defaults::changed(&DEFAULTED, &defaulted.collect::<Vec<_>>())?,
            pinned: pinned.filter(|(name, value)| !guc::has_value(name, value)).collect(),
            project: own.map(|(name, value)| (name.clone(), with_temporary(name, value))).collect(),
        })
    }

    /// Opens a nest level of settings with them. Errors: those of [`GucScope::set`].
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

    /// Makes them settings of the session. Errors: those of [`GucScope::set`].
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

/// Whether two names are of one setting.
fn is(one: &CStr, other: &str) -> bool {
    one.to_bytes().eq_ignore_ascii_case(other.as_bytes())
}

/// A value of a setting: a search_path with temporary objects last, unless it names them. So
/// no temporary table of the caller's hides a table of the project's.
fn with_temporary(name: &str, value: &str) -> String {
    match name {
        "search_path" => search_path::with_temporary_last(value),
        _ => value.to_owned(),
    }
}

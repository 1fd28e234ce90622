//! Every SQL-callable function and nothing else: arguments in, one call, rows out.

pub mod backup;
pub mod bundle;
pub mod guard;
pub mod look;
pub mod register;
pub mod repair;
pub mod run;
pub mod schedule;

use crate::domain::requirement;
use crate::domain::script::shorten;
use crate::domain::version::{MAX_LENGTH, Version};
use crate::domain::visible;
use crate::engine::errors::invalid_version;
use crate::engine::request::Scope;
use crate::error::Result;
use crate::pg::argument;
use crate::pg::call::Call;
use crate::pg::settings;
use crate::registry::errors::invalid_name;

/// The argument `project`: NULL is the setting `migrations.project`.
fn project(call: &Call, n: usize) -> Result<String> {
    let name = call.text(n).unwrap_or_else(settings::project);
    check_project(&name)?;
    Ok(name)
}

/// A project's name stands before a colon in requirements.
fn check_project(name: &str) -> Result<()> {
    let why = visible::defect(name);
    if why.is_some()
        || name.len() > MAX_LENGTH
        || name == requirement::EXTENSION
        || name.contains(':')
    {
        return Err(invalid_name(
            "project name",
            name,
            why,
            format!(
                "Use a name of at most {MAX_LENGTH} bytes without colons and control characters, such as billing; extension is taken."
            ),
        ));
    }
    Ok(())
}

/// Which pending migrations a call means.
fn scope<'a>(target: Option<&'a Version>, only: Option<&'a Version>) -> Result<Scope<'a>> {
    match (target, only) {
        (None, None) => Ok(Scope::All),
        (Some(target), None) => Ok(Scope::Target(target)),
        (None, Some(only)) => Ok(Scope::Only(only)),
        (Some(_), Some(_)) => Err(argument::invalid(
            "target and only_version cannot both be given",
            "Name a target to apply all up to it, or only_version for one with what it requires.",
        )),
    }
}

/// A version that a call names.
fn version(text: &str) -> Result<Version> {
    Version::parse(text).map_err(|why| invalid_version(shorten(text), why))
}

//! What arguments mean beyond their types in SQL.

use crate::domain::moment::Moment;
use crate::domain::requirement;
use crate::domain::script::prepare::Syntax;
use crate::domain::script::shorten;
use crate::domain::text::quoted;
use crate::domain::version::{MAX_LENGTH, Version};
use crate::domain::visible;
use crate::engine::errors::invalid_version;
use crate::engine::request::Scope;
use crate::error::{Error, Result};
use crate::importers::{IMPORTERS, Importer, by_name};
use crate::pg::argument;
use crate::pg::call::Argument;
use crate::pg::settings;
use crate::registry::errors::invalid_name;
use std::collections::HashSet;

/// The name of a project. NULL is the setting `migrations.project`.
pub struct Project(String);

impl Project {
    /// The project of this name. Errors: it cannot be a name (22023).
    pub fn named(name: String) -> Result<Project> {
        // In requirements, a name is followed by a colon.
        let why = visible::defect(&name);
        if why.is_some()
            || name.len() > MAX_LENGTH
            || name == requirement::EXTENSION
            || name.contains(':')
        {
            return Err(invalid_name(
                "project name",
                &name,
                why,
                format!(
                    "Use a name of at most {MAX_LENGTH} bytes without colons and control characters, such as billing; extension is taken."
                ),
            ));
        }
        Ok(Project(name))
    }

    /// The name.
    pub fn into_name(self) -> String {
        self.0
    }
}

impl std::ops::Deref for Project {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Argument for Project {
    type Sql = String;

    fn decode(name: Option<String>, _: &'static str) -> Result<Project> {
        Project::named(name.unwrap_or_else(settings::project))
    }
}

impl Argument for Version {
    type Sql = String;

    fn decode(text: Option<String>, name: &'static str) -> Result<Version> {
        Option::<Version>::decode(text, name)?.ok_or_else(|| argument::null(name))
    }
}

impl Argument for Option<Version> {
    type Sql = String;

    fn decode(text: Option<String>, _: &'static str) -> Result<Option<Version>> {
        let Some(text) = text else { return Ok(None) };
        let parsed = Version::parse(&text);
        parsed.map(Some).map_err(|why| invalid_version(shorten(&text), why))
    }
}

/// Which pending migrations the arguments `target` and `only_version` mean. Errors: both are
/// given (22023).
pub fn scope<'a>(target: Option<&'a Version>, only: Option<&'a Version>) -> Result<Scope<'a>> {
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

/// What a migration requires, each once. NULL: nothing.
pub struct Requires(pub Vec<String>);

impl Argument for Requires {
    type Sql = Vec<String>;

    fn decode(requires: Option<Vec<String>>, _: &'static str) -> Result<Requires> {
        let mut requires = requires.unwrap_or_default();
        let mut seen = HashSet::new();
        requires.retain(|text| seen.insert(text.clone()));
        Ok(Requires(requires))
    }
}

/// What happens when a precondition does not hold: `error`, `skip` or `mark`.
pub struct OnFail(pub String);

impl Argument for OnFail {
    type Sql = String;

    fn decode(word: Option<String>, name: &'static str) -> Result<OnFail> {
        let word = word.ok_or_else(|| argument::null(name))?;
        match ["error", "skip", "mark"].contains(&word.as_str()) {
            true => Ok(OnFail(word)),
            false => Err(invalid(name, &word, "Use error, skip or mark.")),
        }
    }
}

impl Argument for Moment {
    type Sql = String;

    fn decode(word: Option<String>, name: &'static str) -> Result<Moment> {
        let word = word.ok_or_else(|| argument::null(name))?;
        Moment::parse(&word).ok_or_else(|| invalid(name, &word, "Use changed, before or after."))
    }
}

/// Whether migrations may be applied out of order: `allow` or `error`. None: as it is.
pub struct OutOfOrder(pub Option<bool>);

impl Argument for OutOfOrder {
    type Sql = String;

    fn decode(word: Option<String>, name: &'static str) -> Result<OutOfOrder> {
        match word.as_deref() {
            None => Ok(OutOfOrder(None)),
            Some("error") => Ok(OutOfOrder(Some(false))),
            Some("allow") => Ok(OutOfOrder(Some(true))),
            Some(other) => Err(invalid(name, other, "Use error or allow.")),
        }
    }
}

impl Argument for Option<Syntax> {
    type Sql = String;

    fn decode(word: Option<String>, name: &'static str) -> Result<Option<Syntax>> {
        let Some(word) = word else { return Ok(None) };
        let syntax = Syntax::parse(&word);
        syntax.map(Some).ok_or_else(|| invalid(name, &word, "Use none, ${x} or :x."))
    }
}

impl Argument for Option<&'static dyn Importer> {
    type Sql = String;

    fn decode(name: Option<String>, _: &'static str) -> Result<Option<&'static dyn Importer>> {
        let Some(name) = name else { return Ok(None) };
        let convention = by_name(&name).ok_or_else(|| {
            let known: Vec<&str> = IMPORTERS.iter().map(|known| known.name()).collect();
            argument::invalid(
                format!("unknown convention {}", quoted(&name)),
                format!("Use one of these: {}.", known.join(", ")),
            )
        })?;
        Ok(Some(convention))
    }
}

fn invalid(name: &'static str, value: &str, hint: &str) -> Error {
    argument::invalid(
        format!("invalid value for argument \"{name}\": \"{value}\""),
        hint.to_owned(),
    )
}

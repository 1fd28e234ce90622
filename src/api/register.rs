//! Functions that register migrations.

use super::{project, version};
use crate::domain::moment::Moment;
use crate::domain::script::prepare::Syntax;
use crate::domain::text::quoted;
use crate::domain::version::MAX_LENGTH;
use crate::error::Result;
use crate::importers::limits::check_paths;
use crate::importers::{IMPORTERS, Options, by_name};
use crate::pg::argument;
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use crate::registry::errors::problem;
use crate::registry::loading::{FileResult, LoadRequest};
use crate::registry::{configuration, loading, registration, removal, validation};
use crate::store::project::Configuration;
use crate::store::registry::Content;
use pgrx::pg_sys::Datum;
use std::collections::HashSet;

entry!(migrations_add, pg_finfo_migrations_add, add);
entry!(migrations_add_repeatable, pg_finfo_migrations_add_repeatable, add_repeatable);
entry!(migrations_add_file, pg_finfo_migrations_add_file, add_file);
entry!(migrations_add_files, pg_finfo_migrations_add_files, add_files);
entry!(migrations_load, pg_finfo_migrations_load, load);
entry!(migrations_remove, pg_finfo_migrations_remove, remove);
entry!(migrations_remove_repeatable, pg_finfo_migrations_remove_repeatable, remove_repeatable);
entry!(migrations_set_project, pg_finfo_migrations_set_project, set_project);
entry!(migrations_set_variable, pg_finfo_migrations_set_variable, set_variable);

/// `add(version, name, up, down, project, requires, precondition, verify, transactional,
/// on_fail, replace)`: what was done, as text.
fn add(call: &Call) -> Result<Datum> {
    let version = version(&call.required(0, "version")?)?;
    let name = call.required(1, "name")?;
    validation::check_name(&name)?;
    let up = call.required(2, "up")?;
    let on_fail = on_fail(call, 9)?;
    let content = Content {
        name,
        up: Some(up),
        down: call.text(3),
        requires: requires(call, 5)?,
        precondition: call.text(6),
        verify: call.text(7),
        transactional: call.bool(8),
        on_fail,
        moment: Moment::Changed,
    };
    let replace = call.bool(10).ok_or_else(|| argument::null("replace"))?;
    let outcome = registration::add(&project(call, 4)?, &version, content, replace)?;
    Ok(call.answer(Value::from(outcome.word())))
}

/// `add_file(path, content, project, replace, convention, options)`: what was done, as text.
fn add_file(call: &Call) -> Result<Datum> {
    let path = call.required(0, "path")?;
    check_paths([path.as_str()].into_iter()).map_err(problem)?;
    let content = call.required(1, "content")?;
    let outcome = loading::add_file(path, content, &request(call, 2)?)?;
    Ok(call.answer(Value::from(outcome.word())))
}

/// `add_files(paths, contents, project, replace, convention, options)`: a row for each file.
fn add_files(call: &Call) -> Result<Datum> {
    let array = |n, name| match call.is_null(n) {
        true => Err(argument::null(name)),
        false => call.texts(n, name),
    };
    let (paths, contents) = (array(0, "paths")?, array(1, "contents")?);
    if paths.len() != contents.len() {
        return Err(argument::invalid(
            format!("there are {} paths, but {} contents", paths.len(), contents.len()),
            "Give the content of each file at the place of its path.",
        ));
    }
    check_paths(paths.iter().map(String::as_str)).map_err(problem)?;
    let files = paths.into_iter().zip(contents).collect();
    let request = request(call, 2)?;
    answer(call, || loading::add_files(files, &request))
}

/// The arguments from project on: project, replace, convention, options.
fn request(call: &Call, n: usize) -> Result<LoadRequest> {
    let convention = match call.text(n + 2) {
        None => None,
        Some(name) => Some(by_name(&name).ok_or_else(|| {
            let known: Vec<&str> = IMPORTERS.iter().map(|known| known.name()).collect();
            argument::invalid(
                format!("unknown convention {}", quoted(&name)),
                format!("Use one of these: {}.", known.join(", ")),
            )
        })?),
    };
    Ok(LoadRequest {
        project: project(call, n)?,
        replace: call.bool(n + 1).ok_or_else(|| argument::null("replace"))?,
        convention,
        options: call.json(n + 3, "options")?.map(options).transpose()?.unwrap_or_default(),
    })
}

/// An object of options by their names; a list is joined by commas.
fn options(json: serde_json::Value) -> Result<Options> {
    use serde_json::Value as Json;
    let invalid = |message: &str| {
        argument::invalid(
            message.to_owned(),
            "Use an object of names and texts, such as {\"prefix\": \"V\"}.",
        )
    };
    let Json::Object(object) = json else {
        return Err(invalid("argument \"options\" is not an object"));
    };
    let plain = |value: &Json| match value {
        Json::String(value) => Some(value.clone()),
        Json::Number(value) => Some(value.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    let option = |(name, value): (String, Json)| {
        let text = match &value {
            Json::Array(values) => values
                .iter()
                .map(plain)
                .collect::<Option<Vec<String>>>()
                .map(|texts| texts.join(",")),
            value => plain(value),
        };
        let message = || format!("option {} has no plain value", quoted(&name));
        text.map(|text| (name.clone(), text)).ok_or_else(|| invalid(&message()))
    };
    object.into_iter().map(option).collect()
}

/// A row for each file.
fn answer(call: &Call, work: impl FnOnce() -> Result<Vec<FileResult>>) -> Result<Datum> {
    let mut rows = call.rows()?;
    for loaded in work()? {
        rows.add([
            loaded.file.into(),
            loaded.version.as_deref().into(),
            loaded.name.as_deref().into(),
            loaded.part.into(),
            loaded.result.into(),
        ]);
    }
    Ok(rows.answer())
}

/// `add_repeatable(name, up, project, requires, precondition, verify, transactional,
/// on_fail, moment)`: what was done, as text.
fn add_repeatable(call: &Call) -> Result<Datum> {
    let name = call.required(0, "name")?;
    validation::check_name(&name)?;
    // It is a key of an index.
    if name.len() > MAX_LENGTH {
        return Err(argument::invalid(
            format!("the name of a repeatable migration is longer than {MAX_LENGTH} bytes"),
            "Use a shorter one.",
        ));
    }
    let content = Content {
        name,
        up: Some(call.required(1, "up")?),
        down: None,
        requires: requires(call, 3)?,
        precondition: call.text(4),
        verify: call.text(5),
        transactional: call.bool(6),
        on_fail: on_fail(call, 7)?,
        moment: moment(call, 8)?,
    };
    let outcome = registration::add_repeatable(&project(call, 2)?, content)?;
    Ok(call.answer(Value::from(outcome.word())))
}

/// `load(directory, project, replace, convention, options)`: a row for each file.
fn load(call: &Call) -> Result<Datum> {
    let directory = call.required(0, "directory")?;
    let request = request(call, 1)?;
    answer(call, || loading::load(&directory, &request))
}

/// `remove(version, project, reason)`.
fn remove(call: &Call) -> Result<Datum> {
    let version = version(&call.required(0, "version")?)?;
    removal::remove(&project(call, 1)?, &version, call.text(2).as_deref())?;
    Ok(call.answer(Value::from("removed")))
}

/// `remove_repeatable(name, project, reason)`.
fn remove_repeatable(call: &Call) -> Result<Datum> {
    let name = call.required(0, "name")?;
    removal::remove_repeatable(&project(call, 1)?, &name, call.text(2).as_deref())?;
    Ok(call.answer(Value::from("removed")))
}

/// `set_project(project, search_path, out_of_order, settings)`: a row with the project's
/// configuration.
fn set_project(call: &Call) -> Result<Datum> {
    let name = project(call, 0)?;
    let allows_out_of_order = match call.text(2).as_deref() {
        None => None,
        Some("error") => Some(false),
        Some("allow") => Some(true),
        Some(other) => {
            return Err(argument::invalid(
                format!("invalid value for argument \"out_of_order\": \"{other}\""),
                "Use error or allow.",
            ));
        }
    };
    let placeholders = match call.text(4) {
        None => None,
        Some(syntax) => Some(Syntax::parse(&syntax).ok_or_else(|| {
            argument::invalid(
                format!("invalid value for argument \"placeholders\": \"{syntax}\""),
                "Use none, ${x} or :x.",
            )
        })?),
    };
    let change = Configuration {
        placeholders,
        search_path: call.text(1).map(|path| Some(path).filter(|path| !path.trim().is_empty())),
        allows_out_of_order,
        settings: call.json(3, "settings")?.map(configuration::settings).transpose()?,
    };
    let mut rows = call.rows()?;
    let project = configuration::configure(&name, change)?;
    let allows = project.as_ref().is_some_and(|project| project.allows_out_of_order);
    let variables = project.as_ref().map(|project| project.variables.clone()).unwrap_or_default();
    let mut names: Vec<String> = variables.values.keys().cloned().collect();
    names.sort();
    let settings = project.map(|project| project.settings).unwrap_or_default();
    let (paths, settings): (Vec<_>, Vec<_>) =
        settings.into_iter().partition(|(name, _)| name == "search_path");
    rows.add([
        name.into(),
        paths.first().map(|(_, path)| path.as_str()).into(),
        if allows { "allow" } else { "error" }.into(),
        Value::Json(
            settings
                .into_iter()
                .map(|(name, value)| (name, serde_json::Value::from(value)))
                .collect(),
        ),
        variables.syntax.name().into(),
        Value::TextArray(names),
        Value::TextArray(variables.secrets.into_iter().collect()),
    ]);
    Ok(rows.answer())
}

/// `set_variable(name, value, project, secret)`: whether it is set now, as text.
fn set_variable(call: &Call) -> Result<Datum> {
    let name = call.required(0, "name")?;
    let value = call.text(1);
    configuration::check_variable(&name)?;
    configuration::set_variable(&project(call, 2)?, &name, value.as_deref(), call.bool(3))?;
    Ok(call.answer(Value::from(if value.is_some() { "set" } else { "unset" })))
}

fn requires(call: &Call, n: usize) -> Result<Vec<String>> {
    let mut requires = call.texts(n, "requires")?;
    let mut seen = HashSet::new();
    requires.retain(|text| seen.insert(text.clone()));
    Ok(requires)
}

fn on_fail(call: &Call, n: usize) -> Result<String> {
    let on_fail = call.required(n, "on_fail")?;
    if !["error", "skip", "mark"].contains(&on_fail.as_str()) {
        return Err(argument::invalid(
            format!("invalid value for argument \"on_fail\": \"{on_fail}\""),
            "Use error, skip or mark.",
        ));
    }
    Ok(on_fail)
}

fn moment(call: &Call, n: usize) -> Result<Moment> {
    let word = call.required(n, "moment")?;
    Moment::parse(&word).ok_or_else(|| {
        argument::invalid(
            format!("invalid value for argument \"moment\": \"{word}\""),
            "Use changed, before or after.",
        )
    })
}

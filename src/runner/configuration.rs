//! The configuration of a project: settings around its migrations, and what it allows.

use super::entrance::{Running, lock_project};
use crate::error::{Error, Result};
use crate::pg::guc::Nest;
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::Store;
use crate::store::event::Event;
use crate::store::project::{Configuration, Project};

/// Changes the configuration of a project, which is made if there is none; gives it as it
/// is then. Nothing to change: only gives it; None is `default` without a row.
///
/// Errors: see [`Running::enter`] and [`lock_project`]; a setting that isn't known (42704),
/// can't have the value (22023), or that the caller may not set (42501); nothing to change
/// and no such project (42704).
pub fn configure(name: &str, change: Configuration) -> Result<Option<Project>> {
    let done = describe(&change);
    if done.is_empty() {
        let store = Store::find()?;
        let batch = store.open()?;
        let project = batch.project(name, View::Caller)?;
        batch.close()?;
        return Ok(project);
    }
    let _running = Running::enter("migrations.set_project()")?;
    // As the caller, as whom migrations will have them.
    let mut tried = change.settings.clone().unwrap_or_default();
    if let Some(Some(path)) = &change.search_path {
        tried.push(("search_path".to_owned(), path.clone()));
    }
    Nest::with(&tried)?.undo()?;
    let store = Store::find()?;
    let batch = store.open()?;
    let project = batch.project_or_new(name)?;
    let project = lock_project(&batch, &project)?;
    batch.configure(&project, &change)?;
    batch.record(&Event {
        project: project.id,
        seq: batch.last_seq(project.id, View::Newest)? + 1,
        action: "set_project",
        started_at: transaction::now(),
        message: Some(&done.join(", ")),
        ..Event::default()
    })?;
    let project = batch.project(name, View::Newest)?;
    batch.close()?;
    Ok(project)
}

/// Sets a variable of a project, which is made if there is none; None takes it away.
/// Errors: see [`Running::enter`] and [`lock_project`]; to be taken away, and no such
/// project (42704).
pub fn set_variable(project: &str, name: &str, value: Option<&str>) -> Result<()> {
    let _running = Running::enter("migrations.set_variable()")?;
    let store = Store::find()?;
    let batch = store.open()?;
    let found = match value {
        Some(_) => Some(batch.project_or_new(project)?),
        None => batch.project(project, View::Newest)?,
    };
    let Some(project) = found else { return batch.close() };
    let project = lock_project(&batch, &project)?;
    batch.set_variable(&project, name, value)?;
    batch.record(&Event {
        project: project.id,
        seq: batch.last_seq(project.id, View::Newest)? + 1,
        action: "set_variable",
        started_at: transaction::now(),
        // The value may be a secret.
        message: Some(&format!("{name}{}", if value.is_some() { "" } else { " unset" })),
        ..Event::default()
    })?;
    batch.close()
}

/// What changes, for the history. Values of settings may be secrets, so only their names.
fn describe(change: &Configuration) -> Vec<String> {
    let mut done = Vec::new();
    match &change.search_path {
        Some(Some(path)) => done.push(format!("search_path = {path}")),
        Some(None) => done.push("no search_path".to_owned()),
        None => {}
    }
    if let Some(allows) = change.allows_out_of_order {
        done.push(format!("out_of_order = {}", if allows { "allow" } else { "error" }));
    }
    if let Some(syntax) = change.placeholders {
        done.push(format!("placeholders = {}", syntax.name()));
    }
    if let Some(settings) = &change.settings {
        let names: Vec<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
        done.push(match names.is_empty() {
            true => "no settings".to_owned(),
            false => format!("settings {}", names.join(" ")),
        });
    }
    done
}

/// An object of settings by their names. Errors: it isn't one, or search_path is in it
/// (22023).
pub fn settings(json: serde_json::Value) -> Result<Vec<(String, String)>> {
    use serde_json::Value as Json;
    let invalid = |message: String| Error::InvalidArgument {
        message,
        hint: "Use an object of names and values, such as {\"lock_timeout\": \"5s\"}.".to_owned(),
    };
    let Json::Object(object) = json else {
        return Err(invalid("argument \"settings\" is not an object".to_owned()));
    };
    let setting = |(name, value): (String, Json)| {
        if name.eq_ignore_ascii_case("search_path") {
            return Err(invalid("search_path is an argument of its own".to_owned()));
        }
        let value = match value {
            Json::String(value) => value,
            Json::Number(value) => value.to_string(),
            Json::Bool(value) => value.to_string(),
            _ => {
                return Err(invalid(format!(
                    "setting \"{}\" has no plain value",
                    name.escape_debug()
                )));
            }
        };
        Ok((name.to_ascii_lowercase(), value))
    };
    object.into_iter().map(setting).collect()
}

//! The configuration of a project: its settings, variables and rules.

use super::errors::invalid_name;
use crate::domain::{mask, visible};
use crate::engine::session::{CallGuard, lock_project};
use crate::error::Result;
use crate::pg::argument;
use crate::pg::guc::GucScope;
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::Store;
use crate::store::event::Event;
use crate::store::project::{Configuration, Project};

/// Changes the configuration of a project, which is created if there is none. Returns the project
/// after the change. Without changes it is only looked up, and None means `default` without a row.
///
/// Errors: those of [`CallGuard::enter`] and [`lock_project`]; a setting is unknown (42704), has an
/// invalid value (22023), or may not be set by the caller (42501); there is nothing to change and
/// no such project (42704).
pub fn configure(name: &str, change: Configuration) -> Result<Option<Project>> {
    let done = describe(&change);
    if done.is_empty() {
        let store = Store::find()?;
        let batch = store.open()?;
        let project = batch.project(name, View::Caller)?;
        batch.close()?;
        return Ok(project);
    }
    let _running = CallGuard::enter("migrations.set_project()")?;
    // Tried as the caller, as whom migrations set them.
    let mut tried = change.settings.clone().unwrap_or_default();
    if let Some(Some(path)) = &change.search_path {
        tried.push(("search_path".to_owned(), path.clone()));
    }
    GucScope::with(&tried)?.undo()?;
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

/// Checks the name of a variable. Errors: placeholders cannot contain it (22023).
pub fn check_variable(name: &str) -> Result<()> {
    let why = visible::defect(name);
    if why.is_some() || name.trim() != name || name.contains('}') {
        return Err(invalid_name(
            "variable name",
            name,
            why,
            "Use the name that the placeholders contain.",
        ));
    }
    Ok(())
}

/// Sets a variable of a project, which is created if there is none. Without `value` the variable
/// is removed. `secret` says whether the value is a secret; None: as before. A removed variable
/// is still a secret when it is set again.
///
/// Errors: those of [`CallGuard::enter`] and [`lock_project`]; a variable of an unknown project is
/// to be removed (42704); the secret cannot be masked (22023).
pub fn set_variable(
    project: &str,
    name: &str,
    value: Option<&str>,
    secret: Option<bool>,
) -> Result<()> {
    let _running = CallGuard::enter("migrations.set_variable()")?;
    let store = Store::find()?;
    let batch = store.open()?;
    let found = match value {
        Some(_) => Some(batch.project_or_new(project)?),
        None => batch.project(project, View::Newest)?,
    };
    let Some(project) = found else { return batch.close() };
    let project = lock_project(&batch, &project)?;
    let is_secret = secret.unwrap_or(project.variables.secrets.contains(name));
    if is_secret {
        check_secret(name, value.unwrap_or_default())?;
    }
    batch.set_variable(&project, name, value, is_secret)?;
    batch.record(&Event {
        project: project.id,
        seq: batch.last_seq(project.id, View::Newest)? + 1,
        action: "set_variable",
        started_at: transaction::now(),
        // Not the value: it may be a secret even if `secret` is false.
        message: Some(&format!(
            "{name}{}{}",
            if is_secret { " (secret)" } else { "" },
            if value.is_some() { "" } else { " unset" }
        )),
        ..Event::default()
    })?;
    batch.close()
}

/// Checks that a secret value can be masked. An empty one needs no mask. Errors: it is too long or
/// too short (22023).
fn check_secret(name: &str, value: &str) -> Result<()> {
    let invalid = |what: String, hint: &'static str| {
        let name = name.escape_debug();
        argument::invalid(format!("the value of secret variable \"{name}\" {what}"), hint)
    };
    if value.len() > mask::LONGEST {
        return Err(invalid(
            format!("is longer than {} bytes", mask::LONGEST),
            "Use a shorter value: longer values cannot be masked.",
        ));
    }
    if !value.is_empty() && value.chars().count() < mask::SHORTEST {
        return Err(invalid(
            format!("has fewer than {} characters", mask::SHORTEST),
            "Use a longer value: shorter values cannot be masked. Pass secret => false for a value that anybody may see.",
        ));
    }
    Ok(())
}

/// Describes a change for the history. Of settings it has only the names, since values may be
/// secrets.
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

/// The settings in a JSON object, by name. Errors: it is not an object, a value is not plain, or
/// it contains search_path (22023).
pub fn settings(json: serde_json::Value) -> Result<Vec<(String, String)>> {
    use serde_json::Value as Json;
    let invalid = |message: String| {
        argument::invalid(
            message,
            "Use an object of names and values, such as {\"lock_timeout\": \"5s\"}.",
        )
    };
    let Json::Object(object) = json else {
        return Err(invalid("argument \"settings\" is not an object".to_owned()));
    };
    let setting = |(name, value): (String, Json)| {
        if name.eq_ignore_ascii_case("search_path") {
            return Err(invalid("search_path is a separate argument".to_owned()));
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

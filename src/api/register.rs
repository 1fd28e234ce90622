//! Functions that register migrations.

use super::{project, version};
use crate::domain::convention;
use crate::error::{Error, Result};
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use crate::runner::registration;
use crate::store::registry::Content;
use pgrx::pg_sys::Datum;

entry!(migrations_add, pg_finfo_migrations_add, add);
entry!(migrations_add_file, pg_finfo_migrations_add_file, add_file);

/// `add(version, name, up, down, project, requires, precondition, verify, transactional,
/// on_fail, replace)`: what was done, as text.
fn add(call: &Call) -> Result<Datum> {
    let version = version(&call.required(0, "version")?)?;
    let name = call.required(1, "name")?;
    check_name(&name)?;
    let up = call.required(2, "up")?;
    let on_fail = call.required(9, "on_fail")?;
    if !["error", "skip", "mark"].contains(&on_fail.as_str()) {
        return Err(Error::InvalidArgument {
            message: format!("invalid value for argument \"on_fail\": \"{on_fail}\""),
            hint: "Use error, skip or mark.".to_owned(),
        });
    }
    let content = Content {
        name,
        up: Some(up),
        down: call.text(3),
        requires: call.texts(5, "requires")?,
        precondition: call.text(6),
        verify: call.text(7),
        transactional: call.bool(8),
        on_fail,
    };
    let replace = call.bool(10).ok_or(Error::NullArgument("replace"))?;
    let outcome = registration::add(&project(call, 4)?, &version, content, replace)?;
    Ok(call.answer(Value::from(outcome.word())))
}

/// `add_file(path, content, project, replace)`: what was done, as text.
fn add_file(call: &Call) -> Result<Datum> {
    let path = call.required(0, "path")?;
    let content = call.required(1, "content")?;
    let replace = call.bool(3).ok_or(Error::NullArgument("replace"))?;
    let Some(file) = convention::file_name(&path) else {
        return Err(Error::UnknownFileName(path));
    };
    check_name(&file.name)?;
    let outcome = registration::add_part(
        &project(call, 2)?,
        &version(&file.version)?,
        &file.name,
        file.part,
        content,
        replace,
    )?;
    Ok(call.answer(Value::from(outcome.word())))
}

/// A migration's name stands in one line of errors, logs and pg_stat_activity.
fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Error::InvalidArgument {
            message: format!("invalid migration name \"{}\"", name.escape_debug()),
            hint: "Say in one line what the migration does, such as 'create users'.".to_owned(),
        });
    }
    Ok(())
}

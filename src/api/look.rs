//! Functions that show the state and change nothing.

use super::{project, version};
use crate::domain::plan;
use crate::error::{Error, Result};
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use crate::pg::spi::View;
use crate::runner::atomic;
use crate::store::Store;
use crate::store::overview::State;
use pgrx::pg_sys::Datum;

entry!(migrations_status, pg_finfo_migrations_status, status);
entry!(migrations_version, pg_finfo_migrations_version, highest);
entry!(migrations_plan, pg_finfo_migrations_plan, plan);

/// `status(project)`: a row for each migration that is registered or applied.
fn status(call: &Call) -> Result<Datum> {
    let name = project(call, 0)?;
    let mut rows = call.rows()?;
    let store = Store::find()?;
    let batch = store.open()?;
    let states = match batch.project(&name, View::Caller)? {
        Some(project) => batch.states(project.id)?,
        None => Vec::new(),
    };
    batch.close()?;
    for state in plan::up_to(states, None) {
        let (word, message) = describe(&state);
        let (applied_at, applied_by, duration) = match &state.applied {
            Some((at, by, took)) => (
                Value::Timestamp(*at),
                by.as_str().into(),
                took.map_or(Value::Null, Value::Interval),
            ),
            None => (Value::Null, Value::Null, Value::Null),
        };
        rows.add([
            name.as_str().into(),
            state.version.as_str().into(),
            state.name.as_str().into(),
            word.into(),
            applied_at,
            applied_by,
            duration,
            state.checksum_ok.map_or(Value::Null, Value::Bool),
            Value::Bool(state.has_down),
            state.transactional.map_or(Value::Null, Value::Bool),
            message.into(),
        ]);
    }
    Ok(rows.answer())
}

/// The state's word, and what there is to say about it.
fn describe(state: &State) -> (&'static str, Option<&'static str>) {
    match (&state.applied, state.registered, state.checksum_ok) {
        (None, Some(false), _) => ("pending", Some("only its down is registered")),
        (None, _, _) => ("pending", None),
        (Some(_), None, _) => ("missing", Some("applied, but not registered")),
        (Some(_), _, Some(true)) => ("applied", None),
        (Some(_), _, _) => ("modified", Some("the registered text is not the one that ran")),
    }
}

/// `version(project)`: the highest applied version.
fn highest(call: &Call) -> Result<Datum> {
    let name = project(call, 0)?;
    let store = Store::find()?;
    let batch = store.open()?;
    let version = match batch.project(&name, View::Caller)? {
        Some(project) => batch.highest_applied(project.id, View::Caller)?,
        None => None,
    };
    batch.close()?;
    Ok(call.answer(Value::from(version.as_deref())))
}

/// `plan(target, project)`: a row for each step that apply() would take.
fn plan(call: &Call) -> Result<Datum> {
    let target = call.text(0).map(|target| version(&target)).transpose()?;
    let name = project(call, 1)?;
    let mut rows = call.rows()?;
    let store = Store::find()?;
    let batch = store.open()?;
    let pending = match (batch.project(&name, View::Caller)?, &target) {
        (Some(project), target) => {
            atomic::pending(&batch, &project, target.as_ref(), View::Caller)?
        }
        (None, None) => Vec::new(),
        (None, Some(target)) => {
            let version = target.text().to_owned();
            return Err(Error::UnknownTarget { version, project: name });
        }
    };
    batch.close()?;
    for (n, migration) in pending.iter().enumerate() {
        rows.add([
            Value::Int(n as i32 + 1),
            name.as_str().into(),
            migration.version.as_str().into(),
            migration.name.as_str().into(),
            "up".into(),
            migration.transactional.map_or(Value::Null, Value::Bool),
            "pending".into(),
        ]);
    }
    Ok(rows.answer())
}

//! Functions that show the state and change nothing.

use super::{project, scope, version};
use crate::domain::requirement::Requirement;
use crate::domain::version;
use crate::engine::half_run::HalfRun;
use crate::engine::plan::{self, Planned};
use crate::engine::requirement;
use crate::engine::script_check;
use crate::error::{Error, Result};
use crate::look::status::{self, Described};
use crate::pg::argument;
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use crate::pg::spi::View;
use crate::store::Store;
use crate::store::overview::Pending;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Datum;
use std::collections::HashSet;

entry!(migrations_status, pg_finfo_migrations_status, status);
entry!(migrations_version, pg_finfo_migrations_version, highest);
entry!(migrations_plan, pg_finfo_migrations_plan, plan);
entry!(migrations_next_version, pg_finfo_migrations_next_version, next_version);

/// `status(project)`: a row for each migration that is registered or applied.
fn status(call: &Call) -> Result<Datum> {
    let name = project(call, 0)?;
    let mut rows = call.rows()?;
    let store = Store::find()?;
    let batch = store.open()?;
    let described = match batch.project(&name, View::Caller)? {
        Some(project) => status::describe(&batch, &project)?,
        None => Vec::new(),
    };
    batch.close()?;
    for Described { state, word, transactional, message } in described {
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
            state.version.as_deref().into(),
            state.name.as_str().into(),
            word.into(),
            applied_at,
            applied_by,
            duration,
            state.checksum_ok.map_or(Value::Null, Value::Bool),
            Value::Bool(state.has_down),
            transactional.map_or(Value::Null, Value::Bool),
            message.as_deref().into(),
        ]);
    }
    Ok(rows.answer())
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

/// `plan(target, project, only_version)`: a row for each step that apply() would take.
/// One that is blocked has no step number.
fn plan(call: &Call) -> Result<Datum> {
    let target = call.text(0).map(|target| version(&target)).transpose()?;
    let name = project(call, 1)?;
    let only = call.text(2).map(|only| version(&only)).transpose()?;
    let scope = scope(target.as_ref(), only.as_ref())?;
    let mut rows = call.rows()?;
    let store = Store::find()?;
    let batch = store.open()?;
    let mut causes = Vec::new();
    let mut half = None;
    let (planned, unmet) = match (batch.project(&name, View::Caller)?, scope.version()) {
        (Some(project), _) => {
            half = HalfRun::at_rest(&batch, project.id)?;
            let planned = plan::up(&batch, &project, scope, half.as_ref(), View::Caller)?;
            let migrations: Vec<&Pending> = planned.iter().map(|p| &p.migration).collect();
            let unmet = requirement::unmet(&batch, &migrations, &HashSet::new(), View::Caller)?;
            for migration in migrations {
                causes.push(script_check::nontransactional_reason(&batch, migration, &project)?);
            }
            (planned, unmet)
        }
        (None, None) => Default::default(),
        (None, Some(version)) => return Err(plan::unknown(version, &name)),
    };
    batch.close()?;
    // Unless the plan goes on with it, nothing runs.
    let stops = half
        .as_ref()
        .filter(|half| !planned.first().is_some_and(|first| half.resumes(&first.migration)));
    if let Some(half) = stops {
        rows.add([
            Value::Null,
            name.as_str().into(),
            half.version.as_deref().into(),
            half.name.as_str().into(),
            half.way.direction.as_str().into(),
            Value::Bool(false),
            half.reason().into(),
        ]);
    }
    let mut step = 0;
    let mut blocked = HashSet::new();
    for ((Planned { migration, reason }, unmet), cause) in
        planned.into_iter().zip(unmet).zip(causes)
    {
        let mut requires = migration.requires.iter().filter_map(Requirement::within);
        let waits = requires.find(|(key, _)| blocked.contains(key));
        let waits = waits.map(|(_, title)| format!("requires {title}, which is blocked"));
        let waits = stops.map(|half| format!("{} is half run", half.subject())).or(waits);
        let (number, reason) = match unmet.map(|unmet| unmet.to_string()).or(waits) {
            Some(why) => {
                blocked.insert(migration.key.clone());
                (Value::Null, format!("blocked: {why}"))
            }
            None => {
                step += 1;
                (Value::Int(step), reason)
            }
        };
        rows.add([
            number,
            name.as_str().into(),
            migration.version.as_deref().into(),
            migration.name.as_str().into(),
            "up".into(),
            Value::Bool(cause.is_none() && !half.as_ref().is_some_and(|h| h.resumes(&migration))),
            cause.map_or(reason.clone(), |cause| format!("{reason}; {cause}")).into(),
        ]);
    }
    Ok(rows.answer())
}

/// `next_version(project, width)`: the version for the next migration.
fn next_version(call: &Call) -> Result<Datum> {
    let name = project(call, 0)?;
    let width = match call.int(1) {
        None => None,
        Some(width @ 1..=200) => Some(width as usize),
        Some(width) => {
            return Err(argument::invalid(
                format!("invalid width {width}"),
                "Give a number of digits from 1 to 200, or none to keep that of the highest version.",
            ));
        }
    };
    let store = Store::find()?;
    let batch = store.open()?;
    // A project without a row is one without migrations.
    let ids = batch.project_ids(vec![name], View::Caller)?;
    let highest = match ids.values().next() {
        Some(project) => batch.highest_known(*project)?,
        None => None,
    };
    let now = batch.utc_timestamp()?;
    batch.close()?;
    match version::next(highest.as_deref(), width, &now) {
        Some(next) => Ok(call.answer(Value::from(next.as_str()))),
        None => Err(no_next_version(&highest.unwrap_or_default())),
    }
}

/// No version can be derived from the highest one (55000).
fn no_next_version(version: &str) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("cannot derive the next version from \"{version}\""),
    )
    .detail("It is the highest version of the project. The next one increments its last number, and has at most 200 bytes.")
    .hint("Choose the next version by hand.")
}

//! Functions that put the record right.

use super::{project, version};
use crate::domain::text::quoted;
use crate::error::Result;
use crate::pg::argument;
use crate::pg::call::Call;
use crate::pg::entry::entry;
use crate::repair::adopt;
use crate::repair::{self, MigrationRef, RecordChange};
use pgrx::pg_sys::Datum;

entry!(migrations_mark_applied, pg_finfo_migrations_mark_applied, mark_applied);
entry!(migrations_mark_pending, pg_finfo_migrations_mark_pending, mark_pending);
entry!(migrations_force, pg_finfo_migrations_force, force);
entry!(migrations_baseline, pg_finfo_migrations_baseline, baseline);
entry!(migrations_accept_changes, pg_finfo_migrations_accept_changes, accept_changes);
entry!(migrations_accept_all_changes, pg_finfo_migrations_accept_all_changes, accept_all_changes);
entry!(
    migrations_mark_statement_done,
    pg_finfo_migrations_mark_statement_done,
    mark_statement_done
);
entry!(migrations_retry, pg_finfo_migrations_retry, retry);
entry!(migrations_adopt, pg_finfo_migrations_adopt, adopt);

/// `mark_applied(version, project, reason)`: a row if the record has changed.
fn mark_applied(call: &Call) -> Result<Datum> {
    of_named(call, repair::mark_applied)
}

/// `mark_pending(version, project, reason)`: a row if the record has changed.
fn mark_pending(call: &Call) -> Result<Datum> {
    of_named(call, repair::mark_pending)
}

/// `force(version, project, reason)`: a row for each migration whose record has changed.
fn force(call: &Call) -> Result<Datum> {
    of_version(call, repair::force)
}

/// `baseline(version, project, reason)`: a row for each migration whose record has changed.
fn baseline(call: &Call) -> Result<Datum> {
    of_version(call, repair::baseline)
}

/// `accept_changes(version, project, reason)`: a row if the record has changed.
fn accept_changes(call: &Call) -> Result<Datum> {
    of_version(call, repair::accept_changes)
}

/// `accept_all_changes(project, reason, confirm)`: a row for each migration whose record has
/// changed.
fn accept_all_changes(call: &Call) -> Result<Datum> {
    let project = project(call, 0)?;
    answer(call, || repair::accept_all_changes(&project, call.text(1).as_deref(), call.int(2)))
}

/// `mark_statement_done(version, project, reason)`: a row if the record has changed.
fn mark_statement_done(call: &Call) -> Result<Datum> {
    of_named(call, repair::mark_statement_done)
}

/// `retry(version, project, reason)`: a row if the record has changed.
fn retry(call: &Call) -> Result<Datum> {
    of_named(call, repair::retry)
}

/// `adopt(tool, project, reason)`: a row for each migration whose record has changed.
fn adopt(call: &Call) -> Result<Datum> {
    let tool = call.required(0, "tool")?;
    let project = project(call, 1)?;
    if !adopt::TOOLS.contains(&tool.as_str()) {
        return Err(argument::invalid(
            format!("unknown tool {}", quoted(&tool)),
            format!("Known tools: {}.", adopt::TOOLS.join(", ")),
        ));
    }
    answer(call, || adopt::golang_migrate(&project, call.text(2).as_deref()))
}

type Work = fn(&str, &crate::domain::version::Version, Option<&str>) -> Result<Vec<RecordChange>>;

fn of_version(call: &Call, work: Work) -> Result<Datum> {
    let version = version(&call.required(0, "version")?)?;
    let project = project(call, 1)?;
    answer(call, || work(&project, &version, call.text(2).as_deref()))
}

type WorkOnNamed = fn(&str, &MigrationRef, Option<&str>) -> Result<Vec<RecordChange>>;

fn of_named(call: &Call, work: WorkOnNamed) -> Result<Datum> {
    let text = call.required(0, "version")?;
    let project = project(call, 1)?;
    answer(call, || work(&project, &MigrationRef::new(&text), call.text(2).as_deref()))
}

fn answer(call: &Call, work: impl FnOnce() -> Result<Vec<RecordChange>>) -> Result<Datum> {
    let mut rows = call.rows()?;
    for changed in work()? {
        rows.add([
            changed.project.into(),
            changed.version.as_deref().into(),
            changed.name.into(),
            changed.action.into(),
        ]);
    }
    Ok(rows.answer())
}

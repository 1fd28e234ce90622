//! Functions that run migrations.

use super::{project, version};
use crate::error::{Error, Result};
use crate::pg::call::{Call, Rows, Value};
use crate::pg::entry::entry;
use crate::runner::atomic;
use crate::runner::run::Finished;
use pgrx::pg_sys::Datum;

entry!(migrations_apply, pg_finfo_migrations_apply, apply);
entry!(migrations_rollback, pg_finfo_migrations_rollback, rollback);

/// `apply(target, project)`: a row for each finished step.
fn apply(call: &Call) -> Result<Datum> {
    let target = call.text(0).map(|target| version(&target)).transpose()?;
    let project = project(call, 1)?;
    let mut rows = call.rows()?;
    atomic::apply(&project, target.as_ref(), &mut |step| add(&mut rows, step))?;
    Ok(rows.answer())
}

/// `rollback(n, project)`: a row for each finished step.
fn rollback(call: &Call) -> Result<Datum> {
    let n = call.int(0).ok_or(Error::NullArgument("n"))?;
    let project = project(call, 1)?;
    let mut rows = call.rows()?;
    atomic::rollback(&project, n, &mut |step| add(&mut rows, step))?;
    Ok(rows.answer())
}

fn add(rows: &mut Rows, step: Finished) {
    rows.add([
        Value::Int(step.step as i32),
        step.project.into(),
        step.version.into(),
        step.name.into(),
        step.direction.word().into(),
        Value::Int(step.done.statements as i32),
        Value::Interval(step.took.as_micros() as i64),
        Value::TextArray(step.done.messages),
    ]);
}

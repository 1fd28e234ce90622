//! Functions that have pg_cron apply what is pending.

use super::project;
use crate::engine::schedule;
use crate::error::Result;
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use pgrx::pg_sys::Datum;

entry!(migrations_schedule, pg_finfo_migrations_schedule, schedule);
entry!(migrations_unschedule, pg_finfo_migrations_unschedule, unschedule);

/// `schedule(cron, project)`: the number of the job.
fn schedule(call: &Call) -> Result<Datum> {
    let cron = call.required(0, "cron")?;
    let job = schedule::schedule(&cron, &project(call, 1)?)?;
    Ok(call.answer(Value::BigInt(job)))
}

/// `unschedule(project)`.
fn unschedule(call: &Call) -> Result<Datum> {
    schedule::unschedule(&project(call, 0)?)?;
    Ok(call.answer(Value::from("unscheduled")))
}

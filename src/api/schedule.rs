//! Functions that make pg_cron apply pending migrations.

use super::arguments::Project;
use crate::engine::schedule;
use crate::error::Result;
use crate::pg::call::declare;

declare! {
    /// Makes a job that applies the pending migrations of a project. Gives its number.
    function schedule(Schedule {
        cron: String,
        project: Project = NULL,
    }) -> value i64;
}

fn schedule(arguments: Schedule) -> Result<i64> {
    schedule::schedule(&arguments.cron, &arguments.project)
}

declare! {
    /// Removes the caller's job for a project. Gives `unscheduled`.
    function unschedule(Unschedule { project: Project = NULL }) -> value &'static str;
}

fn unschedule(arguments: Unschedule) -> Result<&'static str> {
    schedule::unschedule(&arguments.project)?;
    Ok("unscheduled")
}

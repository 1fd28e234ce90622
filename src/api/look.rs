//! Functions that show the state and change nothing.

use super::arguments::{Project, scope};
use crate::domain::version::{self, Version};
use crate::error::{Error, Result};
use crate::look::plan;
use crate::look::status::{self, Described};
use crate::pg::argument;
use crate::pg::call::{Interval, Rows, Timestamp, declare, record};
use crate::pg::spi::View;
use crate::store;
use pgrx::PgSqlErrorCode;

record! {
    /// A migration that is registered or applied.
    MigrationStatus as migration_status {
        project: String,
        version: Option<String>,
        name: String,
        state: &'static str,
        applied_at: Option<Timestamp>,
        applied_by: Option<String>,
        duration: Option<Interval>,
        checksum_ok: Option<bool>,
        has_down: bool,
        transactional: Option<bool>,
        message: Option<String>,
    }
}

declare! {
    /// Gives all migrations of a project with their states.
    function status(Status { project: Project = NULL }) -> rows MigrationStatus;
}

fn status(arguments: Status, rows: &mut Rows<MigrationStatus>) -> Result<()> {
    let project = arguments.project;
    let described = store::with(|batch| match batch.project(&project, View::Caller)? {
        Some(project) => status::describe(batch, &project),
        None => Ok(Vec::new()),
    })?;
    for Described { state, word, transactional, message } in described {
        let (at, by, took) = match state.applied {
            Some((at, by, took)) => (Some(Timestamp(at)), Some(by), took.map(Interval)),
            None => (None, None, None),
        };
        rows.add(MigrationStatus {
            project: project.to_string(),
            version: state.version,
            name: state.name,
            state: word,
            applied_at: at,
            applied_by: by,
            duration: took,
            checksum_ok: state.checksum_ok,
            has_down: state.has_down,
            transactional,
            message,
        });
    }
    Ok(())
}

declare! {
    /// Gives the highest applied version of a project, or NULL.
    function version(Highest { project: Project = NULL }) -> value Option<String>, stable;
}

fn version(arguments: Highest) -> Result<Option<String>> {
    store::with(|batch| match batch.project(&arguments.project, View::Caller)? {
        Some(project) => batch.highest_applied(project.id, View::Caller),
        None => Ok(None),
    })
}

record! {
    /// A step that `apply` would take.
    PlannedStep as planned_step {
        step: Option<i32>,
        project: String,
        version: Option<String>,
        name: String,
        direction: String,
        transactional: bool,
        reason: String,
    }
}

declare! {
    /// Gives the steps that `apply` would take with the same arguments.
    function plan(Plan {
        target: Option<Version> = NULL,
        project: Project = NULL,
        only_version: Option<Version> = NULL,
    }) -> rows PlannedStep;
}

fn plan(arguments: Plan, rows: &mut Rows<PlannedStep>) -> Result<()> {
    let Plan { target, project, only_version } = arguments;
    let scope = scope(target.as_ref(), only_version.as_ref())?;
    for step in store::with(|batch| plan::steps(batch, &project, scope))? {
        rows.add(PlannedStep {
            step: step.number,
            project: project.to_string(),
            version: step.version,
            name: step.name,
            direction: step.direction,
            transactional: step.transactional,
            reason: step.reason,
        });
    }
    Ok(())
}

declare! {
    /// Gives the version for the next migration of a project.
    function next_version(NextVersion {
        project: Project = NULL,
        width: Option<i32> = NULL,
    }) -> value String;
}

fn next_version(arguments: NextVersion) -> Result<String> {
    let NextVersion { project, width } = arguments;
    let width = match width {
        None => None,
        Some(width @ 1..=200) => Some(width as usize),
        Some(width) => {
            return Err(argument::invalid(
                format!("invalid width {width}"),
                "Give a number of digits from 1 to 200, or none to keep that of the highest version.",
            ));
        }
    };
    let (highest, now) = store::with(|batch| {
        // A project without a row is one without migrations.
        let ids = batch.project_ids(vec![project.into_name()], View::Caller)?;
        let highest = match ids.values().next() {
            Some(project) => batch.highest_known(*project)?,
            None => None,
        };
        Ok((highest, batch.utc_timestamp()?))
    })?;
    let next = version::next(highest.as_deref(), width, &now);
    next.ok_or_else(|| no_next_version(&highest.unwrap_or_default()))
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

//! Functions and procedures that run migrations, or their verify scripts.

use super::arguments::{Project, scope};
use crate::domain::text::{arguments, literal};
use crate::domain::version::Version;
use crate::engine::atomic;
use crate::engine::request::{Extent, Request};
use crate::engine::step::Finished;
use crate::engine::stepwise::{self, RunOutcome};
use crate::error::{Error, Result};
use crate::look::verify;
use crate::pg::argument;
use crate::pg::call::{AnyAsText, Call, Interval, Rows, Uuid, declare, record};
use pgrx::PgSqlErrorCode as Code;
use std::convert::Infallible;

record! {
    /// A step of a run, when it is finished.
    FinishedStep as finished_step {
        step: i32,
        project: String,
        version: Option<String>,
        name: String,
        direction: &'static str,
        statements: i32,
        duration: Interval,
        messages: Vec<String>,
    }
}

impl FinishedStep {
    fn new(step: Finished) -> FinishedStep {
        FinishedStep {
            step: step.step as i32,
            project: step.project.to_owned(),
            version: step.version.map(str::to_owned),
            name: step.name.to_owned(),
            direction: step.direction.word(),
            statements: step.outcome.statements as i32,
            duration: Interval(step.took.as_micros() as i64),
            messages: step.outcome.output_lines(),
        }
    }
}

record! {
    /// How many migrations a stepwise run has applied, and its identifier if it did anything.
    Applied { applied: i32, run_id: Option<Uuid> }
}

impl Applied {
    fn new(outcome: RunOutcome) -> Applied {
        Applied { applied: outcome.applied as i32, run_id: run_id(&outcome) }
    }
}

record! {
    /// How many migrations a stepwise run has rolled back, and its identifier if it did anything.
    RolledBack { rolled_back: i32, run_id: Option<Uuid> }
}

impl RolledBack {
    fn new(outcome: RunOutcome) -> RolledBack {
        RolledBack { rolled_back: outcome.rolled_back as i32, run_id: run_id(&outcome) }
    }
}

fn run_id(outcome: &RunOutcome) -> Option<Uuid> {
    outcome.id.map(|id| Uuid(id.0))
}

declare! {
    /// Applies pending migrations: all, those up to a target, or one with what it requires.
    function apply(Apply {
        target: Option<Version> = NULL,
        project: Project = NULL,
        only_version: Option<Version> = NULL,
    }) -> rows FinishedStep;
}

fn apply(arguments: Apply, rows: &mut Rows<FinishedStep>) -> Result<()> {
    let Apply { target, project, only_version } = arguments;
    let scope = scope(target.as_ref(), only_version.as_ref())?;
    atomic::apply(&project, scope, &mut |step| rows.add(FinishedStep::new(step)))
}

declare! {
    /// Applies all pending migrations of some projects, or of all.
    function apply_all(ApplyAll { projects: Option<Vec<String>> = NULL }) -> rows FinishedStep;
}

fn apply_all(arguments: ApplyAll, rows: &mut Rows<FinishedStep>) -> Result<()> {
    let named = |names: Vec<String>| -> Result<Vec<String>> {
        names.into_iter().map(|name| Ok(Project::named(name)?.into_name())).collect()
    };
    let projects = arguments.projects.map(named).transpose()?;
    atomic::apply_all(projects, &mut |step| rows.add(FinishedStep::new(step)))
}

declare! {
    /// Rolls back the last n applied migrations.
    function rollback(Rollback {
        n: i32 = 1,
        project: Project = NULL,
    }) -> rows FinishedStep;
}

fn rollback(arguments: Rollback, rows: &mut Rows<FinishedStep>) -> Result<()> {
    let Rollback { n, project } = arguments;
    atomic::rollback(&project, Extent::Last(n), &mut |step| rows.add(FinishedStep::new(step)))
}

declare! {
    /// Rolls back all migrations that were applied after a version.
    function rollback_to(RollbackTo {
        version: Version,
        project: Project = NULL,
    }) -> rows FinishedStep;
}

fn rollback_to(arguments: RollbackTo, rows: &mut Rows<FinishedStep>) -> Result<()> {
    let RollbackTo { version, project } = arguments;
    let extent = Extent::After(&version);
    atomic::rollback(&project, extent, &mut |step| rows.add(FinishedStep::new(step)))
}

declare! {
    /// Rolls back the last n applied migrations and applies them again.
    function redo(Redo {
        n: i32 = 1,
        project: Project = NULL,
    }) -> rows FinishedStep;
}

fn redo(arguments: Redo, rows: &mut Rows<FinishedStep>) -> Result<()> {
    let Redo { n, project } = arguments;
    atomic::redo(&project, n, &mut |step| rows.add(FinishedStep::new(step)))
}

declare! {
    /// Rolls back all applied migrations of a project, whose name `confirm` repeats.
    function reset(Reset {
        project: Project = NULL,
        confirm: Option<String> = NULL,
    }) -> rows FinishedStep;
}

fn reset(arguments: Reset, rows: &mut Rows<FinishedStep>) -> Result<()> {
    let Reset { project, confirm } = arguments;
    check_confirmed(&project, confirm.as_deref(), false)?;
    atomic::rollback(&project, Extent::All, &mut |step| rows.add(FinishedStep::new(step)))
}

/// Errors: `confirm` does not repeat the name of the project to be reset (22023).
fn check_confirmed(project: &Project, confirm: Option<&str>, stepwise: bool) -> Result<()> {
    match confirm == Some(project) {
        true => Ok(()),
        false => Err(not_confirmed(project, stepwise)),
    }
}

declare! {
    /// Applies pending migrations as `apply` does, each in a transaction of its own.
    procedure apply_each(ApplyEach {
        target: Option<Version> = NULL,
        project: Project = NULL,
        only_version: Option<Version> = NULL,
    }) -> row Applied;
}

fn apply_each(arguments: ApplyEach, call: &Call) -> Result<Applied> {
    let ApplyEach { target, project, only_version } = arguments;
    let scope = scope(target.as_ref(), only_version.as_ref())?;
    check_may_commit(call, scope.request(&project))?;
    Ok(Applied::new(stepwise::apply_each(&project, scope)?))
}

declare! {
    /// Rolls back migrations as `rollback` does, each in a transaction of its own.
    procedure rollback_each(RollbackEach {
        n: i32 = 1,
        project: Project = NULL,
    }) -> row RolledBack;
}

fn rollback_each(arguments: RollbackEach, call: &Call) -> Result<RolledBack> {
    roll_back_each(call, &arguments.project, Extent::Last(arguments.n))
}

declare! {
    /// Rolls back migrations as `rollback_to` does, each in a transaction of its own.
    procedure rollback_to_each(RollbackToEach {
        version: Version,
        project: Project = NULL,
    }) -> row RolledBack;
}

fn rollback_to_each(arguments: RollbackToEach, call: &Call) -> Result<RolledBack> {
    roll_back_each(call, &arguments.project, Extent::After(&arguments.version))
}

declare! {
    /// Rolls back migrations as `reset` does, each in a transaction of its own.
    procedure reset_each(ResetEach {
        project: Project = NULL,
        confirm: Option<String> = NULL,
    }) -> row RolledBack;
}

fn reset_each(arguments: ResetEach, call: &Call) -> Result<RolledBack> {
    let ResetEach { project, confirm } = arguments;
    check_confirmed(&project, confirm.as_deref(), true)?;
    roll_back_each(call, &project, Extent::All)
}

fn roll_back_each(call: &Call, project: &str, extent: Extent) -> Result<RolledBack> {
    check_may_commit(call, extent.request(project))?;
    Ok(RolledBack::new(stepwise::rollback_each(project, extent)?))
}

declare! {
    /// Rolls back and applies again as `redo` does, each in a transaction of its own.
    procedure redo_each(RedoEach {
        n: i32 = 1,
        project: Project = NULL,
    }) -> row Applied;
}

fn redo_each(arguments: RedoEach, call: &Call) -> Result<Applied> {
    let RedoEach { n, project } = arguments;
    check_may_commit(call, Request::Redo { n, project: project.to_string() })?;
    Ok(Applied::new(stepwise::redo_each(&project, n)?))
}

/// Errors: the procedure was called where it cannot commit (25001, or the like).
fn check_may_commit(call: &Call, request: Request) -> Result<()> {
    match call.may_commit() {
        true => Ok(()),
        false => Err(inside_transaction(request.name(true), &request.atomic())),
    }
}

declare! {
    /// Refuses a text where a number of migrations is expected: it would be read as a number.
    refusal version_for_number(VersionForNumber {
        version: Option<String>,
        project: Project = NULL,
    }) as {
        function rollback -> rows FinishedStep;
        function redo -> rows FinishedStep;
        procedure rollback_each -> row RolledBack;
        procedure redo_each -> row Applied;
    }
}

fn version_for_number(arguments: VersionForNumber, call: &Call) -> Result<Infallible> {
    let VersionForNumber { version, project } = arguments;
    // A NULL without a type is a text to the server; the caller meant the number.
    let given = version.ok_or_else(|| argument::null("n"))?;
    Err(version_given_for_number(&call.name(), &given, &project))
}

declare! {
    /// Refuses a number, or a version without the name of an argument: it does not say whether
    /// all migrations up to a version are meant, or one.
    refusal ambiguous_version(AmbiguousVersion {
        version: AnyAsText,
        project: Project = NULL,
    }) as {
        function apply -> rows FinishedStep;
    }
}

fn ambiguous_version(arguments: AmbiguousVersion, call: &Call) -> Result<Infallible> {
    let AmbiguousVersion { version: AnyAsText(given), project } = arguments;
    Err(ambiguous(&call.name(), &given, &project))
}

record! {
    /// The outcome of a verify script.
    VerifiedMigration as verified_migration {
        project: String,
        version: Option<String>,
        name: String,
        ok: bool,
        message: Option<String>,
        messages: Vec<String>,
    }
}

declare! {
    /// Runs the verify scripts of the applied migrations, or of one.
    function verify(Verify {
        version: Option<Version> = NULL,
        project: Project = NULL,
    }) -> rows VerifiedMigration;
}

fn verify(arguments: Verify, rows: &mut Rows<VerifiedMigration>) -> Result<()> {
    let Verify { version, project } = arguments;
    for verified in verify::verify(&project, version.as_ref())? {
        rows.add(VerifiedMigration {
            project: project.to_string(),
            version: verified.version,
            name: verified.name,
            ok: verified.denial.is_none(),
            message: verified.denial,
            messages: verified.messages,
        });
    }
    Ok(())
}

/// The rollback of everything was not confirmed (22023). `stepwise`: it is `reset_each` that was
/// called.
fn not_confirmed(project: &str, stepwise: bool) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("rolling back all migrations of project \"{project}\" was not confirmed"),
    )
    .detail("Nothing was run.")
    .hint(format!(
        "Repeat the project's name: {0}({1}, confirm => {1});",
        if stepwise { "CALL migrations.reset_each" } else { "SELECT * FROM migrations.reset" },
        literal(project)
    ))
}

/// A procedure that commits was called where it cannot (25001). `call`: such as
/// `migrations.apply_each()`; `instead`: the statement that works there.
fn inside_transaction(call: &str, instead: &str) -> Error {
    Error::new(
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
        format!("CALL {call} cannot run inside a transaction block, a function, a DO block or another procedure"),
    )
    .detail("It commits after each migration. Several statements sent as one query are a transaction block, too.")
    .hint(format!("Send the CALL as a statement of its own; or do all in one transaction: {instead}"))
}

/// A version was given where a call takes a number of migrations (22023). `call`: such as
/// `migrations.rollback`.
fn version_given_for_number(call: &str, given: &str, project: &str) -> Error {
    let number = match given.parse::<i32>() {
        // Written like that, it is a version.
        Ok(n) if n > 0 && !given.starts_with('0') => n,
        _ => 1,
    };
    let (run, back) = match call.ends_with("_each") {
        true => ("CALL", "CALL migrations.rollback_to_each"),
        false => ("SELECT * FROM", "SELECT * FROM migrations.rollback_to"),
    };
    Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("{call}() takes a number of migrations, not the text \"{}\"", given.escape_debug()),
    )
    .detail("Nothing was run.")
    .hint(format!(
        "To roll back all that was applied after that version: {back}({}); for a number of migrations: {run} {call}(n => {number}, project => {});",
        arguments(given, project),
        literal(project)
    ))
}

/// A version was given that is not a text, or by an argument that does not say enough (22023).
/// `call`: such as `migrations.apply`.
fn ambiguous(call: &str, given: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("{call}() takes a version as text, by the arguments \"target\" or \"only_version\""),
    )
    .detail("Nothing was run.")
    .hint(format!(
        "All up to and including it: SELECT * FROM {call}({0}); it alone, with what it requires: SELECT * FROM {call}(only_version => {1}, project => {2});",
        arguments(given, project),
        literal(given),
        literal(project)
    ))
}

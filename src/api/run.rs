//! Functions that run migrations, or their verify scripts.

use super::{check_project, project, version};
use crate::domain::text::{arguments, literal};
use crate::engine::atomic;
use crate::engine::request::{Extent, Request};
use crate::engine::step::Finished;
use crate::engine::stepwise;
use crate::error::{Error, Result};
use crate::look::verify;
use crate::pg::argument;
use crate::pg::call::{Call, Rows, Value};
use crate::pg::entry::entry;
use crate::store::RunId;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

entry!(migrations_apply, pg_finfo_migrations_apply, apply);
entry!(migrations_apply_all, pg_finfo_migrations_apply_all, apply_all);
entry!(migrations_rollback, pg_finfo_migrations_rollback, rollback);
entry!(migrations_rollback_to, pg_finfo_migrations_rollback_to, rollback_to);
entry!(migrations_redo, pg_finfo_migrations_redo, redo);
entry!(migrations_reset, pg_finfo_migrations_reset, reset);
entry!(migrations_apply_each, pg_finfo_migrations_apply_each, apply_each);
entry!(migrations_rollback_each, pg_finfo_migrations_rollback_each, rollback_each);
entry!(migrations_rollback_to_each, pg_finfo_migrations_rollback_to_each, rollback_to_each);
entry!(migrations_redo_each, pg_finfo_migrations_redo_each, redo_each);
entry!(migrations_reset_each, pg_finfo_migrations_reset_each, reset_each);
entry!(migrations_version_for_number, pg_finfo_migrations_version_for_number, version_for_number);
entry!(migrations_ambiguous_version, pg_finfo_migrations_ambiguous_version, ambiguous_version);
entry!(migrations_verify, pg_finfo_migrations_verify, verify);

/// `apply(target, project, only_version)`: a row for each finished step.
fn apply(call: &Call) -> Result<Datum> {
    let target = call.text(0).map(|target| version(&target)).transpose()?;
    let project = project(call, 1)?;
    let only = call.text(2).map(|only| version(&only)).transpose()?;
    let scope = super::scope(target.as_ref(), only.as_ref())?;
    answer(call, |add| atomic::apply(&project, scope, add))
}

/// `apply_all(projects)`: a row for each finished step.
fn apply_all(call: &Call) -> Result<Datum> {
    let projects = match call.is_null(0) {
        true => None,
        false => Some(call.texts(0, "projects")?),
    };
    for name in projects.iter().flatten() {
        check_project(name)?;
    }
    answer(call, |add| atomic::apply_all(projects, add))
}

/// `rollback(n, project)`: a row for each finished step.
fn rollback(call: &Call) -> Result<Datum> {
    let n = call.int(0).ok_or_else(|| argument::null("n"))?;
    let project = project(call, 1)?;
    answer(call, |add| atomic::rollback(&project, Extent::Last(n), add))
}

/// `rollback_to(version, project)`: a row for each finished step.
fn rollback_to(call: &Call) -> Result<Datum> {
    let stays = version(&call.required(0, "version")?)?;
    let project = project(call, 1)?;
    answer(call, |add| atomic::rollback(&project, Extent::After(&stays), add))
}

/// `redo(n, project)`: a row for each finished step.
fn redo(call: &Call) -> Result<Datum> {
    let n = call.int(0).ok_or_else(|| argument::null("n"))?;
    let project = project(call, 1)?;
    answer(call, |add| atomic::redo(&project, n, add))
}

/// `reset(project, confirm)`: a row for each finished step.
fn reset(call: &Call) -> Result<Datum> {
    let project = confirmed(call, false)?;
    answer(call, |add| atomic::rollback(&project, Extent::All, add))
}

/// The project of a reset, if the second argument repeats its name.
fn confirmed(call: &Call, stepwise: bool) -> Result<String> {
    let project = project(call, 0)?;
    match call.text(1).as_deref() == Some(&project) {
        true => Ok(project),
        false => Err(not_confirmed(&project, stepwise)),
    }
}

/// `apply_each(target, project, only_version, INOUT applied, INOUT run_id)`.
fn apply_each(call: &Call) -> Result<Datum> {
    let target = call.text(0).map(|target| version(&target)).transpose()?;
    let project = project(call, 1)?;
    let only = call.text(2).map(|only| version(&only)).transpose()?;
    let scope = super::scope(target.as_ref(), only.as_ref())?;
    check_may_commit(call, scope.request(&project))?;
    let outcome = stepwise::apply_each(&project, scope)?;
    answer_outcome(call, outcome.applied, outcome.id)
}

/// `rollback_each(n, project, INOUT rolled_back, INOUT run_id)`.
fn rollback_each(call: &Call) -> Result<Datum> {
    let n = call.int(0).ok_or_else(|| argument::null("n"))?;
    roll_back_each(call, &project(call, 1)?, Extent::Last(n))
}

/// `rollback_to_each(version, project, INOUT rolled_back, INOUT run_id)`.
fn rollback_to_each(call: &Call) -> Result<Datum> {
    let stays = version(&call.required(0, "version")?)?;
    roll_back_each(call, &project(call, 1)?, Extent::After(&stays))
}

/// `reset_each(project, confirm, INOUT rolled_back, INOUT run_id)`.
fn reset_each(call: &Call) -> Result<Datum> {
    roll_back_each(call, &confirmed(call, true)?, Extent::All)
}

fn roll_back_each(call: &Call, project: &str, extent: Extent) -> Result<Datum> {
    check_may_commit(call, extent.request(project))?;
    let outcome = stepwise::rollback_each(project, extent)?;
    answer_outcome(call, outcome.rolled_back, outcome.id)
}

/// `redo_each(n, project, INOUT applied, INOUT run_id)`.
fn redo_each(call: &Call) -> Result<Datum> {
    let n = call.int(0).ok_or_else(|| argument::null("n"))?;
    let project = project(call, 1)?;
    check_may_commit(call, Request::Redo { n, project: project.clone() })?;
    let outcome = stepwise::redo_each(&project, n)?;
    answer_outcome(call, outcome.applied, outcome.id)
}

fn check_may_commit(call: &Call, request: Request) -> Result<()> {
    match call.may_commit() {
        true => Ok(()),
        false => Err(inside_transaction(request.name(true), &request.atomic())),
    }
}

fn answer_outcome(call: &Call, count: usize, run: Option<RunId>) -> Result<Datum> {
    call.answer_row([Value::Int(count as i32), run.map_or(Value::Null, |run| Value::Uuid(run.0))])
}

/// `rollback(version, project)` and the like, which take a number of migrations: a text would
/// be read as one.
fn version_for_number(call: &Call) -> Result<Datum> {
    let given = call.required(0, "n")?;
    let project = project(call, 1)?;
    Err(version_given_for_number(&call.name(), &given, &project))
}

/// `apply(version, project)` and the like: a number, or an argument that doesn't say whether
/// all up to a version is meant or it alone.
fn ambiguous_version(call: &Call) -> Result<Datum> {
    let given = call.any_as_text(0)?.ok_or_else(|| argument::null("version"))?;
    let project = project(call, 1)?;
    Err(ambiguous(&call.name(), &given, &project))
}

/// `verify(version, project)`: a row for each verify script.
fn verify(call: &Call) -> Result<Datum> {
    let of = call.text(0).map(|of| version(&of)).transpose()?;
    let project = project(call, 1)?;
    let mut rows = call.rows()?;
    for verified in verify::verify(&project, of.as_ref())? {
        rows.add([
            project.as_str().into(),
            verified.version.as_deref().into(),
            verified.name.into(),
            Value::Bool(verified.denial.is_none()),
            verified.denial.as_deref().into(),
            Value::TextArray(verified.messages),
        ]);
    }
    Ok(rows.answer())
}

fn answer(call: &Call, work: impl FnOnce(&mut dyn FnMut(Finished)) -> Result<()>) -> Result<Datum> {
    let mut rows = call.rows()?;
    work(&mut |step| add(&mut rows, step))?;
    Ok(rows.answer())
}

fn add(rows: &mut Rows, step: Finished) {
    rows.add([
        Value::Int(step.step as i32),
        step.project.into(),
        step.version.into(),
        step.name.into(),
        step.direction.word().into(),
        Value::Int(step.outcome.statements as i32),
        Value::Interval(step.took.as_micros() as i64),
        Value::TextArray(step.outcome.output_lines()),
    ]);
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

//! Jobs of pg_cron that apply pending migrations.

use super::session::CallGuard;
use crate::catalog::pg_cron::{Circumstances, Jobs};
use crate::domain::text::literal;
use crate::error::{Error, Result};
use crate::pg::guc;
use crate::pg::quote_identifier;
use crate::pg::spi::View;
use crate::store;
use pgrx::PgSqlErrorCode as Code;

/// The setting that names the database of pg_cron.
const HOME: &str = "cron.database_name";

/// Creates the job of a project, or changes its schedule. Gives the number of the job.
///
/// Errors: see [`CallGuard::enter`]; no such project (42704); pg_cron is not in this database, or
/// the caller may not log in (55000), or not call what the job calls (42501); those of pg_cron
/// about the schedule (22023) and the caller's privileges (42501).
pub fn schedule(cron: &str, project: &str) -> Result<i64> {
    let _running = CallGuard::enter("migrations.schedule()")?;
    check_project(project)?;
    let command = format!("CALL migrations.apply_each(project => {})", literal(project));
    let jobs = enter(|here| {
        if !here.may_log_in || !here.may_apply {
            return Err(job_cannot_run(&here.role, here.may_log_in));
        }
        // With the role, since another role may have to make that call.
        let name = elsewhere(project, &here.database);
        let arguments = [&name, cron, &command, &here.database, &here.role];
        Ok(format!("SELECT cron.schedule_in_database({});", arguments.map(literal).join(", ")))
    })?;
    let job = jobs.schedule(&name(project), cron, &command)?;
    jobs.close()?;
    Ok(job)
}

/// Removes the job of a project. If it is running, it continues to its end.
///
/// Errors: see [`CallGuard::enter`]; the caller has no such job here (42704); pg_cron is not in
/// this database (55000).
pub fn unschedule(project: &str) -> Result<()> {
    let _running = CallGuard::enter("migrations.unschedule()")?;
    let jobs = enter(|here| {
        let job = [&elsewhere(project, &here.database), &here.role].map(|text| literal(text));
        Ok(format!(
            "SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = {} AND username = {};",
            job[0], job[1]
        ))
    })?;
    if !jobs.unschedule(&name(project))? {
        return Err(not_scheduled(project));
    }
    jobs.close()
}

/// The name of a project's job.
fn name(project: &str) -> String {
    format!("migrations:{project}")
}

/// The name of the job in the database of pg_cron, which may have jobs of several databases.
fn elsewhere(project: &str, database: &str) -> String {
    format!("{}:{database}", name(project))
}

/// Checks that a project exists. Error: 42704, which a job would only raise later.
fn check_project(name: &str) -> Result<()> {
    store::with(|batch| batch.project(name, View::Newest)).map(|_| ())
}

/// Opens pg_cron's functions as the caller, with a fixed search_path. `there` gives the statement
/// that does the same in the database of pg_cron, or the error that the job would raise.
fn enter(there: impl FnOnce(&Circumstances) -> Result<String>) -> Result<Jobs> {
    let jobs = Jobs::open()?;
    let here = jobs.look()?;
    let home = guc::value(HOME);
    if !here.is_installed {
        let home = home.as_ref().ok_or_else(not_loaded)?;
        if *home == here.database {
            return Err(not_created());
        }
    }
    let there = there(&here)?;
    match home.filter(|_| !here.is_installed) {
        None => Ok(jobs),
        Some(home) => Err(in_other_database(&home, &there)),
    }
}

/// The server does not load pg_cron (55000).
fn not_loaded() -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "this server does not load pg_cron",
    )
    .hint("Ask a superuser to set shared_preload_libraries = 'pg_cron' and to restart the server. Or let another scheduler run CALL migrations.apply_each();")
}

/// pg_cron belongs into this database, but is not installed in it (55000).
fn not_created() -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "pg_cron is not installed in this database",
    )
    .hint("CREATE EXTENSION pg_cron;")
}

/// pg_cron is in another database (55000). `there`: the statement that does the same there.
fn in_other_database(home: &str, there: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("pg_cron is not installed in this database, but in \"{home}\""),
    )
    .detail("It can be in one database of a server only: the one that cron.database_name names.")
    .hint(format!("Connect to that one: {there}"))
}

/// A job of the caller's would fail whenever it starts: the role may not log in (55000), or not
/// call what the job calls (42501).
fn job_cannot_run(role: &str, may_log_in: bool) -> Error {
    let name = quote_identifier(role);
    let error = match may_log_in {
        false => Error::new(
            Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("a job of role \"{role}\" would never run: the role may not log in"),
        )
        .hint(format!("ALTER ROLE {name} LOGIN; or SET ROLE to one that may log in, and schedule as that one.")),
        true => Error::new(
            Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("a job of role \"{role}\" would never run: the role may not call migrations.apply_each()"),
        )
        .hint(format!("GRANT EXECUTE ON PROCEDURE migrations.apply_each TO {name};")),
    };
    error.detail("pg_cron runs a job as the role that has scheduled it.")
}

/// The caller has no job for the project in this database (42704).
fn not_scheduled(project: &str) -> Error {
    Error::new(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("you have no job for project \"{project}\" in this database"),
    )
    .hint("All jobs that you may see: SELECT jobname, username, database FROM cron.job;")
}

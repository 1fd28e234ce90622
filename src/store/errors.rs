//! Errors about projects that several rooms raise.

use crate::domain::text::{duration, literal};
use crate::error::{Error, Kind};
use pgrx::PgSqlErrorCode as Code;
use std::time::Duration;

/// No project of this name exists (42704). `known`: all that do.
pub fn unknown_project(project: &str, known: &[String]) -> Error {
    let error =
        Error::new(Code::ERRCODE_UNDEFINED_OBJECT, format!("project \"{project}\" does not exist"));
    let error = match known {
        [] => error.detail("This database has no projects yet."),
        _ => error.detail(format!("Projects of this database: {}.", known.join(", "))),
    };
    error
        .hint(match project.starts_with(|c: char| c.is_ascii_digit()) {
            // As in status('003').
            true => format!(
                "It looks like a version. Of a version: SELECT * FROM migrations.status() WHERE version = {};",
                literal(project)
            ),
            false => format!(
                "A project begins with its first migration: SELECT migrations.add('001', 'first', $$...$$, project => {});",
                literal(project)
            ),
        })
        .of(Kind::Unknown)
}

/// Another session runs or registers migrations of the project (55P03). `holder`: who, what and
/// since when, as far as it is known. `waited`: how long the call has waited; None: it is one
/// that never waits.
pub fn busy(project: &str, holder: String, waited: Option<Duration>) -> Error {
    Error::new(
        Code::ERRCODE_LOCK_NOT_AVAILABLE,
        format!("migrations of project \"{project}\" are in use by another session"),
    )
    .detail(holder)
    .hint(match waited {
        None => "Repeat the call when its run, or its transaction, has ended.".to_owned(),
        Some(waited) => format!(
            "Repeat the call when its run, or its transaction, has ended; or have it wait for longer than migrations.run_wait ({}): SET migrations.run_wait = '...';",
            duration(waited)
        ),
    })
}

/// The snapshot of the transaction is older than a change of another session (40001).
pub fn snapshot_too_old(project: &str) -> Error {
    Error::new(
        Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        format!("migrations of project \"{project}\" have changed since this transaction began"),
    )
    .hint("End the transaction and repeat it.")
}

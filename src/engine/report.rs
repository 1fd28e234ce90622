//! What a run tells besides its rows.

use super::step::Direction;
use super::step_error::StatementLocation;
use crate::error::Error;
use crate::pg::message;
use crate::store::RunId;
use std::time::Duration;

/// A NOTICE for a finished migration.
pub fn finished(direction: Direction, title: &str, took: Duration) {
    let word = direction.done();
    message::notice(&format!("{word} {title} in {:.1} ms", took.as_secs_f64() * 1000.0));
}

/// The one line that the server's log keeps of a failed atomic run, which leaves nothing
/// in the database. `key=value` pairs, with quotes around what may hold spaces.
pub fn failed(run: RunId, project: &str, version: &str, at: &StatementLocation, error: &Error) {
    let (sqlstate, message) = error.summary();
    let number = |n: Option<i32>| n.map(|n| n.to_string()).unwrap_or_default();
    message::log(&format!(
        "pg_migrations: run failed: run={run} project={project:?} version={version:?} \
         statement={} line={} sqlstate={sqlstate} message={message:?}",
        number(at.statement()),
        number(at.line()),
    ));
}

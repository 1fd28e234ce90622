//! What a run reports besides its rows.

use super::step::Direction;
use super::step_error::StepError;
use crate::pg::message;
use crate::store::RunId;
use std::time::Duration;

/// A NOTICE for a finished migration.
pub fn finished(direction: Direction, title: &str, took: Duration) {
    let word = direction.done();
    message::notice(&format!("{word} {title} in {:.1} ms", took.as_secs_f64() * 1000.0));
}

/// Writes a line about a failed run to the server's log. It is all that remains of a failed
/// atomic run. It consists of `key=value` pairs, with quotes around texts that may hold spaces.
pub fn failed(run: RunId, project: &str, version: &str, failed: &StepError) {
    let (sqlstate, message) = failed.error.summary();
    let number = |n: Option<i32>| n.map(|n| n.to_string()).unwrap_or_default();
    message::log(&format!(
        "pg_migrations: run failed: run={run} project={project:?} version={version:?} \
         statement={} line={} sqlstate={sqlstate} message={message:?}",
        number(failed.location.statement()),
        number(failed.location.line()),
    ));
}

//! The state of each migration of a project: what `status()` shows.

use super::pending_reasons::PendingReasons;
use crate::domain::moment::Moment;
use crate::engine::half_run::HalfRun;
use crate::engine::script_check;
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::lock_holder::RunningMigration;
use crate::store::overview::{Differences, Pending};
use crate::store::project::Project;
use crate::store::state::State;
use std::collections::HashMap;

/// A migration, the word for its state, and a message about it.
pub struct Described {
    /// The migration.
    pub state: State,
    /// The word for its state.
    pub word: &'static str,
    /// Whether it can run inside a transaction: as a plan says it of a migration that a run may
    /// apply, else as it is marked.
    pub transactional: Option<bool>,
    /// Details of the state.
    pub message: Option<String>,
}

/// The word for a state, and its details.
type Description = (&'static str, Option<String>);

/// Describes all migrations of a project: versions in their order, then repeatable ones by name.
/// Errors: those of [`script_check::nontransactional_reason`].
pub fn describe(batch: &Batch, project: &Project) -> Result<Vec<Described>> {
    let states = batch.states(project)?;
    let failures = batch.failures(project.id, View::Caller)?;
    let half = HalfRun::at_rest(batch, project.id)?;
    let running = batch.running_migration(project.id)?;
    let reasons = PendingReasons::find(batch, project, &states)?;
    let mut transactional = transactional(batch, project, &states)?;
    let described = states.into_iter().enumerate().map(|(n, state)| {
        let half = half.as_ref().filter(|half| half.key == state.key);
        let running = running.as_ref().filter(|running| running.key == state.key);
        let (word, message) = match (running, half, failures.get(&state.key)) {
            (Some(running), ..) => describe_running(running),
            (_, Some(half), failure) => describe_half_run(half, failure),
            (_, None, Some((direction, message)))
                if direction == "down" && state.applied.is_some() =>
            {
                let (word, _) = describe_at_rest(n, &state, &reasons);
                (word, Some(format!("its rollback failed: {message}")))
            }
            // A repeatable migration may be applied as well.
            (_, None, Some((_, message))) => ("failed", Some(message.clone())),
            _ => describe_at_rest(n, &state, &reasons),
        };
        let transactional = transactional.remove(&state.key).or(state.transactional);
        Described { state, word, transactional, message }
    });
    Ok(described.collect())
}

/// A migration that a session is running.
fn describe_running(running: &RunningMigration) -> Description {
    let by = &running.by;
    ("running", Some(if running.is_down { format!("its rollback, {by}") } else { by.clone() }))
}

/// A migration that a stepwise run has begun and not finished. `failure` is its direction and
/// message.
fn describe_half_run(half: &HalfRun, failure: Option<&(String, String)>) -> Description {
    match failure {
        // It awaits a person's decision, whatever has failed since.
        _ if half.way.needs_decision => {
            let last = failure.map(|(_, message)| format!("; last error: {message}"));
            ("interrupted", Some(half.progress() + &last.unwrap_or_default()))
        }
        None if half.is_decided && !half.is_down() => ("pending", Some(half.progress())),
        None => ("interrupted", Some(half.progress())),
        Some((_, message)) if half.is_down() => {
            ("interrupted", Some(format!("its rollback failed: {message}")))
        }
        Some((_, message)) => ("failed", Some(message.clone())),
    }
}

/// A migration that no run has begun. `n` is its index in the list of states.
fn describe_at_rest(n: usize, state: &State, reasons: &PendingReasons) -> Description {
    match state.applied {
        None => describe_not_applied(n, state, reasons),
        Some(_) => describe_applied(n, state, reasons),
    }
}

fn describe_not_applied(n: usize, state: &State, reasons: &PendingReasons) -> Description {
    if let Some(why) = reasons.blocked.get(&n) {
        return ("blocked", Some(why.clone()));
    }
    if let Some(why) = reasons.skipped.get(&n) {
        return ("skipped", Some(why.clone()));
    }
    if reasons.out_of_order.contains(&n) {
        let highest = &reasons.highest_applied;
        return ("out of order", Some(format!("below {highest}, which is applied")));
    }
    match state.registered {
        Some(_) if state.moment != Moment::Changed => ("pending", Some(moment(state))),
        Some(false) => ("pending", Some("only its down is registered".to_owned())),
        _ => ("pending", None),
    }
}

fn describe_applied(n: usize, state: &State, reasons: &PendingReasons) -> Description {
    match (state.registered, state.checksum_ok) {
        (Some(_), _) if state.moment != Moment::Changed => ("applied", Some(moment(state))),
        (None, _) => ("missing", Some("applied, but not registered".to_owned())),
        // Something is registered that did not exist when it was applied.
        (_, Some(false)) if !state.is_repeatable() && !state.changes.is_modification() => {
            let added = state.changes.list();
            let message = format!("added since it was applied: {added}; accept_changes() takes it");
            ("applied", Some(message))
        }
        (_, Some(true)) => match state.origin.as_str() {
            "mark" => ("applied", Some("marked as applied".to_owned())),
            "baseline" => ("applied", Some("baseline".to_owned())),
            _ => ("applied", None),
        },
        _ if state.is_repeatable() => match reasons.blocked.get(&n) {
            Some(why) => ("blocked", Some(why.clone())),
            None => ("pending", Some("changed since it ran".to_owned())),
        },
        _ => {
            let changes = state.changes.list();
            ("modified", Some(format!("changed since it was applied: {changes}")))
        }
    }
}

/// When a repeatable migration runs that belongs to each run.
fn moment(state: &State) -> String {
    format!("runs {} each run that has something to do", state.moment.name())
}

/// Whether the migrations that a run may apply can run inside a transaction, by `version_key`: as
/// [`script_check::nontransactional_reason`] says it to a plan.
fn transactional(
    batch: &Batch,
    project: &Project,
    states: &[State],
) -> Result<HashMap<Vec<u8>, bool>> {
    if !states.iter().any(State::may_run) {
        return Ok(HashMap::new());
    }
    let half = HalfRun::find(batch, project.id, View::Caller)?;
    let Differences { pending, hooks, .. } = batch.differences(project, View::Caller)?;
    let all = pending.into_iter().chain(hooks.into_iter().map(|(_, hook)| hook));
    let one = |migration: Pending| {
        let begun = half.as_ref().is_some_and(|half| half.resumes(&migration));
        let can =
            !begun && script_check::nontransactional_reason(batch, &migration, project)?.is_none();
        Ok((migration.key, can))
    };
    all.map(one).collect()
}

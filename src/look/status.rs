//! The state of each migration of a project, and why it isn't applied.

use crate::domain::moment::Moment;
use crate::domain::plan::{Graph, Node};
use crate::domain::requirement::Requirement;
use crate::domain::version::is_repeatable;
use crate::engine::check;
use crate::engine::half_run::HalfRun;
use crate::engine::requirement;
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::event::identity;
use crate::store::overview::{Differences, Pending, within};
use crate::store::project::Project;
use crate::store::state::State;
use std::collections::{HashMap, HashSet};

/// A migration, the word for its state, and what there is to say about it.
pub struct Described {
    /// The migration.
    pub state: State,
    /// The state in a word.
    pub word: &'static str,
    /// Whether it can run inside a transaction, as a plan has it where one may run; else as it
    /// is marked.
    pub transactional: Option<bool>,
    /// More about it.
    pub message: Option<String>,
}

/// All migrations of a project, versions in their order, then repeatables by name.
pub fn describe(batch: &Batch, project: &Project) -> Result<Vec<Described>> {
    let states = batch.states(project)?;
    let failures = batch.failures(project.id, View::Caller)?;
    let half = HalfRun::at_rest(batch, project.id)?;
    let running = batch.running_migration(project.id)?;
    let waiting = Waiting::find(batch, project, &states)?;
    let mut transactional = transactional(batch, project, &states)?;
    let described = states.into_iter().enumerate().map(|(n, state)| {
        let failure = failures.get(&state.key);
        let half = half.as_ref().filter(|half| half.key == state.key);
        let running = running.as_ref().filter(|running| running.key == state.key);
        let (word, message) = match (failure, half, &state.applied) {
            _ if let Some(running) = running => match running.is_down {
                true => ("running", Some(format!("its rollback, {}", running.by))),
                false => ("running", Some(running.by.clone())),
            },
            // It holds until it is decided, whatever has failed since.
            (failure, Some(half), _) if half.way.needs_decision => {
                let last = failure.map(|(_, message)| format!("; last error: {message}"));
                ("interrupted", Some(half.progress() + &last.unwrap_or_default()))
            }
            (None, Some(half), _) if half.is_decided && !half.is_down() => {
                ("pending", Some(half.progress()))
            }
            (Some((_, message)), Some(half), _) if half.is_down() => {
                ("interrupted", Some(format!("its rollback failed: {message}")))
            }
            (Some((direction, message)), None, Some(_)) if direction == "down" => {
                (waiting.describe(n, &state).0, Some(format!("its rollback failed: {message}")))
            }
            // A repeatable one may have run before.
            (Some((_, message)), ..) => ("failed", Some(message.clone())),
            (None, Some(half), _) => ("interrupted", Some(half.progress())),
            _ => waiting.describe(n, &state),
        };
        let transactional = transactional.remove(&state.key).or(state.transactional);
        Described { state, word, transactional, message }
    });
    Ok(described.collect())
}

/// Whether those that a run may apply can run inside a transaction, by key: as [`check::cause`]
/// gives it to a plan.
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
        let can = !begun && check::cause(batch, &migration, project)?.is_none();
        Ok((migration.key, can))
    };
    all.map(one).collect()
}

/// Why migrations that aren't applied aren't. Indices are those of the states, which are
/// also those of the graph: both are in version order.
#[derive(Default)]
struct Waiting {
    blocked: HashMap<usize, String>,
    skipped: HashMap<usize, String>,
    // The highest applied version, and what is pending below it without being allowed to.
    newest: String,
    late: HashSet<usize>,
}

impl Waiting {
    fn find(batch: &Batch, project: &Project, states: &[State]) -> Result<Waiting> {
        let mut waiting = Waiting::default();
        // An applied repeatable that has changed needs what it requires, too.
        let pending: Vec<usize> = (0..states.len()).filter(|n| states[*n].may_run()).collect();
        if pending.is_empty() {
            return Ok(waiting);
        }
        let skipped = batch.skipped(project.id, View::Caller)?;
        for n in pending.iter().filter(|n| states[**n].applied.is_none()) {
            let state = &states[*n];
            if let Some(reason) = skipped.get(&identity(state.version.as_deref(), &state.name)) {
                waiting.skipped.insert(*n, reason.clone());
            }
        }
        let requires = pending.iter().any(|n| !states[*n].requires.is_empty());
        let graph = graph(states, requires);
        if requires {
            waiting.outside(batch, project, states)?;
            waiting.within(states, &graph);
        }
        let (late, newest) = graph.out_of_order(None);
        if let Some(newest) = newest
            && !project.allows_out_of_order
        {
            waiting.newest = states[newest].version.clone().unwrap_or_default();
            waiting.late = late.into_iter().collect();
        }
        Ok(waiting)
    }

    /// What is missing outside of the project.
    fn outside(&mut self, batch: &Batch, project: &Project, states: &[State]) -> Result<()> {
        let is_outside = |requirement: &Requirement| !matches!(requirement, Requirement::Within(_));
        if !states.iter().any(|s| s.requires.iter().any(is_outside)) {
            return Ok(());
        }
        let pending = batch.differences(project, View::Caller)?.pending;
        let unmet = requirement::unmet(
            batch,
            &pending.iter().collect::<Vec<&Pending>>(),
            &HashSet::new(),
            View::Caller,
        )?;
        for (migration, unmet) in pending.iter().zip(unmet) {
            if let Some(unmet) = unmet
                && let Ok(n) = states.binary_search_by(|s| s.key.cmp(&migration.key))
            {
                self.blocked.insert(n, unmet.to_string());
            }
        }
        Ok(())
    }

    /// What is missing, skipped or blocked within it.
    fn within(&mut self, states: &[State], graph: &Graph) {
        let title = |n: usize| states[n].version.as_deref().unwrap_or(&states[n].name);
        let order = match graph.order() {
            Ok(order) => order,
            Err(cycle) => {
                let path: Vec<&str> = cycle.0.iter().map(|n| title(*n)).collect();
                let path = format!("{} -> {}", path.join(" -> "), path[0]);
                for n in &cycle.0 {
                    self.blocked.insert(*n, format!("is part of the cycle {path}"));
                }
                graph.free()
            }
        };
        let stuck = {
            let done: HashSet<usize> = order.iter().copied().collect();
            graph.all().filter(move |n| !graph.node(*n).applied && !done.contains(n))
        };
        for n in stuck {
            let why = || "requires migrations that require each other".to_owned();
            self.blocked.entry(n).or_insert_with(why);
        }
        let repeatables = self.repeatables(states, graph.all().end);
        for n in order.into_iter().chain(repeatables) {
            for (key, title) in states[n].requires.iter().filter_map(Requirement::within) {
                let why = match states.binary_search_by(|state| state.key.cmp(&key)) {
                    Err(_) => "is not registered",
                    Ok(need) if self.blocked.contains_key(&need) => "is blocked",
                    Ok(need) if self.skipped.contains_key(&need) => "was skipped",
                    Ok(_) => continue,
                };
                self.blocked.entry(n).or_insert_with(|| format!("requires {title}, which {why}"));
                break;
            }
        }
    }

    /// The repeatable ones that may run, each after what it requires of the others; `from` is the
    /// first of all.
    fn repeatables(&mut self, states: &[State], from: usize) -> Vec<usize> {
        let node = |state: &State| Node {
            key: state.key.clone(),
            requires: within(&state.requires),
            applied: !state.may_run(),
        };
        let graph = Graph::new(states[from..].iter().map(node).collect());
        let order = graph.order().unwrap_or_else(|cycle| {
            let names: Vec<&str> = cycle.0.iter().map(|n| states[from + n].name.as_str()).collect();
            let path = format!("{} -> {}", names.join(" -> "), names[0]);
            for n in &cycle.0 {
                self.blocked.insert(from + n, format!("is part of the cycle {path}"));
            }
            let free = graph.free();
            for n in graph.all().filter(|n| !graph.node(*n).applied && !free.contains(n)) {
                let why = || "requires migrations that require each other".to_owned();
                self.blocked.entry(from + n).or_insert_with(why);
            }
            free
        });
        order.into_iter().map(|n| from + n).collect()
    }

    fn describe(&self, n: usize, state: &State) -> (&'static str, Option<String>) {
        let say = |text: &str| Some(text.to_owned());
        match (&state.applied, state.registered, state.checksum_ok) {
            (None, ..) if self.blocked.contains_key(&n) => {
                ("blocked", self.blocked.get(&n).cloned())
            }
            (None, ..) if self.skipped.contains_key(&n) => {
                ("skipped", self.skipped.get(&n).cloned())
            }
            (None, ..) if self.late.contains(&n) => {
                ("out of order", Some(format!("below {}, which is applied", self.newest)))
            }
            (applied, Some(_), _) if state.moment != Moment::Changed => {
                let word = if applied.is_some() { "applied" } else { "pending" };
                (
                    word,
                    Some(format!("runs {} each run that has something to do", state.moment.name())),
                )
            }
            (None, Some(false), _) => ("pending", say("only its down is registered")),
            (None, _, _) => ("pending", None),
            (Some(_), None, _) => ("missing", say("applied, but not registered")),
            // Something is registered that was not there when it was applied.
            (Some(_), _, Some(false))
                if !state.is_repeatable() && !state.changes.is_modification() =>
            {
                let added = state.changes.list();
                (
                    "applied",
                    Some(format!("added since it was applied: {added}; accept_changes() takes it")),
                )
            }
            (Some(_), _, Some(true)) => match state.origin.as_str() {
                "mark" => ("applied", say("marked as applied")),
                "baseline" => ("applied", say("baseline")),
                _ => ("applied", None),
            },
            _ if state.is_repeatable() => match self.blocked.get(&n) {
                Some(reason) => ("blocked", Some(reason.clone())),
                None => ("pending", say("changed since it ran")),
            },
            _ => (
                "modified",
                Some(format!("changed since it was applied: {}", state.changes.list())),
            ),
        }
    }
}

fn graph(states: &[State], requires: bool) -> Graph {
    let versions = states.iter().filter(|s| !is_repeatable(&s.key));
    let node = |state: &State| Node {
        key: state.key.clone(),
        requires: if requires { within(&state.requires) } else { Vec::new() },
        applied: state.applied.is_some(),
    };
    Graph::new(versions.map(node).collect())
}

//! Why migrations that are not applied are not: what blocks them, whether a run has skipped them,
//! and which ones are out of order.

use crate::domain::plan::{Graph, Node};
use crate::domain::requirement::Requirement;
use crate::domain::version::is_repeatable;
use crate::engine::requirement;
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::event::identity;
use crate::store::overview::{Pending, within};
use crate::store::project::Project;
use crate::store::state::State;
use std::collections::{HashMap, HashSet};

/// The reasons, by the index of a migration in the list of states, which is also its index in the
/// graph: both are in version order.
#[derive(Default)]
pub struct PendingReasons {
    /// What blocks a migration.
    pub blocked: HashMap<usize, String>,
    /// Why a run has skipped a migration.
    pub skipped: HashMap<usize, String>,
    /// The highest applied version.
    pub highest_applied: String,
    /// Pending migrations below it, unless the project allows them.
    pub out_of_order: HashSet<usize>,
}

impl PendingReasons {
    /// Finds the reasons for the migrations of a project. `states` are all of them, in order. Errors:
    /// the server's.
    pub fn find(batch: &Batch, project: &Project, states: &[State]) -> Result<PendingReasons> {
        let mut reasons = PendingReasons::default();
        // Also for a repeatable migration that is applied and has changed.
        let pending: Vec<usize> = (0..states.len()).filter(|n| states[*n].may_run()).collect();
        if pending.is_empty() {
            return Ok(reasons);
        }
        let skipped = batch.skipped(project.id, View::Caller)?;
        for n in pending.iter().filter(|n| states[**n].applied.is_none()) {
            let state = &states[*n];
            if let Some(reason) = skipped.get(&identity(state.version.as_deref(), &state.name)) {
                reasons.skipped.insert(*n, reason.clone());
            }
        }
        let requires = pending.iter().any(|n| !states[*n].requires.is_empty());
        let graph = graph(states, requires);
        if requires {
            reasons.find_outside(batch, project, states)?;
            reasons.find_within(states, &graph);
        }
        let (out_of_order, highest) = graph.out_of_order(None);
        if let Some(highest) = highest
            && !project.allows_out_of_order
        {
            reasons.highest_applied = states[highest].version.clone().unwrap_or_default();
            reasons.out_of_order = out_of_order.into_iter().collect();
        }
        Ok(reasons)
    }

    /// Finds requirements outside of the project that are not met.
    fn find_outside(&mut self, batch: &Batch, project: &Project, states: &[State]) -> Result<()> {
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

    /// Finds requirements within the project that are not registered, skipped or blocked.
    fn find_within(&mut self, states: &[State], graph: &Graph) {
        let title = |n: usize| states[n].version.as_deref().unwrap_or(&states[n].name);
        let order = match graph.order() {
            Ok(order) => order,
            Err(cycle) => {
                let titles: Vec<&str> = cycle.0.iter().map(|n| title(*n)).collect();
                self.block_cycle(&cycle.0, &titles);
                graph.free()
            }
        };
        let stuck = {
            let done: HashSet<usize> = order.iter().copied().collect();
            graph.all().filter(move |n| !graph.node(*n).applied && !done.contains(n))
        };
        for n in stuck {
            self.block_dependent_of_cycle(n);
        }
        let repeatables = self.order_repeatables(states, graph.all().end);
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

    /// Blocks the migrations of a cycle.
    fn block_cycle(&mut self, cycle: &[usize], titles: &[&str]) {
        let path = format!("{} -> {}", titles.join(" -> "), titles[0]);
        for n in cycle {
            self.blocked.insert(*n, format!("is part of the cycle {path}"));
        }
    }

    /// Blocks a migration that directly or indirectly requires those of a cycle.
    fn block_dependent_of_cycle(&mut self, n: usize) {
        let why = || "requires migrations that require each other".to_owned();
        self.blocked.entry(n).or_insert_with(why);
    }

    /// The repeatable migrations that may run, each after those that it requires, and blocks those
    /// in cycles. `from` is the index of the first repeatable migration.
    fn order_repeatables(&mut self, states: &[State], from: usize) -> Vec<usize> {
        let node = |state: &State| Node {
            key: state.key.clone(),
            requires: within(&state.requires),
            applied: !state.may_run(),
        };
        let graph = Graph::new(states[from..].iter().map(node).collect());
        let order = graph.order().unwrap_or_else(|cycle| {
            let cycle: Vec<usize> = cycle.0.iter().map(|n| from + n).collect();
            let names: Vec<&str> = cycle.iter().map(|n| states[*n].name.as_str()).collect();
            self.block_cycle(&cycle, &names);
            let free = graph.free();
            for n in graph.all().filter(|n| !graph.node(*n).applied && !free.contains(n)) {
                self.block_dependent_of_cycle(from + n);
            }
            free
        });
        order.into_iter().map(|n| from + n).collect()
    }
}

/// The graph of the versions. Their requirements are left out unless `requires` is true.
fn graph(states: &[State], requires: bool) -> Graph {
    let versions = states.iter().filter(|s| !is_repeatable(&s.key));
    let node = |state: &State| Node {
        key: state.key.clone(),
        requires: if requires { within(&state.requires) } else { Vec::new() },
        applied: state.applied.is_some(),
    };
    Graph::new(versions.map(node).collect())
}

//! The steps that an apply would take, and what keeps some from being taken.

use crate::domain::requirement::Requirement;
use crate::engine::errors::Unmet;
use crate::engine::half_run::HalfRun;
use crate::engine::plan::{self, Planned};
use crate::engine::request::Scope;
use crate::engine::requirement;
use crate::engine::script_check;
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::overview::Pending;
use std::collections::HashSet;

/// A row of the plan: a step that an apply would take.
pub struct PlanRow {
    /// Its number, from 1. None: it is blocked.
    pub number: Option<i32>,
    /// The migration's version; None: a repeatable migration.
    pub version: Option<String>,
    /// The migration's name.
    pub name: String,
    /// `up` or `down`.
    pub direction: String,
    /// Whether it can run inside a transaction.
    pub transactional: bool,
    /// Why it is part of the plan, or blocked.
    pub reason: String,
}

/// The steps that an apply would take in a project. Errors: the version that is meant is not
/// registered (42704), and those of a plan.
pub fn steps(batch: &Batch, name: &str, scope: Scope) -> Result<Vec<PlanRow>> {
    let Some(project) = batch.project(name, View::Caller)? else {
        return match scope.version() {
            None => Ok(Vec::new()),
            Some(version) => Err(plan::unknown(version, name)),
        };
    };
    let half = HalfRun::at_rest(batch, project.id)?;
    let planned = plan::up(batch, &project, scope, half.as_ref(), View::Caller)?;
    let migrations: Vec<&Pending> = planned.iter().map(|p| &p.migration).collect();
    let unmet = requirement::unmet(batch, &migrations, &HashSet::new(), View::Caller)?;
    let causes: Result<Vec<_>> = migrations
        .iter()
        .map(|migration| script_check::nontransactional_reason(batch, migration, &project))
        .collect();
    let causes = causes?;
    // Unless the plan resumes what is half run, nothing runs.
    let resumes = |half: &HalfRun| planned.first().is_some_and(|p| half.resumes(&p.migration));
    let stops = half.as_ref().filter(|half| !resumes(half));
    let mut steps: Vec<PlanRow> = stops.map(of_half_run).into_iter().collect();
    let mut numbering = Numbering { stops, next: 1, blocked: HashSet::new() };
    for ((Planned { migration, reason }, unmet), cause) in
        planned.into_iter().zip(unmet).zip(causes)
    {
        let (number, reason) = numbering.number(&migration, unmet, reason);
        let is_half_run = half.as_ref().is_some_and(|half| half.resumes(&migration));
        steps.push(PlanRow {
            number,
            version: migration.version,
            name: migration.name,
            direction: "up".to_owned(),
            transactional: cause.is_none() && !is_half_run,
            reason: match cause {
                Some(cause) => format!("{reason}; {cause}"),
                None => reason,
            },
        });
    }
    Ok(steps)
}

/// The row of a half-run migration that the plan does not resume.
fn of_half_run(half: &HalfRun) -> PlanRow {
    PlanRow {
        number: None,
        version: half.version.clone(),
        name: half.name.clone(),
        direction: half.way.direction.clone(),
        transactional: false,
        reason: half.reason(),
    }
}

/// Numbers the steps that can be taken.
struct Numbering<'a> {
    /// A half-run migration that blocks all others.
    stops: Option<&'a HalfRun>,
    next: i32,
    /// The keys of the migrations that are blocked.
    blocked: HashSet<Vec<u8>>,
}

impl Numbering<'_> {
    /// The number of the next step, and the reason to show. None: it is blocked.
    fn number(
        &mut self,
        migration: &Pending,
        unmet: Option<Unmet>,
        reason: String,
    ) -> (Option<i32>, String) {
        let mut requires = migration.requires.iter().filter_map(Requirement::within);
        let waits = requires.find(|(key, _)| self.blocked.contains(key));
        let waits = waits.map(|(_, title)| format!("requires {title}, which is blocked"));
        let waits = self.stops.map(|half| format!("{} is half run", half.subject())).or(waits);
        match unmet.map(|unmet| unmet.to_string()).or(waits) {
            Some(why) => {
                self.blocked.insert(migration.key.clone());
                (None, format!("blocked: {why}"))
            }
            None => {
                self.next += 1;
                (Some(self.next - 1), reason)
            }
        }
    }
}

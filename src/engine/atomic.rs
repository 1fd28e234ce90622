//! Runs in one transaction: the whole plan, or nothing.

use super::errors;
use super::half_run;
use super::naming::title_of;
use super::plan;
use super::request::{Extent, Request, Scope};
use super::requirement;
use super::rollback_plan::{self, rollback_candidates};
use super::run::Run;
use super::run_mode::RunMode;
use super::session::{CallGuard, lock_project};
use super::step::{Act, Finished, Step};
use super::tables::Tables;
use crate::domain::plan::merge;
use crate::domain::requirement::Requirement;
use crate::error::Result;
use crate::pg::message;
use crate::pg::spi::View;
use crate::store::applied::Applied;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, Store};
use std::collections::{HashMap, HashSet};

/// Receives the finished steps.
type StepSink<'a> = &'a mut dyn FnMut(Finished);

/// The projects of a run, which are locked, and its steps. None: there is nothing to do.
type Plan = Option<(Vec<Project>, Vec<Step>)>;

/// Applies the pending migrations of a project that the scope selects.
///
/// Errors before anything runs: see [`CallGuard::enter`], [`lock_project`],
/// [`half_run::refuse`], [`plan::up`] and [`requirement::check`]; a migration cannot run in this
/// transaction (55000 and those of [`super::script_check::check`]). Later: those of the scripts.
pub fn apply(project: &str, scope: Scope, finished: StepSink) -> Result<()> {
    run(&scope.request(project), |tables| plan_apply(tables, project, scope), finished)
}

/// Applies all pending migrations of several projects (of all, without names), in an
/// order that meets their requirements on each other. A project continues as long as it can
/// before the next one begins.
///
/// Errors: those of [`apply`]; migrations of different projects require each other (55000).
pub fn apply_all(names: Option<Vec<String>>, finished: StepSink) -> Result<()> {
    run(&Request::ApplyAll, |tables| plan_apply_all(tables, names), finished)
}

/// Rolls back applied migrations of a project, the last applied one first. Baseline and
/// repeatable migrations remain.
///
/// Errors before anything runs: see [`CallGuard::enter`], [`lock_project`] and
/// [`half_run::refuse`]; unknown project or version (42704); n is less than 1 or more than are
/// applied (22023); a migration has no down, or one that cannot run in this transaction (55000
/// and those of [`super::script_check::check`]); a migration that remains, in whatever project,
/// requires one of them (2BP01).
pub fn rollback(project: &str, extent: Extent, finished: StepSink) -> Result<()> {
    let plan = |tables: &Batch| {
        let candidates = lock_and_find_candidates(tables, project, extent)?;
        Ok(candidates.map(|(project, candidates)| {
            (vec![project], Step::of_one_project(candidates.into_iter().map(Act::Down)))
        }))
    };
    run(&extent.request(project), plan, finished)
}

/// Rolls back the last n applied migrations of a project and applies them again, as they
/// are registered now. Errors: those of [`rollback`] and [`apply`].
pub fn redo(project: &str, n: i32, finished: StepSink) -> Result<()> {
    let plan = |tables: &Batch| {
        let candidates = lock_and_find_candidates(tables, project, Extent::Last(n))?;
        let Some((project, downs)) = candidates else { return Ok(None) };
        let acts = rollback_plan::again(tables, &project, downs)?;
        Ok(Some((vec![project], Step::of_one_project(acts))))
    };
    run(&Request::Redo { n, project: project.to_owned() }, plan, finished)
}

fn run(
    request: &Request,
    plan: impl FnOnce(&Batch) -> Result<Plan>,
    finished: StepSink,
) -> Result<()> {
    let _guard = CallGuard::enter(request.name(false))?;
    let store = Store::find()?;
    let tables = Tables::of(&store);
    let Some((projects, steps)) = tables.as_owner(plan)? else { return tables.release() };
    let id = tables.as_owner(|tables| tables.new_run_id())?;
    let projects: Vec<&Project> = projects.iter().collect();
    Run::begin(tables, &projects, request, id, RunMode::Atomic)?.all(&steps, finished)
}

fn plan_apply(tables: &Batch, name: &str, scope: Scope) -> Result<Plan> {
    let Some(project) = tables.project(name, View::Newest)? else {
        return match scope.version() {
            Some(version) => Err(plan::unknown(version, name)),
            None => {
                message::notice(&format!("nothing to do: project {name} has no migrations"));
                Ok(None)
            }
        };
    };
    let project = lock_project(tables, &project)?;
    half_run::refuse(tables, &project)?;
    let is_all = matches!(scope, Scope::All);
    if is_all && project.is_complete {
        report_nothing_to_do(tables, &project)?;
        return Ok(None);
    }
    let plan = plan::up(tables, &project, scope, None, View::Newest)?;
    if plan.is_empty() {
        if is_all {
            // The next call need not look.
            tables.note_completeness(&project)?;
        }
        report_nothing_to_do(tables, &project)?;
        return Ok(None);
    }
    let plan: Vec<Pending> = plan.into_iter().map(|planned| planned.migration).collect();
    requirement::hold(tables, &[&project.name], &plan.iter().collect::<Vec<_>>())?;
    requirement::check_own(tables, &project, &plan)?;
    Ok(Some((vec![project], Step::of_one_project(plan.into_iter().map(Act::Up)))))
}

/// A NOTICE that there is nothing to do.
pub fn report_nothing_to_do(tables: &Batch, project: &Project) -> Result<()> {
    let version = tables.highest_applied(project.id, View::Newest)?;
    message::notice(&match version {
        Some(version) => {
            format!("nothing to do: project {} is at version {version}", project.name)
        }
        None => format!("nothing to do: project {} has no migrations", project.name),
    });
    Ok(())
}

fn plan_apply_all(tables: &Batch, names: Option<Vec<String>>) -> Result<Plan> {
    let mut names = match names {
        Some(names) => names,
        None => tables.projects()?,
    };
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let projects = lock_all(tables, &names)?;
    let mut plans: Vec<Vec<Pending>> = Vec::with_capacity(projects.len());
    for project in &projects {
        half_run::refuse(tables, project)?;
        let plan = match project.is_complete {
            true => Vec::new(),
            false => plan::up(tables, project, Scope::All, None, View::Newest)?,
        };
        plans.push(plan.into_iter().map(|planned| planned.migration).collect());
    }
    let order = merged(&projects, &plans)?;
    if order.is_empty() {
        message::notice(match names.is_empty() {
            true => "nothing to do: no projects",
            false => "nothing to do: all migrations are applied",
        });
        return Ok(None);
    }
    let ordered: Vec<(&Project, &Pending)> =
        order.iter().map(|(project, n)| (&projects[*project], &plans[*project][*n])).collect();
    let own: Vec<&str> = names.iter().map(String::as_str).collect();
    requirement::hold(tables, &own, &ordered.iter().map(|(_, m)| *m).collect::<Vec<_>>())?;
    let planned =
        ordered.iter().map(|(project, m)| (project.name.clone(), m.key.clone())).collect();
    requirement::check(tables, &ordered, &planned)?;
    let step = |(project, n): &(usize, usize)| Step {
        project: *project,
        act: Act::Up(plans[*project][*n].clone()),
    };
    let steps = order.iter().map(step).collect();
    Ok(Some((projects, steps)))
}

/// Locks projects in the order of their names, and gives them in the order asked for.
/// `default` may have no row.
fn lock_all(tables: &Batch, names: &[String]) -> Result<Vec<Project>> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let mut locked = HashMap::new();
    for name in sorted {
        if let Some(project) = tables.project(name, View::Newest)? {
            locked.insert(name, lock_project(tables, &project)?);
        }
    }
    Ok(names.iter().filter_map(|name| locked.remove(name)).collect())
}

/// The plans of several projects as one plan: pairs of a project and a place in its plan.
fn merged(projects: &[Project], plans: &[Vec<Pending>]) -> Result<Vec<(usize, usize)>> {
    let index: HashMap<&str, usize> =
        projects.iter().enumerate().map(|(n, project)| (project.name.as_str(), n)).collect();
    let places: Vec<HashMap<&[u8], usize>> = plans
        .iter()
        .map(|plan| plan.iter().enumerate().map(|(n, m)| (m.key.as_slice(), n)).collect())
        .collect();
    let lengths: Vec<usize> = plans.iter().map(Vec::len).collect();
    let needs = |project: usize, n: usize| {
        let place = |requirement: &Requirement| match requirement {
            Requirement::Other { project, version } => {
                let other = *index.get(project.as_str())?;
                Some((other, *places[other].get(version.key())?))
            }
            _ => None,
        };
        plans[project][n].requires.iter().filter_map(place).collect()
    };
    merge(&lengths, needs).map_err(|cycle| {
        let title = |(project, n): (usize, usize)| {
            format!("{}:{}", projects[project].name, title_of(&plans[project][n]))
        };
        errors::cycle(&cycle.into_iter().map(title).collect::<Vec<_>>(), None)
    })
}

/// Locks a project, and finds the migrations of it to roll back. None: there are none, which a
/// NOTICE reports.
fn lock_and_find_candidates(
    tables: &Batch,
    name: &str,
    extent: Extent,
) -> Result<Option<(Project, Vec<Applied>)>> {
    extent.check()?;
    let found = tables.project(name, View::Newest)?;
    let project = found.map(|project| lock_project(tables, &project)).transpose()?;
    if let Some(project) = &project {
        half_run::refuse(tables, project)?;
    }
    let plan = rollback_candidates(tables, name, project.as_ref(), extent)?;
    if plan.is_empty() {
        message::notice(&match extent {
            Extent::After(version) => {
                format!("nothing to do: nothing was applied after {}", version.text())
            }
            _ => format!("nothing to do: project {name} has nothing to roll back"),
        });
    }
    Ok(project.filter(|_| !plan.is_empty()).map(|project| (project, plan)))
}

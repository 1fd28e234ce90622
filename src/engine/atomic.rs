//! Runs in one transaction: all of a plan, or nothing. Here the plan is made; what
//! carries it out is [`super::run`].

use super::half_run;
use super::naming::title_of;
use super::plan;
use super::request::Request;
use super::request::{Extent, Scope};
use super::requirement;
use super::rollback_plan::{self, rollback_candidates};
use super::run::Run;
use super::session::{CallGuard, lock_project};
use super::step::{Act, Finished, Step};
use crate::domain::plan::merge;
use crate::domain::requirement::Requirement;
use crate::error::{Error, Result};
use crate::pg::message;
use crate::pg::spi::View;
use crate::store::applied::Applied;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, Store};
use std::collections::{HashMap, HashSet};

/// Receives the finished steps.
type Report<'a> = &'a mut dyn FnMut(Finished);

/// Applies the pending migrations of a project that are meant.
///
/// Errors, all before anything runs: see [`CallGuard::enter`], [`lock_project`],
/// [`half_run::refuse`], [`plan::up`] and [`requirement::check`]; one of them can't run here (55000 and those of
/// [`super::script_check::body`]). Later: what the bodies raise.
pub fn apply(project: &str, scope: Scope, finished: Report) -> Result<()> {
    let request = scope.request(project);
    let _running = CallGuard::enter(request.name(false))?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(project) = batch.project(project, View::Newest)? else {
        batch.close()?;
        return match scope.version() {
            Some(version) => Err(plan::unknown(version, project)),
            None => {
                message::notice(&format!("nothing to do: project {project} has no migrations"));
                Ok(())
            }
        };
    };
    let project = lock_project(&batch, &project)?;
    half_run::refuse(&batch, &project)?;
    if matches!(scope, Scope::All) && project.is_complete {
        return nothing_to_do(batch, &project);
    }
    let plan = plan::up(&batch, &project, scope, None, View::Newest)?;
    if plan.is_empty() {
        // The next call needn't look.
        if matches!(scope, Scope::All) {
            batch.note_completeness(&project)?;
        }
        return nothing_to_do(batch, &project);
    }
    let plan: Vec<Pending> = plan.into_iter().map(|planned| planned.migration).collect();
    requirement::hold(&batch, &[&project.name], &plan.iter().collect::<Vec<_>>())?;
    requirement::check_own(&batch, &project, &plan)?;
    let run = Run::begin(&store, &batch, &[&project], &request, batch.new_run_id()?)?;
    batch.close()?;
    run.all(plan.into_iter().map(|m| Step { lane: 0, act: Act::Up(m) }).collect(), finished)
}

fn nothing_to_do(batch: Batch, project: &Project) -> Result<()> {
    tell_nothing_to_do(&batch, project)?;
    batch.close()
}

/// A NOTICE that says so.
pub fn tell_nothing_to_do(batch: &Batch, project: &Project) -> Result<()> {
    let version = batch.highest_applied(project.id, View::Newest)?;
    message::notice(&match version {
        Some(version) => {
            format!("nothing to do: project {} is at version {version}", project.name)
        }
        None => format!("nothing to do: project {} has no migrations", project.name),
    });
    Ok(())
}

/// Applies all pending migrations of several projects (of all, without names), in an
/// order that meets what they require of each other. The first project goes on as long as
/// it can, then the next.
///
/// Errors: those of [`apply`]; migrations of different projects require each other (55000).
pub fn apply_all(names: Option<Vec<String>>, finished: Report) -> Result<()> {
    let request = Request::ApplyAll;
    let _running = CallGuard::enter(request.name(false))?;
    let store = Store::find()?;
    let batch = store.open()?;
    let mut names = match names {
        Some(names) => names,
        None => batch.projects()?,
    };
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let projects = lock_all(&batch, &names)?;
    let mut plans: Vec<Vec<Pending>> = Vec::with_capacity(projects.len());
    for project in &projects {
        half_run::refuse(&batch, project)?;
        let plan = match project.is_complete {
            true => Vec::new(),
            false => plan::up(&batch, project, Scope::All, None, View::Newest)?,
        };
        plans.push(plan.into_iter().map(|planned| planned.migration).collect());
    }
    let order = merged(&projects, &plans)?;
    if order.is_empty() {
        batch.close()?;
        message::notice(match names.is_empty() {
            true => "nothing to do: no projects",
            false => "nothing to do: all migrations are applied",
        });
        return Ok(());
    }
    let ordered: Vec<(&Project, &Pending)> =
        order.iter().map(|(lane, n)| (&projects[*lane], &plans[*lane][*n])).collect();
    let own: Vec<&str> = names.iter().map(String::as_str).collect();
    requirement::hold(&batch, &own, &ordered.iter().map(|(_, m)| *m).collect::<Vec<_>>())?;
    let planned =
        ordered.iter().map(|(project, m)| (project.name.clone(), m.key.clone())).collect();
    requirement::check(&batch, &ordered, &planned)?;
    let own: Vec<&Project> = projects.iter().collect();
    let run = Run::begin(&store, &batch, &own, &request, batch.new_run_id()?)?;
    batch.close()?;
    let step =
        |(lane, n): &(usize, usize)| Step { lane: *lane, act: Act::Up(plans[*lane][*n].clone()) };
    run.all(order.iter().map(step).collect(), finished)
}

/// Locks projects in the order of their names, and gives them in the order asked for.
/// `default` may have no row.
fn lock_all(batch: &Batch, names: &[String]) -> Result<Vec<Project>> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let mut locked = HashMap::new();
    for name in sorted {
        if let Some(project) = batch.project(name, View::Newest)? {
            locked.insert(name, lock_project(batch, &project)?);
        }
    }
    Ok(names.iter().filter_map(|name| locked.remove(name)).collect())
}

/// The plans of several projects as one: pairs of a project and a place in its plan.
fn merged(projects: &[Project], plans: &[Vec<Pending>]) -> Result<Vec<(usize, usize)>> {
    let lane: HashMap<&str, usize> =
        projects.iter().enumerate().map(|(n, project)| (project.name.as_str(), n)).collect();
    let places: Vec<HashMap<&[u8], usize>> = plans
        .iter()
        .map(|plan| plan.iter().enumerate().map(|(n, m)| (m.key.as_slice(), n)).collect())
        .collect();
    let lengths: Vec<usize> = plans.iter().map(Vec::len).collect();
    let needs = |project: usize, n: usize| {
        let place = |requirement: &Requirement| match requirement {
            Requirement::Other { project, version } => {
                let lane = *lane.get(project.as_str())?;
                Some((lane, *places[lane].get(version.key())?))
            }
            _ => None,
        };
        plans[project][n].requires.iter().filter_map(place).collect()
    };
    merge(&lengths, needs).map_err(|cycle| Error::Cycle {
        path: cycle
            .into_iter()
            .map(|(lane, n)| format!("{}:{}", projects[lane].name, title_of(&plans[lane][n])))
            .collect(),
        project: None,
    })
}

/// Rolls back applied migrations of a project, the last applied one first. What was there
/// before as a baseline, and repeatables, stay.
///
/// Errors, all before anything runs: see [`CallGuard::enter`], [`lock_project`] and
/// [`half_run::refuse`]; unknown project or version (42704); n is less than 1 or more than are applied (22023); one of
/// them has no down, or one that can't run here (55000 and those of
/// [`super::script_check::body`]); one that stays, in whatever project, requires one of them
/// (2BP01).
pub fn rollback(project: &str, extent: Extent, finished: Report) -> Result<()> {
    let request = extent.request(project);
    let _running = CallGuard::enter(request.name(false))?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some((project, plan)) = locked_with_candidates(&batch, project, extent)? else {
        return batch.close();
    };
    let run = Run::begin(&store, &batch, &[&project], &request, batch.new_run_id()?)?;
    batch.close()?;
    run.all(plan.into_iter().map(|a| Step { lane: 0, act: Act::Down(a) }).collect(), finished)
}

/// The project, locked, and what of it goes. None: nothing, which a NOTICE has told.
fn locked_with_candidates(
    batch: &Batch,
    name: &str,
    extent: Extent,
) -> Result<Option<(Project, Vec<Applied>)>> {
    extent.check()?;
    let found = batch.project(name, View::Newest)?;
    let project = found.map(|project| lock_project(batch, &project)).transpose()?;
    if let Some(project) = &project {
        half_run::refuse(batch, project)?;
    }
    let plan = rollback_candidates(batch, name, project.as_ref(), extent)?;
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

/// Rolls back the last n applied migrations of a project and applies them again, as they
/// are registered now. Errors: those of [`rollback`] and [`apply`].
pub fn redo(project: &str, n: i32, finished: Report) -> Result<()> {
    let request = Request::Redo { n, project: project.to_owned() };
    let _running = CallGuard::enter(request.name(false))?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some((project, downs)) = locked_with_candidates(&batch, project, Extent::Last(n))? else {
        return batch.close();
    };
    let acts = rollback_plan::again(&batch, &project, downs)?;
    let run = Run::begin(&store, &batch, &[&project], &request, batch.new_run_id()?)?;
    batch.close()?;
    run.all(acts.into_iter().map(|act| Step { lane: 0, act }).collect(), finished)
}

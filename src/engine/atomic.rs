//! Runs in one transaction: all of a plan, or nothing. Here the plan is made; what
//! carries it out is [`super::run`].

use super::half_run;
use super::plan::{self, Scope};
use super::request::Request;
use super::requirement;
use super::run::Run;
use super::session::{CallGuard, lock_project};
use super::step::{Act, Finished, Step};
use crate::domain::plan::merge;
use crate::domain::requirement::Requirement;
use crate::domain::version::Version;
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
            .map(|(lane, n)| format!("{}:{}", projects[lane].name, plan::title(&plans[lane][n])))
            .collect(),
        project: None,
    })
}

/// What of the applied migrations a rollback takes back.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// The last n.
    Last(i32),
    /// All that were applied after this one.
    After(&'a Version),
    /// All.
    All,
}

impl Extent<'_> {
    /// The call that rolls it back.
    pub fn request(self, project: &str) -> Request {
        let project = project.to_owned();
        match self {
            Extent::Last(n) => Request::Rollback { n, project },
            Extent::After(version) => {
                Request::RollbackTo { version: version.text().to_owned(), project }
            }
            Extent::All => Request::Reset { project },
        }
    }

    /// Errors: it is less than one migration (22023).
    pub fn check(self) -> Result<()> {
        match self {
            Extent::Last(n) if n < 1 => Err(Error::TooFew(n)),
            _ => Ok(()),
        }
    }
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
    let Some((project, plan)) = locked_and_going(&batch, project, extent)? else {
        return batch.close();
    };
    let run = Run::begin(&store, &batch, &[&project], &request, batch.new_run_id()?)?;
    batch.close()?;
    run.all(plan.into_iter().map(|a| Step { lane: 0, act: Act::Down(a) }).collect(), finished)
}

/// The project, locked, and what of it goes. None: nothing, which a NOTICE has told.
fn locked_and_going(
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
    let plan = going(batch, name, project.as_ref(), extent)?;
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

/// What of a locked project goes, the last one first. Errors: see [`rollback`].
pub fn going(
    batch: &Batch,
    name: &str,
    project: Option<&Project>,
    extent: Extent,
) -> Result<Vec<Applied>> {
    let plan = match (project, extent) {
        (None, Extent::Last(_) | Extent::All) => Vec::new(),
        (None, Extent::After(version)) => return Err(plan::unknown(version, name)),
        (Some(project), Extent::Last(n)) => {
            batch.applied_after(project.id, 0, Some(n), View::Newest)?
        }
        (Some(project), Extent::All) => batch.applied_after(project.id, 0, None, View::Newest)?,
        (Some(project), Extent::After(version)) => {
            match batch.find(project.id, version.key(), View::Newest)? {
                None => return Err(plan::unknown(version, name)),
                Some((version, false)) => {
                    return Err(Error::NotApplied { version, project: project.name.clone() });
                }
                Some((_, true)) => {}
            }
            let stays = batch.applied_row(project.id, version.key())?.unwrap_or_default();
            batch.applied_after(project.id, stays, None, View::Newest)?
        }
    };
    if let Extent::Last(n) = extent
        && plan.len() < n as usize
    {
        return Err(Error::TooMany { asked: n, applied: plan.len(), project: name.to_owned() });
    }
    let Some(project) = project else { return Ok(plan) };
    let missing: Vec<String> =
        plan.iter().filter(|m| !m.has_down).map(|m| m.version.clone()).collect();
    if !missing.is_empty() {
        return Err(Error::NoDown { versions: missing, project: project.name.clone() });
    }
    let keys: Vec<(&[u8], &str)> =
        plan.iter().map(|m| (m.key.as_slice(), m.version.as_str())).collect();
    requirement::check_not_required(batch, project, &keys, "roll back")?;
    requirement::dependents_first(batch, project, plan)
}

/// Rolls back the last n applied migrations of a project and applies them again, as they
/// are registered now. Errors: those of [`rollback`] and [`apply`].
pub fn redo(project: &str, n: i32, finished: Report) -> Result<()> {
    let request = Request::Redo { n, project: project.to_owned() };
    let _running = CallGuard::enter(request.name(false))?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some((project, downs)) = locked_and_going(&batch, project, Extent::Last(n))? else {
        return batch.close();
    };
    let acts = again(&batch, &project, downs)?;
    let run = Run::begin(&store, &batch, &[&project], &request, batch.new_run_id()?)?;
    batch.close()?;
    run.all(acts.into_iter().map(|act| Step { lane: 0, act }).collect(), finished)
}

/// The steps that roll migrations back and apply them again. Errors: others are modified, or
/// one of them isn't registered any more (55000, 42704), and those of what applies them.
pub fn again(batch: &Batch, project: &Project, downs: Vec<Applied>) -> Result<Vec<Act>> {
    let keys: Vec<&[u8]> = downs.iter().map(|m| m.key.as_slice()).collect();
    let others = batch.differences(project, View::Newest)?.modified;
    let goes: HashSet<&str> = downs.iter().map(|m| m.version.as_str()).collect();
    let modified = others.len();
    let others: Vec<_> =
        others.into_iter().filter(|m| !goes.contains(m.version.as_str())).collect();
    if !others.is_empty() {
        let (is_all, project) = (others.len() == modified, project.name.clone());
        return Err(Error::Modified { migrations: others, is_all, project });
    }
    let ups = plan::again(batch, project, &keys)?;
    let come: HashSet<&[u8]> = ups.iter().map(|m| m.key.as_slice()).collect();
    if let Some(gone) = downs.iter().find(|down| !come.contains(down.key.as_slice())) {
        let version = gone.version.clone();
        return Err(Error::UnknownTarget { version, project: project.name.clone() });
    }
    requirement::hold(batch, &[&project.name], &ups.iter().collect::<Vec<_>>())?;
    requirement::check_own(batch, project, &ups)?;
    Ok(downs.into_iter().map(Act::Down).chain(ups.into_iter().map(Act::Up)).collect())
}

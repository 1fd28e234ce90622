//! Runs in one transaction: all of a plan, or nothing. Here the plan is made; what
//! carries it out is [`super::run`].

use super::entrance::{Running, lock_project};
use super::run::{Finished, Run, Step};
use crate::domain::plan;
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::pg::message;
use crate::pg::spi::View;
use crate::store::overview::{Differences, Pending};
use crate::store::project::Project;
use crate::store::{Batch, Store};

/// Applies all pending migrations of a project up to and including the target.
///
/// Errors, all before anything runs: see [`Running::enter`] and [`lock_project`]; unknown
/// project or target (42704); an applied migration was modified, a pending one has no up
/// or can't run here (55000 and those of [`check::atomic`]). Later: what the bodies raise.
pub fn apply(
    project: &str,
    target: Option<&Version>,
    finished: &mut dyn FnMut(Finished),
) -> Result<()> {
    let _running = Running::enter("migrations.apply()")?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(project) = batch.project(project, View::Newest)? else {
        batch.close()?;
        return no_migrations(project, target);
    };
    let project = lock_project(&batch, &project)?;
    if target.is_none() && project.is_complete() {
        let version = batch.highest_applied(project.id, View::Newest)?;
        batch.close()?;
        nothing_to_do(&project.name, version.as_deref());
        return Ok(());
    }
    let plan = pending(&batch, &project, target, View::Newest)?;
    let run = Run::begin(&store, &batch, &project)?;
    if plan.is_empty() {
        // Nothing was pending, whatever the generations say; the next call needn't look.
        let version = batch.highest_applied(project.id, View::Newest)?;
        if target.is_none() {
            batch.set_complete(&project, true)?;
        }
        batch.close()?;
        nothing_to_do(&project.name, version.as_deref());
        return Ok(());
    }
    batch.close()?;
    run.all(plan.into_iter().map(Step::Up).collect(), finished)
}

/// What an apply would run, in its order. Errors: unknown target, modified migrations,
/// migrations without an up.
pub fn pending(
    batch: &Batch,
    project: &Project,
    target: Option<&Version>,
    view: View,
) -> Result<Vec<Pending>> {
    if let Some(target) = target
        && !batch.knows(project.id, target.key(), view)?
    {
        return Err(Error::UnknownTarget {
            version: target.text().to_owned(),
            project: project.name.clone(),
        });
    }
    let Differences { pending, modified } = batch.differences(project.id, view)?;
    if !modified.is_empty() {
        return Err(Error::Modified { migrations: modified, project: project.name.clone() });
    }
    let plan = plan::up_to(pending, target.map(Version::key));
    let halves: Vec<String> =
        plan.iter().filter(|m| !m.has_up).map(|m| m.version.clone()).collect();
    if !halves.is_empty() {
        return Err(Error::NoUp { versions: halves, project: project.name.clone() });
    }
    Ok(plan)
}

/// Rolls back the last n applied migrations of a project, the last one first.
///
/// Errors, all before anything runs: see [`Running::enter`] and [`lock_project`]; unknown
/// project (42704); n is less than 1 or more than are applied (22023); one of them has no
/// down, or one that can't run here (55000 and those of [`check::atomic`]).
pub fn rollback(project: &str, n: i32, finished: &mut dyn FnMut(Finished)) -> Result<()> {
    let _running = Running::enter("migrations.rollback()")?;
    if n < 1 {
        return Err(Error::TooFew(n));
    }
    let store = Store::find()?;
    let batch = store.open()?;
    let too_many = |applied| Error::TooMany { asked: n, applied, project: project.to_owned() };
    let Some(project) = batch.project(project, View::Newest)? else {
        return Err(too_many(0));
    };
    let project = lock_project(&batch, &project)?;
    let plan = batch.last_applied(project.id, n)?;
    if plan.len() < n as usize {
        return Err(too_many(plan.len()));
    }
    let missing: Vec<String> =
        plan.iter().filter(|m| !m.has_down).map(|m| m.version.clone()).collect();
    if !missing.is_empty() {
        return Err(Error::NoDown { versions: missing, project: project.name });
    }
    let run = Run::begin(&store, &batch, &project)?;
    batch.close()?;
    run.all(plan.into_iter().map(Step::Down).collect(), finished)
}

fn no_migrations(project: &str, target: Option<&Version>) -> Result<()> {
    if let Some(target) = target {
        let version = target.text().to_owned();
        return Err(Error::UnknownTarget { version, project: project.to_owned() });
    }
    nothing_to_do(project, None);
    Ok(())
}

fn nothing_to_do(project: &str, version: Option<&str>) {
    message::notice(&match version {
        Some(version) => format!("nothing to do: project {project} is at version {version}"),
        None => format!("nothing to do: project {project} has no migrations"),
    });
}

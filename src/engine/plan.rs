//! What an apply would run, and in which order.

use super::errors::{self, Unmet};
use super::half_run::HalfRun;
use super::naming::title_of;
use super::request::Scope;
use super::requirement;
use super::version_order::{VersionOrder, in_order};
use crate::domain::moment::Moment;
use crate::domain::requirement::Requirement;
use crate::domain::text::{has, plural};
use crate::domain::version::{Version, is_repeatable};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::event::identity;
use crate::store::overview::{Differences, Pending, within};
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;
use std::collections::{HashMap, HashSet};

/// A migration of a plan.
pub struct Planned {
    /// The migration.
    pub migration: Pending,
    /// Why it is part of the plan.
    pub reason: String,
}

/// The migrations that an apply would run, in its order; one that is half run comes first,
/// if it is among them. Requirements outside of the
/// project aren't looked at: see [`super::requirement`].
///
/// Errors: the version isn't known (42704); a migration requires one that isn't
/// registered (42704); migrations require each other, an applied one was modified, one
/// has no up, or is below an applied one where that isn't allowed (55000).
pub fn up(
    batch: &Batch,
    project: &Project,
    scope: Scope,
    half: Option<&HalfRun>,
    view: View,
) -> Result<Vec<Planned>> {
    let applied_already = match scope.version() {
        None => false,
        Some(version) => match batch.find(project.id, version.key(), view)? {
            Some((_, applied)) => applied,
            None => return Err(unknown(version, &project.name)),
        },
    };
    let Differences { pending, modified, hooks, failed_hooks } =
        batch.differences(project, view)?;
    if !modified.is_empty() {
        return Err(errors::modified(&modified, true, &project.name));
    }
    if applied_already {
        return Ok(Vec::new());
    }
    let (versions, repeatables): (Vec<Pending>, Vec<Pending>) =
        pending.into_iter().partition(|m| !is_repeatable(&m.key));
    let total = versions.len();
    let graph = VersionOrder::of(batch, project, &versions, view)?;
    let mut chosen = graph.order(versions, scope)?;
    // Repeatables come after all versions, so they wait while a version does.
    let all = !matches!(scope, Scope::Only(_)) && chosen.len() == total;
    let mut again = HashMap::new();
    if all && !repeatables.is_empty() {
        chosen.extend(with_dependents(batch, project, repeatables, view, &mut again)?);
    }

    check_ups(project, &chosen)?;
    check_requirements(batch, project, &chosen, view)?;
    let skipped = batch.skipped(project.id, view)?;
    let begun = chosen.iter().find(|m| half.is_some_and(|half| half.resumes(m)));
    let begun = begun.map(|m| m.key.clone());
    let late = match scope {
        Scope::Only(_) => HashSet::new(),
        _ => match graph.late(batch, project, &chosen, begun.as_deref(), &skipped, view) {
            Ok(late) => late,
            // What is blocked as well wouldn't run by itself either.
            Err(error) => {
                requirement::check_own(batch, project, &chosen)?;
                return Err(error);
            }
        },
    };
    let reason = |migration: &Pending| {
        if let Some(half) = half.filter(|half| half.resumes(migration)) {
            return half.reason();
        }
        let skipped = skipped.get(&identity(migration.version.as_deref(), &migration.name));
        match (scope, skipped) {
            (_, Some(_)) => "pending, was skipped".to_owned(),
            (Scope::Only(version), _) if migration.key != version.key() => {
                format!("required by {}", version.text())
            }
            _ if let Some(required) = again.get(&migration.key) => {
                format!("requires {required}, which runs again")
            }
            _ if migration.former.is_some() => "changed since it ran".to_owned(),
            _ if late.contains(&migration.key) => "pending, out of order".to_owned(),
            _ => "pending".to_owned(),
        }
    };
    let chosen = chosen.into_iter().map(|m| Planned { reason: reason(&m), migration: m });
    let (begun, hooks) = hooks.into_iter().partition(|(_, m)| half.is_some_and(|h| h.resumes(m)));
    let begun: Vec<(Moment, Pending)> = begun;
    let mut plan = with_hooks(batch, project, chosen.collect(), hooks, &failed_hooks, view)?;
    plan.extend(begun.into_iter().map(|(_, m)| Planned { reason: reason(&m), migration: m }));
    if let Some(half) = half
        && let Some(place) = plan.iter().position(|planned| half.resumes(&planned.migration))
    {
        plan[..=place].rotate_right(1);
    }
    Ok(plan)
}

/// Pending repeatable migrations, with those that require one of them, directly or not: they run
/// again after it. In an order that meets what they require of each other. `again` gets what
/// those require that have not changed themselves. Error: they require each other (55000).
fn with_dependents(
    batch: &Batch,
    project: &Project,
    pending: Vec<Pending>,
    view: View,
    again: &mut HashMap<Vec<u8>, String>,
) -> Result<Vec<Pending>> {
    let all = batch.repeatables(project, view)?;
    if all.iter().all(|migration| within(&migration.requires).is_empty()) {
        return Ok(pending);
    }
    let mut running: HashSet<Vec<u8>> = pending.iter().map(|m| m.key.clone()).collect();
    let mut chosen = pending;
    // In their order each is looked at after what it requires.
    for migration in in_order(project, all)? {
        let requires = migration.requires.iter().filter_map(Requirement::within);
        let required = requires.into_iter().find(|(key, _)| running.contains(key));
        if let Some((_, title)) = required
            && running.insert(migration.key.clone())
        {
            if migration.former.is_some() {
                again.insert(migration.key.clone(), title);
            }
            chosen.push(migration);
        }
    }
    in_order(project, chosen)
}

/// The keys of the applied repeatable migrations that require this one, directly or not.
pub fn dependents(batch: &Batch, project: &Project, of: &Pending) -> Result<Vec<i64>> {
    let mut again = HashMap::new();
    let all = with_dependents(batch, project, vec![of.clone()], View::Newest, &mut again)?;
    let rows = all.into_iter().filter(|m| m.key != of.key).filter_map(|m| m.former);
    Ok(rows.collect())
}

/// A plan with what runs before and after each run, unless it is empty and none of them has
/// failed. Those wait that
/// require what isn't there by then. Errors: those of [`check_requirements`].
fn with_hooks(
    batch: &Batch,
    project: &Project,
    mut plan: Vec<Planned>,
    hooks: Vec<(Moment, Pending)>,
    failed: &HashSet<Vec<u8>>,
    view: View,
) -> Result<Vec<Planned>> {
    if plan.is_empty() && failed.is_empty() {
        return Ok(plan);
    }
    let planned: HashSet<Vec<u8>> = plan.iter().map(|p| p.migration.key.clone()).collect();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (moment, hook) in hooks {
        check_requirements(batch, project, std::slice::from_ref(&hook), view)?;
        let mut is_met = true;
        for key in within(&hook.requires) {
            is_met &= match moment {
                Moment::AfterRun if planned.contains(&key) => true,
                _ => batch.find(project.id, &key, view)?.is_some_and(|(_, applied)| applied),
            };
        }
        match moment {
            _ if !is_met => {}
            Moment::BeforeRun => before.push(hook),
            _ => after.push(hook),
        }
    }
    let planned = |moment: &'static str| {
        move |migration: Pending| {
            let reason = match failed.contains(&migration.key) {
                true => format!("{moment}, has failed"),
                false => moment.to_owned(),
            };
            Planned { migration, reason }
        }
    };
    plan.extend(after.into_iter().map(planned("after each run")));
    Ok(before.into_iter().map(planned("before each run")).chain(plan).collect())
}

/// Migrations that are about to be rolled back, as they are registered now, in the order
/// in which they are to be applied again. Those that aren't registered are left out.
/// Errors: one has no up, they require each other or one that isn't applied (55000), or
/// isn't registered (42704).
pub fn again(batch: &Batch, project: &Project, keys: &[&[u8]]) -> Result<Vec<Pending>> {
    let ups = batch.registered_as_pending(project, keys)?;
    check_ups(project, &ups)?;
    check_requirements(batch, project, &ups, View::Newest)?;
    let goes: HashSet<&[u8]> = keys.iter().copied().collect();
    for migration in &ups {
        for requirement in &migration.requires {
            let Requirement::Within(version) = requirement else { continue };
            if !goes.contains(version.key())
                && batch.applied_row(project.id, version.key())?.is_none()
            {
                let name = &project.name;
                let (project, version) = (name.clone(), version.text().to_owned());
                let unmet = Unmet::Pending { project, version };
                return Err(errors::blocked(title_of(migration), name, &unmet));
            }
        }
    }
    in_order(project, ups)
}

/// That migrations have an up. Error: 55000.
pub fn check_ups(project: &Project, migrations: &[Pending]) -> Result<()> {
    let halves: Vec<String> =
        migrations.iter().filter(|m| !m.has_up).map(|m| title_of(m).to_owned()).collect();
    match halves.is_empty() {
        true => Ok(()),
        false => Err(no_up(&halves, &project.name)),
    }
}

/// An unknown version.
pub fn unknown(version: &Version, project: &str) -> Error {
    errors::unknown_version(version.text(), project)
}

/// That what is required within the project is registered, or applied.
fn check_requirements(
    batch: &Batch,
    project: &Project,
    chosen: &[Pending],
    view: View,
) -> Result<()> {
    let mut known: HashSet<Vec<u8>> = chosen.iter().map(|m| m.key.clone()).collect();
    for migration in chosen {
        for requirement in &migration.requires {
            if let Some((key, required)) = requirement.within()
                && !known.contains(&key)
            {
                if batch.find(project.id, &key, view)?.is_some() {
                    known.insert(key);
                    continue;
                }
                return Err(missing_requirement(title_of(migration), &required, &project.name));
            }
        }
    }
    Ok(())
}

/// Migrations have a down that was registered, but no up (55000).
fn no_up(versions: &[String], project: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "migration{} {} of project \"{project}\" {} no up",
            plural(versions.len()),
            versions.join(", "),
            has(versions.len())
        ),
    )
    .detail("Only a down was registered.")
    .hint("Register the file that belongs to it, NNN_name.up.sql or NNN_name.sql, with migrations.add_file().")
}

/// A migration requires one that is not registered (42704).
fn missing_requirement(migration: &str, requires: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("migration {migration} of project \"{project}\" requires {requires}, which is not registered"),
    )
    .hint(format!("Register {requires}, or {migration} again with other requirements."))
}

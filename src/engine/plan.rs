//! Which migrations an apply would run, and in which order.

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
use crate::store::event::{Identity, identity};
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

/// The migrations that an apply would run, in its order. A half-run migration comes first, if it
/// is among them. Requirements outside of the project are not checked: see
/// [`super::requirement`].
///
/// Errors: the version is unknown (42704); a migration requires one that is not registered
/// (42704); migrations require each other, an applied one was modified, one has no up, or is
/// below an applied one although the project does not allow that (55000).
pub fn up(
    tables: &Batch,
    project: &Project,
    scope: Scope,
    half: Option<&HalfRun>,
    view: View,
) -> Result<Vec<Planned>> {
    let is_applied = match scope.version() {
        None => false,
        Some(version) => match tables.find(project.id, version.key(), view)? {
            Some((_, is_applied)) => is_applied,
            None => return Err(unknown(version, &project.name)),
        },
    };
    let Differences { pending, modified, hooks, failed_hooks } =
        tables.differences(project, view)?;
    if !modified.is_empty() {
        return Err(errors::modified(&modified, true, &project.name));
    }
    if is_applied {
        return Ok(Vec::new());
    }
    let (chosen, reasons) = choose(tables, project, pending, scope, half, view)?;
    let resumes = |migration: &Pending| half.is_some_and(|half| half.resumes(migration));
    let (begun, hooks): (Vec<_>, Vec<_>) = hooks.into_iter().partition(|(_, hook)| resumes(hook));
    let chosen = chosen.into_iter().map(|m| reasons.planned(m)).collect();
    let mut plan = with_hooks(tables, project, chosen, hooks, &failed_hooks, view)?;
    plan.extend(begun.into_iter().map(|(_, hook)| reasons.planned(hook)));
    if let Some(place) = plan.iter().position(|planned| resumes(&planned.migration)) {
        plan[..=place].rotate_right(1);
    }
    Ok(plan)
}

/// The pending migrations that the scope selects, in their order, and what makes the reasons.
fn choose<'a>(
    tables: &Batch,
    project: &Project,
    pending: Vec<Pending>,
    scope: Scope<'a>,
    half: Option<&'a HalfRun>,
    view: View,
) -> Result<(Vec<Pending>, Reasons<'a>)> {
    let (versions, repeatables): (Vec<Pending>, Vec<Pending>) =
        pending.into_iter().partition(|m| !is_repeatable(&m.key));
    let total = versions.len();
    let order = VersionOrder::of(tables, project, &versions, view)?;
    let mut chosen = order.order(versions, scope)?;
    // Repeatable migrations come after all versions, so they wait while a version does.
    let is_all = !matches!(scope, Scope::Only(_)) && chosen.len() == total;
    let mut again = HashMap::new();
    if is_all && !repeatables.is_empty() {
        chosen.extend(with_dependents(tables, project, repeatables, view, &mut again)?);
    }
    check_ups(project, &chosen)?;
    check_requirements(tables, project, &chosen, view)?;
    let skipped = tables.skipped(project.id, view)?;
    let begun = chosen.iter().find(|m| half.is_some_and(|half| half.resumes(m)));
    let begun = begun.map(|m| m.key.clone());
    let late = match scope {
        Scope::Only(_) => HashSet::new(),
        _ => match order.late(tables, project, &chosen, begun.as_deref(), &skipped, view) {
            Ok(late) => late,
            // A migration that is also blocked would not run by itself either.
            Err(error) => {
                requirement::check_own(tables, project, &chosen)?;
                return Err(error);
            }
        },
    };
    Ok((chosen, Reasons { scope, half, skipped, again, late }))
}

/// What the reasons of a plan are made of.
struct Reasons<'a> {
    scope: Scope<'a>,
    half: Option<&'a HalfRun>,
    // Migrations that the history has as skipped.
    skipped: HashMap<Identity, String>,
    // Repeatable migrations that run because of one that they require, which is the value.
    again: HashMap<Vec<u8>, String>,
    // Migrations below an applied one.
    late: HashSet<Vec<u8>>,
}

impl Reasons<'_> {
    fn planned(&self, migration: Pending) -> Planned {
        Planned { reason: self.reason(&migration), migration }
    }

    fn reason(&self, migration: &Pending) -> String {
        if let Some(half) = self.half.filter(|half| half.resumes(migration)) {
            return half.reason();
        }
        let skipped = self.skipped.get(&identity(migration.version.as_deref(), &migration.name));
        match (self.scope, skipped) {
            (_, Some(_)) => "pending, was skipped".to_owned(),
            (Scope::Only(version), _) if migration.key != version.key() => {
                format!("required by {}", version.text())
            }
            _ if let Some(required) = self.again.get(&migration.key) => {
                format!("requires {required}, which runs again")
            }
            _ if migration.former.is_some() => "changed since it ran".to_owned(),
            _ if self.late.contains(&migration.key) => "pending, out of order".to_owned(),
            _ => "pending".to_owned(),
        }
    }
}

/// Pending repeatable migrations, and those that require one of them, directly or not, which run
/// again after it. The order meets their requirements on each other. `again` gets the migrations
/// that have not changed themselves, with what they require. Error: they require each other
/// (55000).
fn with_dependents(
    tables: &Batch,
    project: &Project,
    pending: Vec<Pending>,
    view: View,
    again: &mut HashMap<Vec<u8>, String>,
) -> Result<Vec<Pending>> {
    let all = tables.repeatables(project, view)?;
    if all.iter().all(|migration| within(&migration.requires).is_empty()) {
        return Ok(pending);
    }
    let mut running: HashSet<Vec<u8>> = pending.iter().map(|m| m.key.clone()).collect();
    let mut chosen = pending;
    // In this order each comes after what it requires.
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

/// The rows of the applied repeatable migrations that require this one, directly or not.
pub fn dependents(tables: &Batch, project: &Project, of: &Pending) -> Result<Vec<i64>> {
    let mut again = HashMap::new();
    let all = with_dependents(tables, project, vec![of.clone()], View::Newest, &mut again)?;
    let rows = all.into_iter().filter(|m| m.key != of.key).filter_map(|m| m.former);
    Ok(rows.collect())
}

/// Adds the migrations that run before and after each run, unless the plan is empty and none of
/// them has failed. A migration whose requirements are not met by then is left out. Errors:
/// those of [`check_requirements`].
fn with_hooks(
    tables: &Batch,
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
        check_requirements(tables, project, std::slice::from_ref(&hook), view)?;
        let mut is_met = true;
        for key in within(&hook.requires) {
            is_met &= match moment {
                Moment::AfterRun if planned.contains(&key) => true,
                _ => tables.find(project.id, &key, view)?.is_some_and(|(_, applied)| applied),
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

/// Migrations that are about to be rolled back, as they are registered now, in the order in
/// which they will be applied again. Those that are not registered are left out. Errors: one has
/// no up, they require each other or one that is not applied (55000) or not registered (42704).
pub fn again(tables: &Batch, project: &Project, keys: &[&[u8]]) -> Result<Vec<Pending>> {
    let ups = tables.registered_as_pending(project, keys)?;
    check_ups(project, &ups)?;
    check_requirements(tables, project, &ups, View::Newest)?;
    let goes: HashSet<&[u8]> = keys.iter().copied().collect();
    for migration in &ups {
        for requirement in &migration.requires {
            let Requirement::Within(version) = requirement else { continue };
            if !goes.contains(version.key())
                && tables.applied_row(project.id, version.key())?.is_none()
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

/// Checks that migrations have an up. Error: 55000.
pub fn check_ups(project: &Project, migrations: &[Pending]) -> Result<()> {
    let halves: Vec<String> =
        migrations.iter().filter(|m| !m.has_up).map(|m| title_of(m).to_owned()).collect();
    match halves.is_empty() {
        true => Ok(()),
        false => Err(no_up(&halves, &project.name)),
    }
}

/// The error for an unknown version.
pub fn unknown(version: &Version, project: &str) -> Error {
    errors::unknown_version(version.text(), project)
}

/// Checks that what migrations require within the project is registered or applied.
fn check_requirements(
    tables: &Batch,
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
                if tables.find(project.id, &key, view)?.is_some() {
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

//! What an apply would run, and in which order.

use super::errors::{self, Unmet};
use super::half_run::HalfRun;
use super::request::Request;
use super::requirement;
use crate::domain::moment::Moment;
use crate::domain::plan::{Cycle, Graph, Node};
use crate::domain::requirement::Requirement;
use crate::domain::text::{has, literal, plural};
use crate::domain::version::{Version, is_repeatable};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::event::{Identity, identity};
use crate::store::overview::{Differences, Pending, within};
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;
use std::collections::{HashMap, HashSet};

/// Which of the pending migrations are meant.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// All of them.
    All,
    /// Those up to and including this one, in the order of the plan.
    Target(&'a Version),
    /// This one, and what it requires.
    Only(&'a Version),
}

impl<'a> Scope<'a> {
    /// The version that is named, if one is.
    pub fn version(self) -> Option<&'a Version> {
        match self {
            Scope::All => None,
            Scope::Target(version) | Scope::Only(version) => Some(version),
        }
    }

    /// The call that applies it.
    pub fn request(self, project: &str) -> Request {
        let text = |version: &Version| Some(version.text().to_owned());
        let (target, only) = match self {
            Scope::All => (None, None),
            Scope::Target(version) => (text(version), None),
            Scope::Only(version) => (None, text(version)),
        };
        Request::Apply { target, only, project: project.to_owned() }
    }
}

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
    let graph = Natural::or_graph(batch, project, &versions, view)?;
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
                let (name, version) = (project.name.clone(), version.text().to_owned());
                let project = name.clone();
                let unmet = Unmet::Pending { project, version };
                return Err(errors::blocked(title(migration), &name, &unmet));
            }
        }
    }
    in_order(project, ups)
}

/// That migrations have an up. Error: 55000.
pub fn check_ups(project: &Project, migrations: &[Pending]) -> Result<()> {
    let halves: Vec<String> =
        migrations.iter().filter(|m| !m.has_up).map(|m| title(m).to_owned()).collect();
    match halves.is_empty() {
        true => Ok(()),
        false => Err(no_up(&halves, &project.name)),
    }
}

/// The version of a migration, or the name of a repeatable one.
pub fn title(migration: &Pending) -> &str {
    migration.version.as_deref().unwrap_or(&migration.name)
}

/// An unknown version.
pub fn unknown(version: &Version, project: &str) -> Error {
    errors::unknown_version(version.text(), project)
}

/// Migrations that require each other.
pub fn cycle(cycle: &Cycle, graph: &Graph, project: &Project, names: &Names) -> Error {
    let name = |n: &usize| names.get(&graph.node(*n).key).cloned().unwrap_or_default();
    errors::cycle(&cycle.0.iter().map(name).collect::<Vec<_>>(), Some(&project.name))
}

/// Versions by their keys.
pub type Names = HashMap<Vec<u8>, String>;

fn names(versions: &[Pending]) -> Names {
    versions.iter().map(|m| (m.key.clone(), title(m).to_owned())).collect()
}

/// Migrations, in an order that does justice to what they require of each other.
pub fn in_order(project: &Project, mut versions: Vec<Pending>) -> Result<Vec<Pending>> {
    versions.sort_by(|a, b| a.key.cmp(&b.key));
    let nodes = versions.iter().map(|m| Node {
        key: m.key.clone(),
        requires: within(&m.requires),
        applied: false,
    });
    let graph = Graph::new(nodes.collect());
    Natural::No(graph, names(&versions), project).order(versions, Scope::All)
}

/// The order of a project's versions.
enum Natural<'a> {
    /// None of the pending ones requires another one, so it is that of the versions.
    Yes,
    /// The graph of what requires what.
    No(Graph, Names, &'a Project),
}

impl<'a> Natural<'a> {
    fn or_graph(
        batch: &Batch,
        project: &'a Project,
        versions: &[Pending],
        view: View,
    ) -> Result<Natural<'a>> {
        if versions.iter().all(|m| within(&m.requires).is_empty()) {
            return Ok(Natural::Yes);
        }
        Ok(Natural::No(Graph::new(batch.nodes(project, view)?), names(versions), project))
    }

    /// Those that are meant, in their order.
    fn order(&self, mut versions: Vec<Pending>, scope: Scope) -> Result<Vec<Pending>> {
        let Natural::No(graph, names, project) = self else {
            match scope {
                Scope::All => {}
                Scope::Target(target) => versions.retain(|m| m.key.as_slice() <= target.key()),
                Scope::Only(version) => versions.retain(|m| m.key == version.key()),
            }
            return Ok(versions);
        };
        let order = match scope {
            Scope::Only(version) => {
                graph.find(version.key()).map_or(Ok(Vec::new()), |n| graph.closure(n))
            }
            _ => graph.order(),
        };
        let mut order = order.map_err(|found| cycle(&found, graph, project, names))?;
        if let Scope::Target(target) = scope {
            let last = order.iter().position(|n| graph.node(*n).key == target.key());
            order.truncate(last.map_or(0, |last| last + 1));
        }
        let mut by_key: HashMap<Vec<u8>, Pending> =
            versions.into_iter().map(|m| (m.key.clone(), m)).collect();
        Ok(order.into_iter().filter_map(|n| by_key.remove(&graph.node(n).key)).collect())
    }

    /// The keys of those that are below an applied version. An error where the project
    /// doesn't allow it; a run that has skipped a migration has allowed it.
    ///
    /// One that was `begun` comes first, so it counts as applied.
    fn late(
        &self,
        batch: &Batch,
        project: &Project,
        chosen: &[Pending],
        begun: Option<&[u8]>,
        skipped: &HashMap<Identity, String>,
        view: View,
    ) -> Result<HashSet<Vec<u8>>> {
        let key = |text: &str| Version::parse(text).map(|v| v.key().to_vec()).unwrap_or_default();
        let applied = batch.highest_applied(project.id, view)?.map(|text| (key(&text), text));
        let begun = chosen.iter().find(|m| Some(m.key.as_slice()) == begun);
        let begun = begun.and_then(|m| Some((m.key.clone(), m.version.clone()?)));
        let begun_key = begun.as_ref().map(|(key, _)| key.clone());
        let Some((newest_key, newest)) = applied.into_iter().chain(begun).max() else {
            return Ok(HashSet::new());
        };
        let mut late: HashSet<Vec<u8>> = match self {
            Natural::Yes => {
                chosen.iter().filter(|m| m.key < newest_key).map(|m| m.key.clone()).collect()
            }
            Natural::No(graph, ..) => {
                let late = graph.out_of_order(begun_key.as_deref()).0;
                late.into_iter().map(|n| graph.node(n).key.clone()).collect()
            }
        };
        if let Some(begun) = begun_key {
            late.remove(&begun);
        }
        if project.allows_out_of_order || late.is_empty() {
            return Ok(late);
        }
        let versions: Vec<String> = chosen
            .iter()
            .filter(|m| late.contains(&m.key))
            .filter(|m| !skipped.contains_key(&identity(m.version.as_deref(), &m.name)))
            .map(|m| title(m).to_owned())
            .collect();
        if versions.is_empty() {
            return Ok(late);
        }
        Err(out_of_order(&versions, &newest, &project.name))
    }
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
                return Err(missing_requirement(title(migration), &required, &project.name));
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

/// Pending migrations are below an applied one (55000). `newest`: the highest applied version.
fn out_of_order(versions: &[String], newest: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "migration{} {} of project \"{project}\" {} pending below version {newest}, which is applied",
            plural(versions.len()),
            versions.join(", "),
            if versions.len() == 1 { "is" } else { "are" }
        ),
    )
    .detail("Applied now, they would run in another order than on a new database.")
    .hint(format!(
        "Give them higher versions, apply one by itself with only_version => {}, or allow it: SELECT migrations.set_project({}, out_of_order => 'allow');",
        literal(versions.first().map_or("", String::as_str)),
        literal(project)
    ))
}

//! The order in which the migrations of a project run.

use super::errors;
use super::naming::title_of;
use super::request::Scope;
use crate::domain::plan::{Cycle, Graph, Node};
use crate::domain::text::{literal, plural};
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::event::{Identity, identity};
use crate::store::overview::{Pending, within};
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;
use std::collections::{HashMap, HashSet};

/// The error for migrations that require each other.
fn cycle_error(cycle: &Cycle, graph: &Graph, project: &Project, names: &Names) -> Error {
    let name = |n: &usize| names.get(&graph.node(*n).key).cloned().unwrap_or_default();
    errors::cycle(&cycle.0.iter().map(name).collect::<Vec<_>>(), Some(&project.name))
}

/// The titles of migrations, by key.
type Names = HashMap<Vec<u8>, String>;

fn names(versions: &[Pending]) -> Names {
    versions.iter().map(|m| (m.key.clone(), title_of(m).to_owned())).collect()
}

/// Sorts migrations so that each comes after the ones that it requires. Error: they require each
/// other (55000).
pub fn in_order(project: &Project, mut versions: Vec<Pending>) -> Result<Vec<Pending>> {
    versions.sort_by(|a, b| a.key.cmp(&b.key));
    let nodes = versions.iter().map(|m| Node {
        key: m.key.clone(),
        requires: within(&m.requires),
        applied: false,
    });
    let graph = Graph::new(nodes.collect());
    VersionOrder::ByGraph(graph, names(&versions), project).order(versions, Scope::All)
}

/// The order of a project's versions.
pub enum VersionOrder<'a> {
    /// That of the versions, since no pending migration requires another one.
    Natural,
    /// That of the graph of requirements.
    ByGraph(Graph, Names, &'a Project),
}

impl<'a> VersionOrder<'a> {
    /// The order of the pending versions of a project.
    pub fn of(
        batch: &Batch,
        project: &'a Project,
        versions: &[Pending],
        view: View,
    ) -> Result<VersionOrder<'a>> {
        if versions.iter().all(|m| within(&m.requires).is_empty()) {
            return Ok(VersionOrder::Natural);
        }
        Ok(VersionOrder::ByGraph(Graph::new(batch.nodes(project, view)?), names(versions), project))
    }

    /// The migrations that the scope selects, in their order. Error: they require each other (55000).
    pub fn order(&self, mut versions: Vec<Pending>, scope: Scope) -> Result<Vec<Pending>> {
        let VersionOrder::ByGraph(graph, names, project) = self else {
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
        let mut order = order.map_err(|found| cycle_error(&found, graph, project, names))?;
        if let Scope::Target(target) = scope {
            let last = order.iter().position(|n| graph.node(*n).key == target.key());
            order.truncate(last.map_or(0, |last| last + 1));
        }
        let mut by_key: HashMap<Vec<u8>, Pending> =
            versions.into_iter().map(|m| (m.key.clone(), m)).collect();
        Ok(order.into_iter().filter_map(|n| by_key.remove(&graph.node(n).key)).collect())
    }

    /// The keys of the migrations that are below an applied version. A migration that was `begun`
    /// comes first, so it counts as applied.
    ///
    /// Error: the project does not allow such migrations (55000). Those that a run has skipped are
    /// allowed.
    pub fn late(
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
            VersionOrder::Natural => {
                chosen.iter().filter(|m| m.key < newest_key).map(|m| m.key.clone()).collect()
            }
            VersionOrder::ByGraph(graph, ..) => {
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
            .map(|m| title_of(m).to_owned())
            .collect();
        if versions.is_empty() {
            return Ok(late);
        }
        Err(out_of_order(&versions, &newest, &project.name))
    }
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

//! What migrations require outside of their project, and who requires them.

use super::check::{self, Mode};
use super::half_run::{self, HalfRun};
use super::plan::title;
use super::session::lock as take_lock;
use super::surroundings::Surroundings;
use crate::domain::checksum::without_bom;
use crate::domain::plan::{Graph, Node};
use crate::domain::requirement::Requirement;
use crate::domain::script::prepare::Variables;
use crate::error::{Error, Result, Unmet};
use crate::pg::context::ScriptErrorContext;
use crate::pg::memory;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::applied::Applied;
use crate::store::lock;
use crate::store::overview::Pending;
use crate::store::project::Project;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Whether a migration requires one of another project.
pub fn is_of_others(migration: &Pending) -> bool {
    migration.requires.iter().any(|r| matches!(r, Requirement::Other { .. }))
}

/// Takes shared locks on the projects that migrations require, in the order of their
/// names, until the transaction ends: what is required stays as it is. Errors: those of
/// [`take_lock`].
pub fn hold(batch: &Batch, own: &[&str], migrations: &[&Pending]) -> Result<()> {
    let other = |requirement: &Requirement| match requirement {
        Requirement::Other { project, .. } => Some(project.clone()),
        _ => None,
    };
    let names: BTreeSet<String> = migrations
        .iter()
        .flat_map(|m| m.requires.iter().filter_map(other))
        .filter(|name| !own.contains(&name.as_str()))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let ids = batch.project_ids(names.iter().cloned().collect(), View::Newest)?;
    for (name, id) in names.iter().filter_map(|name| Some((name, *ids.get(name)?))) {
        take_lock(batch, id, name, lock::LockMode::Shared)?;
    }
    Ok(())
}

/// For each migration, in the order in which they are to run, the first requirement
/// outside of its project that isn't met. Migrations of other projects count as met when
/// `planned` has them; extensions when an earlier migration creates them.
pub fn unmet(
    batch: &Batch,
    migrations: &[&Pending],
    planned: &HashSet<(String, Vec<u8>)>,
    view: View,
) -> Result<Vec<Option<Unmet>>> {
    let mut found = Found { batch, view, extensions: None, projects: HashMap::new() };
    let mut created = Created { names: HashSet::new(), read: 0 };
    let mut all = Vec::with_capacity(migrations.len());
    for (n, migration) in migrations.iter().enumerate() {
        let mut first = None;
        for requirement in &migration.requires {
            first = match requirement {
                Requirement::Within(_) | Requirement::Repeatable(_) => None,
                Requirement::Other { project, version }
                    if planned.contains(&(project.clone(), version.key().to_vec())) =>
                {
                    None
                }
                Requirement::Other { project, version } => {
                    let (project, version) = (project.as_str(), version.text());
                    let (name, text) = (project.to_owned(), version.to_owned());
                    match found.migration(requirement)? {
                        Some(There::Applied) => None,
                        Some(There::HalfRolledBack) => {
                            Some(Unmet::HalfRolledBack { project: name, version: text })
                        }
                        Some(There::Pending) => {
                            Some(Unmet::Pending { project: name, version: text })
                        }
                        None => Some(Unmet::Unregistered { project: name, version: text }),
                    }
                }
                Requirement::Extension(name) => {
                    let there = found.extension(name)?
                        || created.before(batch, &migrations[..n])?.contains(name);
                    (!there).then(|| Unmet::Extension(name.clone()))
                }
            };
            if first.is_some() {
                break;
            }
        }
        all.push(first);
    }
    Ok(all)
}

/// The same as an error (55000), for the first one that is blocked.
pub fn check(
    batch: &Batch,
    migrations: &[(&Project, &Pending)],
    planned: &HashSet<(String, Vec<u8>)>,
) -> Result<()> {
    let pending: Vec<&Pending> = migrations.iter().map(|(_, migration)| *migration).collect();
    let unmet = unmet(batch, &pending, planned, View::Newest)?;
    for ((project, migration), unmet) in migrations.iter().zip(unmet) {
        if let Some(unmet) = unmet {
            return Err(Error::Blocked {
                migration: title(migration).to_owned(),
                project: project.name.clone(),
                unmet,
            });
        }
    }
    Ok(())
}

/// What was looked up, once.
struct Found<'a, 'b> {
    batch: &'a Batch<'b>,
    view: View,
    extensions: Option<HashSet<String>>,
    // By name; None: there is no such project.
    projects: HashMap<String, Option<OtherProject>>,
}

struct OtherProject {
    id: i64,
    // Versions; None: not known.
    versions: HashMap<Vec<u8>, Option<There>>,
    // The migration whose rollback is half run.
    half_rolled_back: Option<Vec<u8>>,
}

/// What is known of a migration of another project.
#[derive(Clone, Copy)]
enum There {
    Applied,
    HalfRolledBack,
    Pending,
}

impl Found<'_, '_> {
    fn extension(&mut self, name: &str) -> Result<bool> {
        if self.extensions.is_none() {
            self.extensions = Some(self.batch.extensions(self.view)?);
        }
        Ok(self.extensions.as_ref().is_some_and(|names| names.contains(name)))
    }

    /// A migration of another project; None: it isn't known there.
    fn migration(&mut self, requirement: &Requirement) -> Result<Option<There>> {
        let Requirement::Other { project, version } = requirement else { return Ok(None) };
        if !self.projects.contains_key(project) {
            let ids = self.batch.project_ids(vec![project.clone()], self.view)?;
            let known = match ids.get(project) {
                None => None,
                Some(id) => {
                    let half = HalfRun::find(self.batch, *id, self.view)?;
                    let half_rolled_back = half.filter(HalfRun::is_down).map(|half| half.key);
                    Some(OtherProject { id: *id, versions: HashMap::new(), half_rolled_back })
                }
            };
            self.projects.insert(project.clone(), known);
        }
        let Some(Some(other)) = self.projects.get_mut(project) else { return Ok(None) };
        let key = version.key();
        if let Some(there) = other.versions.get(key) {
            return Ok(*there);
        }
        let there = self.batch.find(other.id, key, self.view)?.map(|(_, applied)| match applied {
            true if other.half_rolled_back.as_deref() == Some(key) => There::HalfRolledBack,
            true => There::Applied,
            false => There::Pending,
        });
        other.versions.insert(key.to_vec(), there);
        Ok(there)
    }
}

/// The extensions that the migrations of a plan create. Their texts are read only when
/// an extension is missing.
struct Created {
    names: HashSet<String>,
    read: usize,
}

impl Created {
    fn before(&mut self, batch: &Batch, migrations: &[&Pending]) -> Result<&HashSet<String>> {
        for migration in migrations.iter().skip(self.read) {
            let memory = memory::Context::new()?;
            memory.enter(|| {
                let text = batch.up(migration.id)?.unwrap_or_default();
                let variables = Variables::default();
                let context = ScriptErrorContext::new("", without_bom(&text.body), &variables);
                // A text that can't be parsed creates nothing; its error comes in its turn.
                let nest = Surroundings::of_parser(None)?.nest()?;
                let checked = check::body(&context, Mode::Stepwise).ok();
                nest.undo()?;
                let statements = checked.map(|checked| checked.statements).unwrap_or_default();
                self.names.extend(statements.into_iter().filter_map(|s| s.creates_extension));
                Ok::<_, Error>(())
            })?;
        }
        self.read = migrations.len().max(self.read);
        Ok(&self.names)
    }
}

/// [`check`] for a run of one project.
pub fn check_own<'m>(
    batch: &Batch,
    project: &'m Project,
    migrations: impl IntoIterator<Item = &'m Pending>,
) -> Result<()> {
    let of_project: Vec<_> = migrations.into_iter().map(|m| (project, m)).collect();
    check(batch, &of_project, &HashSet::new())
}

/// That no migration in force that stays requires one of these. Errors: 2BP01, and that of
/// [`required`].
pub fn check_not_required(
    batch: &Batch,
    project: &Project,
    going: &[(&[u8], &str)],
    verb: &'static str,
) -> Result<()> {
    match required(batch, project, going)?.into_iter().next() {
        None => Ok(()),
        Some((version, by)) => {
            Err(Error::Required { verb, version, project: project.name.clone(), by })
        }
    }
}

/// Which of these migrations are required by ones in force that stay, and by whom.
/// Repeatables don't count: they would keep for ever what they require, since they are
/// never rolled back. Error: one that requires them is half run (55000).
pub fn required(
    batch: &Batch,
    project: &Project,
    going: &[(&[u8], &str)],
) -> Result<Vec<(String, Vec<String>)>> {
    let keys: HashSet<&[u8]> = going.iter().map(|(key, _)| *key).collect();
    let mut by: HashMap<Vec<u8>, Vec<String>> = HashMap::new();
    for dependent in batch.dependents(&project.name, View::Newest)? {
        let goes = dependent.project_id == project.id && keys.contains(&dependent.key[..]);
        if goes || !keys.contains(&dependent.requires[..]) {
            continue;
        }
        half_run::refuse_dependent(batch, &dependent)?;
        if dependent.version.is_some()
            && batch.applied_row(dependent.project_id, &dependent.key)?.is_some()
        {
            let title = dependent.title(&project.name);
            by.entry(dependent.requires).or_default().push(title);
        }
    }
    let found =
        going.iter().filter_map(|(key, version)| Some(((*version).to_owned(), by.remove(*key)?)));
    Ok(found.collect())
}

/// Migrations that are to be rolled back, in their order, but what requires another one
/// of them before that one. (They come in the reverse order of being applied, which may be
/// another one where some were only marked as applied.)
pub fn dependents_first(
    batch: &Batch,
    project: &Project,
    going: Vec<Applied>,
) -> Result<Vec<Applied>> {
    let place: HashMap<&[u8], usize> =
        going.iter().enumerate().map(|(n, m)| (m.key.as_slice(), n)).collect();
    let key = |n: usize| n.to_be_bytes().to_vec();
    let mut nodes: Vec<Node> = (0..going.len())
        .map(|n| Node { key: key(n), requires: Vec::new(), applied: false })
        .collect();
    let mut is_ordered = true;
    for dependent in batch.dependents(&project.name, View::Newest)? {
        if dependent.project_id == project.id
            && let Some(after) = place.get(&dependent.requires[..])
            && let Some(before) = place.get(&dependent.key[..])
        {
            nodes[*after].requires.push(key(*before));
            is_ordered &= before < after;
        }
    }
    if is_ordered {
        return Ok(going);
    }
    // Requirements may have been changed into a cycle since: then the order stays.
    let order = Graph::new(nodes).order().unwrap_or_else(|_| (0..going.len()).collect());
    let mut going: Vec<Option<Applied>> = going.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|n| going[n].take()).collect())
}

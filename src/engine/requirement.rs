//! What migrations require outside of their project.

use super::errors::{self, Unmet};
use super::half_run::HalfRun;
use super::naming::title_of;
use super::run_mode::RunMode;
use super::script_check;
use super::script_settings::ScriptSettings;
use super::session::lock as take_lock;
use crate::domain::checksum::without_bom;
use crate::domain::requirement::Requirement;
use crate::domain::script::prepare::Variables;
use crate::error::{Error, Result};
use crate::pg::context::ScriptErrorContext;
use crate::pg::memory;
use crate::pg::spi::View;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, lock};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Whether a migration requires one of another project.
pub fn is_of_others(migration: &Pending) -> bool {
    migration.requires.iter().any(|r| matches!(r, Requirement::Other { .. }))
}

/// Takes shared locks on the projects that migrations require, in the order of their names,
/// until the transaction ends. So what is required cannot change. Errors: those of
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

/// For each migration, in the order in which they will run, its first requirement outside of the
/// project that is not met. A migration of another project counts as met if `planned` has it, an
/// extension if an earlier migration creates it.
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

/// Checks that all requirements outside of the projects are met. Error: 55000, for the first
/// migration that is blocked.
pub fn check(
    batch: &Batch,
    migrations: &[(&Project, &Pending)],
    planned: &HashSet<(String, Vec<u8>)>,
) -> Result<()> {
    let pending: Vec<&Pending> = migrations.iter().map(|(_, migration)| *migration).collect();
    let unmet = unmet(batch, &pending, planned, View::Newest)?;
    for ((project, migration), unmet) in migrations.iter().zip(unmet) {
        if let Some(unmet) = unmet {
            return Err(errors::blocked(title_of(migration), &project.name, &unmet));
        }
    }
    Ok(())
}

/// What was looked up. Each thing is looked up once.
struct Found<'a, 'b> {
    batch: &'a Batch<'b>,
    view: View,
    extensions: Option<HashSet<String>>,
    // By name. None: there is no such project.
    projects: HashMap<String, Option<OtherProject>>,
}

struct OtherProject {
    id: i64,
    // By key. None: there is no such migration.
    versions: HashMap<Vec<u8>, Option<There>>,
    // The key of the migration whose rollback is half run.
    half_rolled_back: Option<Vec<u8>>,
}

/// The state of a migration of another project.
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

    /// A migration of another project. None: it is not registered there.
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

/// The extensions that the migrations of a plan create. Their scripts are read only if an
/// extension is missing.
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
                // A script with an error creates nothing. It gets the error when it is checked.
                let nest = ScriptSettings::of_parser(None)?.nest()?;
                let checked = script_check::check(&context, RunMode::Stepwise).ok();
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

/// Does [`check`] for a run of one project.
pub fn check_own<'m>(
    batch: &Batch,
    project: &'m Project,
    migrations: impl IntoIterator<Item = &'m Pending>,
) -> Result<()> {
    let of_project: Vec<_> = migrations.into_iter().map(|m| (project, m)).collect();
    check(batch, &of_project, &HashSet::new())
}

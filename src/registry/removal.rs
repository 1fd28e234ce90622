//! Removing migrations from the registry.

use super::errors;
use crate::domain::version::{Version, repeatable_key};
use crate::engine::errors::required;
use crate::engine::half_run;
use crate::engine::plan::unknown;
use crate::engine::session::{CallGuard, lock_project};
use crate::error::Result;
use crate::pg::spi::View;
use crate::pg::transaction;
use crate::store::errors::unknown_project;
use crate::store::event::Event;
use crate::store::overview::within;
use crate::store::project::Project;
use crate::store::{Batch, Store};

/// Removes a version that is not applied from the registry. Errors: those of [`CallGuard::enter`]
/// and [`lock_project`]; the project or version is unknown (42704); the version is applied, or a
/// stepwise run has begun it (55000); another migration requires it (2BP01).
pub fn remove(project: &str, version: &Version, reason: Option<&str>) -> Result<()> {
    let removal = Removal { call: "migrations.remove()", key: version.key(), name: "", reason };
    removal.carry_out(project, |batch, project| {
        match batch.find(project.id, version.key(), View::Newest)? {
            None => return Err(unknown(version, &project.name)),
            Some((version, true)) => {
                return Err(errors::still_applied(&version, &project.name));
            }
            Some((_, false)) => {}
        }
        let mut dependents = batch.dependents(&project.name, View::Newest)?;
        dependents.retain(|dependent| dependent.requires == version.key());
        let by: Vec<String> = dependents.iter().map(|d| d.title(&project.name)).collect();
        if !by.is_empty() {
            return Err(required("remove", version.text(), &project.name, &by));
        }
        Ok(())
    })
}

/// Removes a repeatable migration from the registry and the applied state. The objects that it
/// has created stay. Errors: those of [`CallGuard::enter`] and [`lock_project`]; the project or name
/// is unknown (42704); a stepwise run has begun it (55000); another migration requires it (2BP01).
pub fn remove_repeatable(project: &str, name: &str, reason: Option<&str>) -> Result<()> {
    let key = repeatable_key(name);
    let removal = Removal { call: "migrations.remove_repeatable()", key: &key, name, reason };
    removal.carry_out(project, |batch, project| {
        let by: Vec<String> = batch
            .repeatables(project, View::Newest)?
            .into_iter()
            .filter(|other| within(&other.requires).contains(&key))
            .map(|other| other.name)
            .collect();
        if !by.is_empty() {
            return Err(required("remove", name, &project.name, &by));
        }
        let applied = batch.applied_row(project.id, &key)?;
        if let Some(row) = applied {
            batch.delete_applied(row)?;
        } else if batch.registered(project.id, &key)?.is_none() {
            return Err(errors::unknown_repeatable(name, &project.name));
        }
        Ok(())
    })
}

/// A migration that is removed.
struct Removal<'a> {
    call: &'static str,
    key: &'a [u8],
    // The name for the history if the migration is not registered.
    name: &'a str,
    reason: Option<&'a str>,
}

impl Removal<'_> {
    /// Removes the migration from a project, after `check`.
    fn carry_out(
        &self,
        name: &str,
        check: impl FnOnce(&Batch, &Project) -> Result<()>,
    ) -> Result<()> {
        let _running = CallGuard::enter(self.call)?;
        let store = Store::find()?;
        let batch = store.open()?;
        let Some(found) = batch.project(name, View::Newest)? else {
            return Err(unknown_project(name, &batch.projects()?));
        };
        let project = lock_project(&batch, &found)?;
        check(&batch, &project)?;
        half_run::refuse_of(&batch, &project, self.key)?;
        let last = batch.last_seq(project.id, View::Newest)?;
        batch.record_failures(project.id, self.key, None, last + 1)?;
        batch.forget_failure(project.id, self.key)?;
        let registered = batch.registered(project.id, self.key)?;
        batch.unregister(project.id, self.key)?;
        let digest = registered.as_ref().map(|registered| registered.digest.clone());
        let (version, content) = registered.map(|r| (r.version, r.content)).unzip();
        batch.record(&Event {
            project: project.id,
            seq: batch.last_seq(project.id, View::Newest)? + 1,
            version: version.flatten().as_deref(),
            name: Some(content.as_ref().map_or(self.name, |content| &content.name)),
            action: "remove",
            started_at: transaction::now(),
            digest: digest.as_deref(),
            reason: self.reason,
            ..Event::default()
        })?;
        batch.note_completeness(&project)?;
        batch.close()
    }
}

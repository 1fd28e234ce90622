//! Accepting changed migrations: what is registered counts as what was applied.

use super::errors;
use super::migration_ref::MigrationRef;
use super::record::{EventDetails, RecordChange, Repair, repair, repair_project};
use crate::domain::version::Version;
use crate::engine::errors::{corrupt, not_applied};
use crate::engine::naming::{ScriptKind, label};
use crate::engine::plan;
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::applied::Accepted;
use crate::store::errors::unknown_project;

/// Accepts what is registered of an applied version as what was applied: its texts, requires,
/// transactional and on_fail. Returns the changes. Errors: those of [`repair`]; the version is not
/// applied, has no up, or its row was changed directly (55000).
pub fn accept_changes(
    project: &str,
    version: &Version,
    reason: Option<&str>,
) -> Result<Vec<RecordChange>> {
    let migration = MigrationRef::of_version(version);
    repair("migrations.accept_changes()", project, &migration, reason, |repair, _, _| {
        let Some(row) = repair.batch.applied_row(repair.project.id, version.key())? else {
            return Err(not_applied(version.text(), &repair.project.name));
        };
        let registered = repair.batch.registered_as_pending(&repair.project, &[version.key()])?;
        let Some(one) = registered.first() else {
            return Err(plan::unknown(version, &repair.project.name));
        };
        plan::check_ups(&repair.project, &registered)?;
        repair.accept(row, one.version.as_deref())
    })
}

/// Accepts all modified migrations of a project. `confirm` is their number, as `status` shows them,
/// so that changes that somebody else makes meanwhile are not accepted. Returns the changes.
/// Errors: those of [`repair_project`]; the project is unknown (42704); there is another number of
/// modified migrations (22023); one has no up, or its row was changed directly (55000).
pub fn accept_all_changes(
    project: &str,
    reason: Option<&str>,
    confirm: Option<i32>,
) -> Result<Vec<RecordChange>> {
    let unknown = |batch: &Batch| Ok(unknown_project(project, &batch.projects()?));
    repair_project("migrations.accept_all_changes()", project, reason, unknown, |repair| {
        let (batch, project) = (&repair.batch, &repair.project);
        let mut modified = batch.differences(project, View::Newest)?.modified;
        // `status` shows these as interrupted, not as modified.
        let in_journal = batch.journal_progress(project.id, View::Newest)?;
        modified.retain(|m| !in_journal.contains_key(&m.key));
        if confirm.and_then(|n| usize::try_from(n).ok()) != Some(modified.len()) {
            return Err(errors::changes_not_confirmed(&project.name, reason, confirm, &modified));
        }
        let keys: Vec<&[u8]> = modified.iter().map(|m| m.key.as_slice()).collect();
        let registered = batch.registered_as_pending(project, &keys)?;
        plan::check_ups(project, &registered)?;
        for one in &registered {
            if let Some(row) = repair.batch.applied_row(repair.project.id, &one.key)? {
                repair.accept(row, one.version.as_deref())?;
            }
        }
        Ok(())
    })
}

impl Repair<'_> {
    /// Accepts one migration. `row` is its row in the applied state. Errors: the row was changed
    /// directly (55000).
    fn accept(&mut self, row: i64, version: Option<&str>) -> Result<()> {
        let Some(Accepted { name, former, new, changes, is_intact }) = self.batch.accept(row)?
        else {
            return Ok(());
        };
        if !is_intact {
            let what = label(ScriptKind::Up, version, &name, &self.project.name);
            return Err(corrupt(&what));
        }
        self.seq += 1;
        let parts = changes.list();
        let details = EventDetails {
            digest: Some(&new),
            former_digest: Some(&former),
            message: Some(&parts),
        };
        self.record(version, &name, "accept", details)
    }
}

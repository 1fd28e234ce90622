//! Marking migrations as applied, or as pending.

use super::migration_ref::MigrationRef;
use super::record::{EventDetails, RecordChange, Repair, repair};
use crate::domain::version::is_repeatable;
use crate::engine::dependents;
use crate::engine::plan;
use crate::engine::requirement;
use crate::error::Result;
use crate::pg::message;
use crate::store::applied::{Applied, Origin};
use crate::store::overview::Pending;

/// Records a migration as applied that was applied by other means. If a stepwise run has begun it,
/// it counts as finished; if a run has begun its rollback, the rollback counts as undone. Returns
/// the changes. Errors: those of [`repair`]; a run has begun another migration, or the migration
/// has no up (55000).
pub fn mark_applied(
    project: &str,
    migration: &MigrationRef,
    reason: Option<&str>,
) -> Result<Vec<RecordChange>> {
    repair("migrations.mark_applied()", project, migration, reason, |repair, key, applied| {
        match repair.journal_progress(key)? {
            Some(way) if way.is_down() => {
                repair.forget(key)?;
                return repair.note(key, "mark_applied");
            }
            None if applied => return Ok(()),
            _ => {}
        }
        // A repeatable migration may have run before, with another text.
        if let Some(former) = repair.batch.applied_row(repair.project.id, key)? {
            repair.batch.delete_applied(former)?;
        }
        let one = repair.batch.registered_as_pending(&repair.project, &[key])?;
        repair.record_applied(one, Origin::Mark)
    })
}

/// Records a migration as pending that was undone by other means. If a stepwise run has begun it,
/// it counts as undone; if a run has begun its rollback, the rollback counts as finished. Returns
/// the changes. Errors: those of [`repair`]; a run has begun another migration (55000).
pub fn mark_pending(
    project: &str,
    migration: &MigrationRef,
    reason: Option<&str>,
) -> Result<Vec<RecordChange>> {
    repair("migrations.mark_pending()", project, migration, reason, |repair, key, applied| {
        let begun = repair.journal_progress(key)?.is_some_and(|way| !way.is_down());
        if begun || !applied {
            // What a stepwise run has begun does not count any more.
            return match repair.forget(key)? {
                true => repair.note(key, "mark_pending"),
                false => Ok(()),
            };
        }
        if is_repeatable(key) {
            return repair.record_repeatable_pending(key);
        }
        let mut all = repair.batch.applied_versions(repair.project.id)?;
        all.retain(|m| m.key == key);
        repair.record_pending(all)
    })
}

impl Repair<'_> {
    /// Records migrations as applied. Errors: one has no up (55000); another session is changing
    /// a project that they require (55P03).
    pub(super) fn record_applied(
        &mut self,
        migrations: Vec<Pending>,
        origin: Origin,
    ) -> Result<()> {
        plan::check_ups(&self.project, &migrations)?;
        // Locks the projects that they require, so that nothing is rolled back there meanwhile.
        let all: Vec<&Pending> = migrations.iter().collect();
        requirement::hold(&self.batch, &[&self.project.name], &all)?;
        let action = match origin {
            Origin::Mark => "mark_applied",
            Origin::Baseline => "baseline",
        };
        for migration in migrations {
            self.forget(&migration.key)?;
            self.seq += 1;
            let digest =
                self.batch.insert_marked(migration.id, origin, self.run, self.at, self.seq)?;
            let version = migration.version.as_deref();
            let details = EventDetails { digest: Some(&digest), ..EventDetails::default() };
            self.record(version, &migration.name, action, details)?;
        }
        Ok(())
    }

    /// Records migrations as pending, and warns of those that require them.
    pub(super) fn record_pending(&mut self, applied: Vec<Applied>) -> Result<()> {
        let keys: Vec<(&[u8], &str)> =
            applied.iter().map(|m| (m.key.as_slice(), m.version.as_str())).collect();
        for (version, by) in dependents::required(&self.batch, &self.project, &keys)? {
            message::warning(&format!(
                "migration {version} of project {} is pending now, but required by {}, which stays applied",
                self.project.name,
                by.join(", ")
            ));
        }
        for migration in applied {
            self.forget(&migration.key)?;
            self.seq += 1;
            self.batch.delete_applied(migration.id)?;
            let version = Some(migration.version.as_str());
            self.record(version, &migration.name, "mark_pending", EventDetails::default())?;
        }
        Ok(())
    }

    /// Records a repeatable migration as pending.
    fn record_repeatable_pending(&mut self, key: &[u8]) -> Result<()> {
        self.forget(key)?;
        self.note(key, "mark_pending")?;
        match self.batch.applied_row(self.project.id, key)? {
            Some(row) => self.batch.delete_applied(row).map(|_| ()),
            None => Ok(()),
        }
    }
}

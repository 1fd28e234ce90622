//! Decisions about a statement at which a migration was interrupted.

use super::errors;
use super::migration_ref::MigrationRef;
use super::record::{RecordChange, Repair, repair};
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::journal::JournalKey;

/// Records that the statement at which a migration was interrupted has run. Returns the changes.
/// Errors: those of [`repair`]; no statement awaits a decision (55000).
pub fn mark_statement_done(
    project: &str,
    migration: &MigrationRef,
    reason: Option<&str>,
) -> Result<Vec<RecordChange>> {
    repair("migrations.mark_statement_done()", project, migration, reason, |repair, key, _| {
        let of = |direction| JournalKey { project: repair.project.id, key, direction };
        let (up, down) = (of("up"), of("down"));
        repair.check_needs_decision(migration, key)?;
        if repair.batch.finish_started(up)? || repair.batch.finish_started(down)? {
            repair.forget_failure(key)?;
            repair.note(key, "mark_statement_done")?;
        }
        Ok(())
    })
}

/// Has the next run repeat the statement at which a migration was interrupted. Returns the changes.
/// Errors: those of [`repair`]; no statement awaits a decision (55000).
pub fn retry(
    project: &str,
    migration: &MigrationRef,
    reason: Option<&str>,
) -> Result<Vec<RecordChange>> {
    repair("migrations.retry()", project, migration, reason, |repair, key, _| {
        let of = |direction| JournalKey { project: repair.project.id, key, direction };
        let (up, down) = (of("up"), of("down"));
        repair.check_needs_decision(migration, key)?;
        if repair.batch.forget_started(up)? || repair.batch.forget_started(down)? {
            repair.forget_failure(key)?;
            repair.note(key, "retry")?;
        }
        Ok(())
    })
}

impl Repair<'_> {
    /// Checks that a statement of the migration awaits a decision: it may have committed parts of
    /// its work. Errors: there is no such statement (55000).
    fn check_needs_decision(&self, migration: &MigrationRef, key: &[u8]) -> Result<()> {
        let progress = self.batch.journal_progress(self.project.id, View::Newest)?;
        match progress.get(key) {
            Some(way) if way.needs_decision => Ok(()),
            way => {
                let direction = way.map(|way| way.direction.as_str());
                Err(errors::nothing_to_decide(migration.text(), &self.project.name, direction))
            }
        }
    }
}

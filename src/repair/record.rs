//! What all repairs share: they lock the project, change the record, and add an event.

use super::migration_ref::MigrationRef;
use crate::engine::half_run;
use crate::engine::session::{CallGuard, lock_project};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::{message, transaction};
use crate::store::event::Event;
use crate::store::journal::JournalProgress;
use crate::store::lock;
use crate::store::project::Project;
use crate::store::{Batch, RunId, Store};

/// A change of the record of a migration.
pub struct RecordChange {
    /// The project.
    pub project: String,
    /// The version. None: a repeatable migration.
    pub version: Option<String>,
    /// The name.
    pub name: String,
    /// The action, as in the history.
    pub action: &'static str,
}

/// Values of the event of a repair.
#[derive(Default)]
pub(super) struct EventDetails<'a> {
    pub digest: Option<&'a [u8]>,
    pub former_digest: Option<&'a [u8]>,
    pub message: Option<&'a str>,
}

/// A repair of a locked project.
pub(super) struct Repair<'a> {
    pub batch: Batch<'a>,
    pub project: Project,
    reason: Option<&'a str>,
    pub run: RunId,
    pub at: i64,
    // The number of the last event.
    pub seq: i64,
    changed: Vec<RecordChange>,
}

/// Repairs the record of one migration. `call` is the name of the SQL function. `work` gets the
/// migration's `version_key`, and whether it is applied. Returns the changes.
///
/// Errors: those of [`CallGuard::enter`], [`lock_project`] and `work`; the project or the migration
/// is unknown (42704).
pub(super) fn repair(
    call: &'static str,
    project: &str,
    migration: &MigrationRef,
    reason: Option<&str>,
    work: impl FnOnce(&mut Repair, &[u8], bool) -> Result<()>,
) -> Result<Vec<RecordChange>> {
    let unknown = |_: &Batch| Ok(migration.unknown(project));
    repair_project(call, project, reason, unknown, |repair| {
        let (key, applied) = migration.find(&repair.batch, &repair.project)?;
        work(repair, &key, applied)
    })
}

/// Repairs the record of a project. `unknown` makes the error if `default` has no row. Returns the
/// changes. Errors: as of [`repair`].
pub(super) fn repair_project(
    call: &'static str,
    project: &str,
    reason: Option<&str>,
    unknown: impl FnOnce(&Batch) -> Result<Error>,
    work: impl FnOnce(&mut Repair) -> Result<()>,
) -> Result<Vec<RecordChange>> {
    let _running = CallGuard::enter(call)?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(found) = batch.project(project, View::Newest)? else {
        return Err(unknown(&batch)?);
    };
    let project = lock_project(&batch, &found)?;
    let mut repair = Repair {
        run: batch.new_run_id()?,
        at: transaction::now(),
        seq: batch.last_seq(project.id, View::Newest)?,
        changed: Vec::new(),
        batch,
        project,
        reason,
    };
    work(&mut repair)?;
    if repair.changed.is_empty() {
        lock::release(repair.project.id)?;
    } else {
        repair.batch.note_completeness(&repair.project)?;
    }
    let changed = repair.changed;
    repair.batch.close()?;
    if changed.is_empty() {
        message::notice("nothing to do: this is recorded already");
    }
    Ok(changed)
}

impl Repair<'_> {
    /// Adds the event with the current number.
    pub(super) fn record(
        &mut self,
        version: Option<&str>,
        name: &str,
        action: &'static str,
        details: EventDetails,
    ) -> Result<()> {
        self.batch.record(&Event {
            project: self.project.id,
            seq: self.seq,
            run: Some(self.run),
            version,
            name: Some(name),
            action,
            started_at: self.at,
            digest: details.digest,
            former_digest: details.former_digest,
            message: details.message,
            reason: self.reason,
            ..Event::default()
        })?;
        self.changed.push(RecordChange {
            project: self.project.name.clone(),
            version: version.map(str::to_owned),
            name: name.to_owned(),
            action,
        });
        Ok(())
    }

    /// Adds an event about a migration whose row in the applied state stays.
    pub(super) fn note(&mut self, key: &[u8], action: &'static str) -> Result<()> {
        let title = self.batch.title(self.project.id, key, View::Newest)?;
        let (version, name) = title.unwrap_or_default();
        self.seq += 1;
        self.record(version.as_deref(), &name, action, EventDetails::default())
    }

    /// Adds the failures of a migration to the history and forgets them. False: there were none.
    pub(super) fn forget_failure(&mut self, key: &[u8]) -> Result<bool> {
        if self.batch.record_failures(self.project.id, key, None, self.seq + 1)? {
            self.seq += 1;
        }
        self.batch.forget_failure(self.project.id, key)
    }

    /// Forgets the failures and the journal of a migration. False: there was nothing to forget.
    pub(super) fn forget(&mut self, key: &[u8]) -> Result<bool> {
        let had_failed = self.forget_failure(key)?;
        Ok(self.batch.forget_journal(self.project.id, key)? || had_failed)
    }

    /// How far a stepwise run has come with the migration, if it has begun it. Errors: a run has
    /// begun another migration (55000).
    pub(super) fn journal_progress(&self, key: &[u8]) -> Result<Option<JournalProgress>> {
        half_run::refuse_others(&self.batch, &self.project, key)?;
        Ok(self.batch.journal_progress(self.project.id, View::Newest)?.remove(key))
    }
}

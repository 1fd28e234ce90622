//! Migrations that cannot run inside a transaction. Each statement is a transaction of its own
//! ([`statements`]), and the [`journal`] records which have run.

mod interrupted;
mod journal;
mod lock_timeout;
mod statements;

use super::run::{RenewLock, Run};
use super::script::ScriptOutcome;
use super::step::CurrentStep;
use super::step_error::StepResult;
use crate::domain::checksum;
use crate::domain::text::arguments;
use crate::pg::guc::GucSnapshot;
use crate::pg::transaction;
use crate::store::journal::JournalKey;
use crate::store::script::StoredScript;
use journal::Journal;
use statements::NonTransactionalScript;

impl Run<'_> {
    /// Runs a step in as many transactions as it needs. The last one has its record, and is open
    /// afterwards.
    pub(super) fn run_nontransactional(
        &self,
        current: &CurrentStep,
        text: &StoredScript,
        renew_lock: RenewLock,
    ) -> StepResult<ScriptOutcome> {
        let step = current.step;
        self.tables.release()?;
        let picture = GucSnapshot::take()?;
        transaction::commit()?;
        let outcome = self.run_statements(current, &text.body, renew_lock);
        if outcome.is_err() {
            transaction::abort()?;
        }
        let restored = picture.restore().and_then(|()| transaction::commit());
        let mut outcome = outcome?;
        restored?;
        renew_lock()?;
        self.verify(current, text, &mut outcome.messages)?;
        self.tables.as_owner(|tables| {
            let claimed = self.claim(tables, current, text)?;
            self.record(tables, current, claimed, text)?;
            tables.forget_journal(self.project(step).id, step.key())
        })?;
        Ok(outcome)
    }

    fn run_statements(
        &self,
        current: &CurrentStep,
        body: &str,
        renew_lock: RenewLock,
    ) -> StepResult<ScriptOutcome> {
        let step = current.step;
        let project = self.project(step);
        let arguments = arguments(step.version().unwrap_or(step.name()), &project.name);
        let of =
            JournalKey { project: project.id, key: step.key(), direction: step.direction().word() };
        let script = NonTransactionalScript {
            journal: Journal::of(of, &arguments),
            project,
            is_marked: step.mark() == Some(false),
            objects: &self.objects,
            renew_lock,
            show: &|number, of| {
                self.activity.show(&format!("{}, statement {number}/{of}", current.title));
            },
        };
        let body = checksum::without_bom(body);
        self.in_script(step, step.script(), body, |context| statements::run(&script, context))
    }
}

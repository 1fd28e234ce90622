//! Executes the steps of a plan.

use super::conditions::BeforeScript;
use super::constraints;
use super::errors;
use super::naming::title;
use super::report;
use super::run::{RenewLock, Run};
use super::script::{KeepRows, ScriptOutcome};
use super::script_cache::{CachedScript, ScriptCache};
use super::step::{CurrentStep, Direction, Finished, Step};
use super::step_error::StepResult;
use super::transaction_end::TransactionEnd;
use crate::domain::checksum;
use crate::error::Result;
use crate::pg::{leftover, message};

impl Run<'_> {
    /// Checks all steps, then executes them in the current transaction. Errors: those of
    /// [`Run::check`] and [`Run::execute`]. They get a line in the server's log.
    pub fn all(mut self, plan: &[Step], finished: &mut dyn FnMut(Finished)) -> Result<()> {
        let mut cache = self.check_all(plan)?;
        self.tables.release()?;
        // Checks that the caller has left pending are not the work of a migration.
        constraints::settle_callers(self.tables.store())?;
        self.transaction_end = Some(self.tables.as_owner(TransactionEnd::begin)?);
        for (n, step) in plan.iter().enumerate() {
            let _running = step.show_running()?;
            let current = CurrentStep::start(step, n + 1, plan.len());
            let executed = self.execute(&current, cache.take(n), None, &mut |done| {
                report::finished(done.direction, &title(done.version, done.name), done.took);
                finished(done);
            });
            executed.map_err(|failed| {
                if n > 0 {
                    message::notice("the run has failed and is rolled back");
                }
                self.complete(step, failed, n == 0).error
            })?;
        }
        self.tables.as_owner(|tables| {
            self.projects.iter().try_for_each(|own| tables.note_completeness(own.project))
        })?;
        self.tables.release()
    }

    fn check_all(&self, plan: &[Step]) -> Result<ScriptCache> {
        let mut cache = ScriptCache::default();
        for (n, step) in plan.iter().enumerate() {
            let checked = self.tables.as_owner(|tables| Ok(self.check(tables, step)))?;
            let checked =
                checked.map_err(|failed| self.complete_check(&plan[n..], failed).error)?;
            cache.keep(n, checked.prepared);
        }
        Ok(cache)
    }

    /// Executes a step that was checked. `prepared` are its scripts, if they are in the cache.
    /// With `renew_lock` the step takes several transactions, and the last one is to be
    /// committed. Without, it runs inside the current one.
    ///
    /// Errors: those of its scripts; its precondition or verify script does not hold, its script
    /// has changed our tables or the current user (55000).
    pub fn execute(
        &self,
        current: &CurrentStep,
        prepared: Option<CachedScript>,
        renew_lock: Option<RenewLock>,
        finished: &mut dyn FnMut(Finished),
    ) -> StepResult<()> {
        self.activity.show(&current.title);
        let step = current.step;
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => {
                let text = self.tables.as_owner(|tables| self.text(tables, step))?;
                CachedScript { text, read: None }
            }
        };
        let (direction, outcome) = match self.before_script(current, &prepared.text)? {
            BeforeScript::Ends(direction, outcome) => (direction, outcome),
            BeforeScript::GoesOn(mut messages) => {
                let mut outcome = match renew_lock {
                    Some(renew) => self.run_nontransactional(current, &prepared.text, renew)?,
                    None => self.run_in_transaction(current, prepared)?,
                };
                messages.append(&mut outcome.messages);
                (step.direction(), ScriptOutcome { messages, ..outcome })
            }
        };
        if direction != Direction::Skip {
            self.clear_failures(step)?;
        }
        finished(Finished {
            step: current.number,
            project: &self.project(step).name,
            version: step.version(),
            name: step.name(),
            direction,
            took: current.started.elapsed(),
            outcome,
        });
        Ok(())
    }

    /// Runs the script of a step inside the transaction, and records the step.
    fn run_in_transaction(
        &self,
        current: &CurrentStep,
        CachedScript { text, read }: CachedScript,
    ) -> StepResult<ScriptOutcome> {
        let step = current.step;
        if self.transaction_end.is_some() && leftover::has_set_all_modes() {
            let call = self.request.stepwise(&self.project(step).name);
            return Err(errors::all_modes_set(&self.label(step, step.script()), &call).into());
        }
        let claimed = self.tables.as_owner(|tables| self.claim(tables, current, &text))?;
        let body = checksum::without_bom(&text.body);
        let mut outcome =
            self.run_script(current, step.script(), body, read, KeepRows::OfLastStatement)?;
        self.verify(current, &text, &mut outcome.messages)?;
        if let Some(end) = &self.transaction_end {
            self.tables.release()?;
            end.of_migration(self.tables.store())?;
        }
        self.tables.as_owner(|tables| self.record(tables, current, claimed, &text))?;
        Ok(outcome)
    }
}

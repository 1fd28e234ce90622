//! The record of a run: changes of the applied state, the history, and failures.

use super::plan;
use super::run::Run;
use super::script::ScriptOutcome;
use super::step::{Act, CurrentStep, Direction, Started, Step};
use crate::domain::version::is_repeatable;
use crate::error::{Error, Result};
use crate::store::Batch;
use crate::store::applied::Origin;
use crate::store::event::Failure;
use crate::store::event::{Event, identity};
use crate::store::overview::Pending;
use crate::store::script::StoredScript;

impl Run<'_> {
    /// Changes the applied state: an up gets a row, a down loses its row. Gives the key of the
    /// row. Errors: the row is gone, or the registered text is not the one that runs (55000).
    pub(super) fn claim(
        &self,
        tables: &Batch,
        current: &CurrentStep,
        text: &StoredScript,
    ) -> Result<i64> {
        let step = current.step;
        self.record_failures(tables, step)?;
        let seq = self.projects[step.project].next_seq();
        let former = match &step.act {
            Act::Up(pending) => pending.former,
            Act::Down(applied) => Some(applied.id),
        };
        // The row of a repeatable migration is already removed when one that it requires runs.
        if let Some(former) = former
            && !tables.delete_applied(former)?
            && !is_repeatable(step.key())
        {
            return Err(self.row_gone(step));
        }
        match &step.act {
            Act::Up(pending) => self.claim_up(tables, current, pending, seq, text),
            Act::Down(applied) => Ok(applied.id),
        }
    }

    fn claim_up(
        &self,
        tables: &Batch,
        current: &CurrentStep,
        pending: &Pending,
        seq: i64,
        text: &StoredScript,
    ) -> Result<i64> {
        let step = current.step;
        if is_repeatable(&pending.key) {
            // Those that require it are pending from now on, even if the run fails later.
            for row in plan::dependents(tables, self.project(step), pending)? {
                tables.delete_applied(row)?;
            }
        }
        let role = self.projects[step.project].role.as_deref();
        let row = tables.insert_applied(pending, self.id, current.started.at, seq, text, role)?;
        row.ok_or_else(|| {
            let detail = "Its text was changed while the run was under way, by another migration or session.";
            self.tampered(step, detail.to_owned())
        })
    }

    /// Adds the event of a step that has run. Error: the row that it has claimed is gone (55000).
    pub(super) fn record(
        &self,
        tables: &Batch,
        current: &CurrentStep,
        claimed: i64,
        text: &StoredScript,
    ) -> Result<()> {
        let took = current.started.micros();
        match &current.step.act {
            Act::Up(_) => match tables.record_apply(claimed, took)? {
                true => Ok(()),
                false => Err(self.row_gone(current.step)),
            },
            Act::Down(_) => tables.record(&Event {
                digest: Some(&text.digest),
                duration: Some(took),
                ..self.event(current.step, "rollback", current.started)
            }),
        }
    }

    /// Records that a migration is skipped, which leaves it pending. The history has it once,
    /// however often it happens.
    pub(super) fn record_skip(
        &self,
        tables: &Batch,
        current: &CurrentStep,
        reason: String,
    ) -> Result<(Direction, ScriptOutcome)> {
        let step = current.step;
        self.skipped.borrow_mut().insert((step.project, step.key().to_vec()));
        let project = &self.projects[step.project];
        let on_record = project.skips_on_record(tables)?;
        if on_record.get(&identity(step.version(), step.name())) != Some(&reason) {
            project.next_seq();
            tables.record(&Event {
                reason: Some(&reason),
                ..self.event(step, "skip", current.started)
            })?;
        }
        Ok((Direction::Skip, ScriptOutcome::without_statements(reason)))
    }

    /// Records a migration as applied without running it.
    pub(super) fn record_mark(
        &self,
        tables: &Batch,
        current: &CurrentStep,
        pending: &Pending,
        reason: String,
    ) -> Result<(Direction, ScriptOutcome)> {
        let step = current.step;
        if let Some(former) = pending.former {
            tables.delete_applied(former)?;
        }
        self.record_failures(tables, step)?;
        let seq = self.projects[step.project].next_seq();
        let started = current.started;
        let digest = tables.insert_marked(pending.id, Origin::Mark, self.id, started.at, seq)?;
        tables.record(&Event {
            digest: Some(&digest),
            reason: Some(&reason),
            ..self.event(step, "mark_applied", started)
        })?;
        Ok((Direction::Mark, ScriptOutcome::without_statements(reason)))
    }

    /// Records failures that were only counted, before a success clears them.
    fn record_failures(&self, tables: &Batch, step: &Step) -> Result<()> {
        let own = &self.projects[step.project];
        let seq = own.seq.get() + 1;
        if own.has_failures && tables.record_failures(own.project.id, step.key(), None, seq)? {
            own.next_seq();
        }
        Ok(())
    }

    /// Records a failure.
    pub(super) fn record_failure(
        &self,
        tables: &Batch,
        step: &Step,
        failure: &Failure,
    ) -> Result<()> {
        let action = if step.direction() == Direction::Up { "apply" } else { "rollback" };
        let event = self.event(step, action, Started::now());
        tables.note_failure(step.key(), failure, Event { seq: event.seq + 1, ..event })
    }

    /// Clears the failures of a step that has succeeded.
    pub(super) fn clear_failures(&self, step: &Step) -> Result<()> {
        let own = &self.projects[step.project];
        if own.has_failures {
            self.tables.as_owner(|tables| tables.forget_failure(own.project.id, step.key()))?;
        }
        Ok(())
    }

    /// The event of a step, with the number that was counted last.
    fn event<'b>(&'b self, step: &'b Step, action: &'static str, started: Started) -> Event<'b> {
        let own = &self.projects[step.project];
        Event {
            role: own.role.as_deref(),
            project: own.project.id,
            seq: own.seq.get(),
            run: Some(self.id),
            version: step.version(),
            name: Some(step.name()),
            action,
            started_at: started.at,
            ..Event::default()
        }
    }

    fn row_gone(&self, step: &Step) -> Error {
        self.tampered(step, "Its row in migrations.applied is gone.".to_owned())
    }
}

//! The checks of a step, before the first statement of its run is executed.

use super::errors;
use super::naming::ScriptKind;
use super::run::Run;
use super::run_mode::{NonTransactionalReason, RunMode};
use super::script_cache::CachedScript;
use super::script_check::{self, CheckedScript};
use super::script_settings::ScriptSettings;
use super::step::{Act, Direction, Step};
use super::step_error::StepResult;
use crate::domain::checksum;
use crate::error::Result;
use crate::pg::context::{ParserInput, ScriptErrorContext};
use crate::pg::{interrupt, memory, utility};
use crate::store::Batch;
use crate::store::script::StoredScript;
use std::rc::Rc;

/// What the check of a step gives.
pub struct CheckedStep {
    /// Why it cannot run inside a transaction. None: it can.
    pub reason: Option<NonTransactionalReason>,
    /// It has DO blocks or calls. They may turn out to end transactions once an earlier
    /// migration has run.
    pub has_blocks: bool,
    /// Its scripts.
    pub prepared: CachedScript,
}

/// What the check of a step's own script gives.
struct CheckedBody {
    reason: Option<NonTransactionalReason>,
    has_blocks: bool,
    read: Option<Rc<ParserInput>>,
}

impl Run<'_> {
    /// Checks all scripts of a step.
    ///
    /// Errors: those of [`script_check::check`]; the step needs transactions of its own, which
    /// pgaudit prevents (55000); in an atomic run, it is marked as one that cannot run inside a
    /// transaction (25001).
    pub fn check(&self, tables: &Batch, step: &Step) -> StepResult<CheckedStep> {
        let is_marked = step.mark() == Some(false);
        if is_marked && self.mode == RunMode::Atomic && step.direction() == Direction::Up {
            let project = &self.project(step).name;
            let version = step.version().unwrap_or(step.name());
            let call = self.request.stepwise(project);
            return Err(errors::marked_nontransactional(version, project, &call).into());
        }
        // Holds the texts and parse trees of this step only.
        let memory = memory::Context::new()?;
        memory.enter(|| {
            let text = self.text(tables, step)?;
            self.check_condition(step, ScriptKind::Precondition, text.precondition.as_deref())?;
            let CheckedBody { reason, has_blocks, read } = self.check_body(tables, step, &text)?;
            self.check_condition(step, ScriptKind::Verify, text.verify.as_deref())?;
            if reason.is_some() && utility::are_refused() {
                return Err(errors::audited(&self.label(step, step.script())).into());
            }
            Ok(CheckedStep { reason, has_blocks, prepared: CachedScript { text, read } })
        })
    }

    fn check_condition(&self, step: &Step, kind: ScriptKind, text: Option<&str>) -> StepResult<()> {
        let Some(text) = text else { return Ok(()) };
        self.in_script(step, kind, text, |context| {
            self.check_script(step, context, RunMode::Condition).map(|_| ())
        })
    }

    fn check_body(
        &self,
        tables: &Batch,
        step: &Step,
        text: &StoredScript,
    ) -> StepResult<CheckedBody> {
        let mark = step.mark();
        let mode = match (mark, self.mode) {
            // Marked as transactional, it is refused as in an atomic run.
            (Some(true), _) => RunMode::Atomic,
            (Some(false), RunMode::Stepwise) => RunMode::NonTransactional,
            (_, mode) => mode,
        };
        let body = checksum::without_bom(&text.body);
        self.in_script(step, step.script(), body, |context| {
            let checked = self.check_script(step, context, mode)?;
            let mut reason = (mark == Some(false)).then_some(NonTransactionalReason::Mark);
            if mark.is_none() && checked.reason.is_none() {
                reason = self.committing_block(tables, step, context, &checked)?;
            }
            Ok(CheckedBody {
                read: context.shared_input(),
                has_blocks: checked.statements.iter().any(|s| s.is_block),
                reason: reason.or(checked.reason),
            })
        })
    }

    /// Checks a script under the project's settings.
    fn check_script(
        &self,
        step: &Step,
        context: &ScriptErrorContext,
        mode: RunMode,
    ) -> Result<CheckedScript> {
        let nest = ScriptSettings::of_parser(Some(self.project(step)))?.nest()?;
        let checked = script_check::check(context, mode)?;
        nest.undo()?;
        Ok(checked)
    }

    /// The block of a script that ends transactions. Error: an atomic run cannot give it its own
    /// transaction (25001).
    fn committing_block(
        &self,
        tables: &Batch,
        step: &Step,
        context: &ScriptErrorContext,
        checked: &CheckedScript,
    ) -> Result<Option<NonTransactionalReason>> {
        let statements = &checked.statements;
        let Some(n) = script_check::block_of(tables, self.project(step), checked)? else {
            return Ok(None);
        };
        if self.mode != RunMode::Atomic {
            return Ok(Some(statements[n].as_reason()));
        }
        context.enter(statements[n].stage(n + 1, statements.len()));
        let command = format!("{} with COMMIT or ROLLBACK", statements[n].command());
        Err(errors::nontransactional(&command, context.place()))
    }

    /// The scripts of a step. Error: their checksums do not match (55000).
    pub(super) fn text(&self, tables: &Batch, step: &Step) -> Result<StoredScript> {
        let found = interrupt::stoppable(|| match &step.act {
            Act::Up(pending) => tables.up(pending.id),
            Act::Down(applied) => tables.down(applied.id),
        })?;
        let text = found.unwrap_or_default();
        let parts = &text.parts;
        let given = match &step.act {
            Act::Up(_) => [
                (ScriptKind::Up, Some(&text.body), &parts.up),
                (ScriptKind::Precondition, text.precondition.as_ref(), &parts.precondition),
                (ScriptKind::Verify, text.verify.as_ref(), &parts.verify),
            ],
            Act::Down(_) => [
                (ScriptKind::Down, Some(&text.body), &parts.down),
                (ScriptKind::Precondition, None, &None),
                (ScriptKind::Verify, None, &None),
            ],
        };
        for (kind, script, stored) in given {
            let sum = interrupt::stoppable(|| Ok(script.map(|script| checksum::checksum(script))))?;
            if sum.as_ref().map(|sum| sum.as_slice()) != stored.as_deref() {
                return Err(errors::corrupt(&self.label(step, kind)));
            }
        }
        if parts.digest()[..] != text.digest {
            return Err(errors::corrupt(&self.label(step, step.script())));
        }
        Ok(text)
    }
}

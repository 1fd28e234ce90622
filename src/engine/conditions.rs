//! Conditions of a migration: what it requires, its precondition and its verify script.
//!
//! A precondition or verify script is SQL. It does not hold if it raises an error, or if the
//! first column of the first row of its last result is a boolean column and is not true.

use super::naming::ScriptKind;
use super::run::Run;
use super::script::{KeepRows, ScriptOutcome};
use super::step::{Act, CurrentStep, Direction, Step};
use super::step_error::{StepError, StepResult};
use crate::domain::requirement::Requirement;
use crate::error::{Error, Result};
use crate::pg::portal::Truth;
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::store::overview::Pending;
use crate::store::script::{OnFail, StoredScript};
use pgrx::PgSqlErrorCode as Code;

/// What happens to a step before its script runs.
pub enum BeforeScript {
    /// The step ends: its migration is skipped, or marked as applied.
    Ends(Direction, ScriptOutcome),
    /// The script runs. The messages are those of the precondition.
    GoesOn(Vec<String>),
}

/// Why a precondition or verify script does not hold.
enum Failed {
    /// It gave this.
    Gave(ScriptKind, &'static str),
    /// It raised an error.
    Raised(Box<StepError>),
}

impl Failed {
    fn reason(&self) -> String {
        match self {
            Failed::Gave(_, gave) => format!("its precondition gave {gave}"),
            Failed::Raised(failed) => {
                let (sqlstate, message) = failed.error.summary();
                format!("its precondition failed: {message} ({sqlstate})")
            }
        }
    }
}

impl Run<'_> {
    /// Checks what a migration requires of this run, and its precondition. Errors: the
    /// precondition does not hold (55000), or it cannot be determined whether it does.
    pub(super) fn before_script(
        &self,
        current: &CurrentStep,
        text: &StoredScript,
    ) -> StepResult<BeforeScript> {
        let mut messages = Vec::new();
        let step = current.step;
        let Act::Up(pending) = &step.act else { return Ok(BeforeScript::GoesOn(messages)) };
        if let Some(requirement) = self.skipped_requirement(step.project, pending)? {
            return self.skip(current, format!("requires {requirement} was skipped"));
        }
        // One that was begun has met its precondition. Its own statements may have changed that.
        let is_checked = !self.is_under_way(step);
        if let Some(script) = text.precondition.as_ref().filter(|_| is_checked)
            && let Some(failed) =
                self.condition(current, ScriptKind::Precondition, script, &mut messages)?
        {
            return match text.on_fail {
                OnFail::Error => Err(self.not_held(step, failed)),
                OnFail::Skip => self.skip(current, failed.reason()),
                OnFail::Mark => self.mark(current, pending, failed.reason()),
            };
        }
        Ok(BeforeScript::GoesOn(messages))
    }

    fn skip(&self, current: &CurrentStep, reason: String) -> StepResult<BeforeScript> {
        let (direction, outcome) =
            self.tables.as_owner(|tables| self.record_skip(tables, current, reason))?;
        Ok(BeforeScript::Ends(direction, outcome))
    }

    fn mark(
        &self,
        current: &CurrentStep,
        pending: &Pending,
        reason: String,
    ) -> StepResult<BeforeScript> {
        let (direction, outcome) =
            self.tables.as_owner(|tables| self.record_mark(tables, current, pending, reason))?;
        Ok(BeforeScript::Ends(direction, outcome))
    }

    /// Runs the verify script. Errors: it does not hold (55000), or it cannot be determined
    /// whether it does.
    pub(super) fn verify(
        &self,
        current: &CurrentStep,
        text: &StoredScript,
        messages: &mut Vec<String>,
    ) -> StepResult<()> {
        if let Some(script) = &text.verify
            && let Some(failed) = self.condition(current, ScriptKind::Verify, script, messages)?
        {
            return Err(self.not_held(current.step, failed));
        }
        Ok(())
    }

    /// Runs a precondition or verify script, and rolls it back. None: it holds. Errors: those
    /// that are no answer ([`is_answer`]).
    fn condition(
        &self,
        current: &CurrentStep,
        kind: ScriptKind,
        text: &str,
        messages: &mut Vec<String>,
    ) -> StepResult<Option<Failed>> {
        self.tables.release()?;
        let _rolled_back = Subtransaction::begin()?;
        match self.run_script(current, kind, text, None, KeepRows::OfLastResult) {
            Ok(mut outcome) => {
                messages.append(&mut outcome.messages);
                Ok(failure_reason(&outcome).map(|gave| Failed::Gave(kind, gave)))
            }
            Err(failed) if is_answer(&failed.error) => Ok(Some(Failed::Raised(failed))),
            Err(failed) => Err(failed),
        }
    }

    fn not_held(&self, step: &Step, failed: Failed) -> Box<StepError> {
        let (kind, gave) = match failed {
            Failed::Raised(failed) => return failed,
            Failed::Gave(kind, gave) => (kind, gave),
        };
        let hint = match kind {
            ScriptKind::Precondition => {
                "Make the precondition true, or register it with on_fail => 'skip' or 'mark'."
            }
            _ => {
                "Correct the migration, or its verify script, and register it with replace => true."
            }
        };
        not_held(&self.label(step, kind), gave, hint).into()
    }

    /// A requirement of a migration that this run has skipped.
    fn skipped_requirement(&self, project: usize, pending: &Pending) -> Result<Option<String>> {
        let skipped = self.skipped.borrow();
        if skipped.is_empty() {
            return Ok(None);
        }
        for requirement in &pending.requires {
            let (project, key, title) = match requirement {
                Requirement::Within(_) | Requirement::Repeatable(_) => {
                    let Some((key, title)) = requirement.within() else { continue };
                    (project, key, title)
                }
                Requirement::Other { project, version } => {
                    let Some(index) = self.find_project(project) else { continue };
                    (index, version.key().to_vec(), format!("{project}:{}", version.text()))
                }
                // A skipped migration may be the one that would have created it.
                Requirement::Extension(name) => {
                    let extensions =
                        self.tables.as_owner(|tables| tables.extensions(View::Newest))?;
                    if !extensions.contains(name) {
                        return Ok(Some(format!("extension {name}, whose creation")));
                    }
                    continue;
                }
            };
            if skipped.contains(&(project, key)) {
                return Ok(Some(format!("{title}, which")));
            }
        }
        Ok(None)
    }
}

/// What a script gave that means that it does not hold. None: it holds.
pub fn failure_reason(outcome: &ScriptOutcome) -> Option<&'static str> {
    match outcome.truth {
        None | Some(Truth::True) => None,
        Some(Truth::False) => Some("false"),
        Some(Truth::Null) => Some("NULL"),
        Some(Truth::NoRow) => Some("no row"),
    }
}

/// Whether an error is the answer of a script that does not hold. Other errors come from the
/// circumstances: a cancel, a lock, too little memory, a conflict, a defect.
pub fn is_answer(error: &Error) -> bool {
    let Some(error) = error.server() else { return false };
    let sqlstate = error.sqlstate();
    let circumstances = ["08", "40", "53", "57", "58", "F0", "XX"];
    !circumstances.contains(&&sqlstate[..2]) && sqlstate != "55P03"
}

/// A precondition or verify script does not hold (55000). `script`: as in a CONTEXT.
fn not_held(script: &str, gave: &str, hint: &'static str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("{script} does not hold: it gave {gave}"),
    )
    .detail("The first column of the first row of its last SELECT must be true.")
    .hint(hint)
}

//! The one place where errors of steps are completed.

use super::explanation::Explanation;
use super::hints::FailedStep;
use super::lookup;
use crate::domain::script::prepare::{MOST_UNSET, ScriptProblem};
use crate::engine::naming::ScriptKind;
use crate::engine::report;
use crate::engine::run::Run;
use crate::engine::run_mode::RunMode;
use crate::engine::step::Step;
use crate::engine::step_error::StepError;
use crate::engine::variables::unset;
use crate::error::{Error, Kind, Result};
use crate::pg::{fault, interrupt, memory};

impl Run<'_> {
    /// Completes an error of a step that was executed, and writes the line about it in the
    /// server's log. `is_first`: no step of the run was executed before it.
    pub fn complete(
        &self,
        step: &Step,
        mut failed: Box<StepError>,
        is_first: bool,
    ) -> Box<StepError> {
        *failed = self.add_call(step, *failed);
        let project = self.project(step);
        let migration = step.version().unwrap_or(step.name());
        report::failed(self.id, &project.name, migration, &failed);
        let failed_step = FailedStep {
            step,
            project: &project.name,
            request: self.request,
            is_first,
            is_stepwise: self.mode == RunMode::Stepwise,
        };
        if let Some(error) = failed.error.server_mut() {
            let found = lookup::look_up(error, failed.location.text(), project);
            for Explanation { detail, hints } in
                found.into_iter().chain([failed_step.explain(error)])
            {
                if let Some(detail) = detail {
                    error.set_detail(&detail);
                }
                hints.iter().for_each(|hint| error.add_hint(hint));
            }
        }
        failed
    }

    /// Completes an error of the check of a step, which is the first of these.
    pub fn complete_check(&self, steps: &[Step], mut failed: Box<StepError>) -> Box<StepError> {
        failed.error = self.add_unset(steps, failed.error);
        match steps.first() {
            Some(step) => self.complete(step, failed, false),
            None => failed,
        }
    }

    /// Adds to an error about a statement that cannot run inside a transaction how it can run.
    fn add_call(&self, step: &Step, failed: StepError) -> StepError {
        let StepError { error, script, location } = failed;
        let call = || match (script, step.mark()) {
            (Some(ScriptKind::Precondition | ScriptKind::Verify), _) => {
                "Remove it: a precondition or verify script is rolled back.".to_owned()
            }
            (_, Some(true)) => "Register the migration without transactional => true.".to_owned(),
            _ if self.mode != RunMode::Atomic => "Take it out of BEGIN and COMMIT.".to_owned(),
            _ => {
                let call = self.request.stepwise(&self.project(step).name);
                format!("Run it in transactions of its own: {call}")
            }
        };
        let error = match error.kind() {
            Some(Kind::NonTransactional) => error.hint(call()),
            Some(Kind::TransactionControl) => error.more_hint(&call()),
            _ => error,
        };
        StepError { error, script, location }
    }

    /// Adds to an error about variables that are not set those of further steps.
    fn add_unset(&self, steps: &[Step], error: Error) -> Error {
        let (mut names, project) = match error.kind() {
            Some(Kind::Text(
                ScriptProblem::Unset(names, project) | ScriptProblem::Unexpanded(names, project),
            )) => (names.clone(), project.clone()),
            _ => return error,
        };
        for step in steps.iter().filter(|step| self.project(step).name == project) {
            let found = match self.unset_in(step) {
                Ok(found) => found,
                // Cancelled meanwhile.
                Err(error) if error.server().is_some() => return error,
                // Other errors are not what this one is about.
                Err(_) => break,
            };
            for name in found {
                if names.len() < MOST_UNSET && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        fault::naming(error, names)
    }

    fn unset_in(&self, step: &Step) -> Result<Vec<String>> {
        let text = self.tables.as_owner(|tables| {
            let memory = memory::Context::new()?;
            memory.enter(|| self.text(tables, step))
        })?;
        let variables = &self.project(step).variables;
        let texts =
            [text.precondition.as_deref(), Some(text.body.as_str()), text.verify.as_deref()];
        interrupt::stoppable(|| {
            Ok(texts.into_iter().flatten().flat_map(|text| unset(text, variables)).collect())
        })
    }
}

//! Runs with a transaction for each migration. Finished migrations remain, whatever comes after
//! them, and the history records failures.
//!
//! Only a procedure can do that, called as a statement of its own. It commits before it does
//! anything else, so it holds no snapshot. Statements such as CREATE INDEX CONCURRENTLY would
//! wait forever for that snapshot.

use super::atomic;
use super::conditions;
use super::half_run;
use super::plan;
use super::report;
use super::request::{Extent, Request, Scope};
use super::requirement;
use super::retry::{may_be_tried_again, pause_before_try};
use super::rollback_plan;
use super::run::{RenewLock, Run, Skipped};
use super::run_lock::{RunLock, despite_cancel};
use super::run_mode::{NonTransactionalReason, RunMode};
use super::session::CallGuard;
use super::step::{Act, CurrentStep, Direction, Finished, Step};
use super::step_error::{StepError, StepResult};
use super::tables::Tables;
use crate::error::{Kind, Result};
use crate::pg::spi::View;
use crate::pg::{message, settings, transaction};
use crate::store::applied::Applied;
use crate::store::event::Failure;
use crate::store::project::Project;
use crate::store::{self, Batch, RunId, Store};
use pgrx::PgSqlErrorCode as Code;
use std::time::Duration;

/// What a run has done.
#[derive(Debug, Default)]
pub struct RunOutcome {
    /// How many migrations it has applied or recorded as applied.
    pub applied: usize,
    /// How many it has rolled back.
    pub rolled_back: usize,
    /// Its identifier, if there was anything to do.
    pub id: Option<RunId>,
}

/// Applies the pending migrations of a project that the scope selects, each in a transaction of
/// its own. A half-run migration comes first. Errors as of [`atomic::apply`], but finished
/// migrations remain; the scope does not select the half-run migration (55000).
pub fn apply_each(project: &str, scope: Scope) -> Result<RunOutcome> {
    let request = scope.request(project);
    let _guard = CallGuard::enter(request.name(true))?;
    run(project, &request, |tables, project| {
        let half = half_run::begun(tables, project, false)?;
        let plan = plan::up(tables, project, scope, half.as_ref(), View::Newest)?;
        requirement::check_own(tables, project, plan.iter().map(|planned| &planned.migration))?;
        let acts: Vec<Act> = plan.into_iter().map(|planned| Act::Up(planned.migration)).collect();
        half_run::check_resumed(tables, project, half, acts.first())?;
        Ok(acts)
    })
}

/// Rolls back applied migrations of a project, each in a transaction of its own. A half-run
/// rollback comes first. Errors as of [`atomic::rollback`], but finished rollbacks remain; the
/// extent does not include the half-run one (55000).
pub fn rollback_each(project: &str, extent: Extent) -> Result<RunOutcome> {
    let request = extent.request(project);
    let _guard = CallGuard::enter(request.name(true))?;
    extent.check()?;
    run(project, &request, |tables, project| {
        let half = half_run::begun(tables, project, true)?;
        let mut plan =
            rollback_plan::rollback_candidates(tables, &project.name, Some(project), extent)?;
        let is_half = |a: &Applied| half.as_ref().is_some_and(|half| half.key == a.key);
        if let Some(place) = plan.iter().position(is_half) {
            plan[..=place].rotate_right(1);
        }
        let acts: Vec<Act> = plan.into_iter().map(Act::Down).collect();
        half_run::check_resumed(tables, project, half, acts.first())?;
        Ok(acts)
    })
}

/// Rolls back the last n applied migrations of a project and applies them again, each in
/// transactions of its own. Errors as of [`atomic::redo`], but finished steps remain: a migration
/// that was rolled back and not yet applied is pending then.
pub fn redo_each(project: &str, n: i32) -> Result<RunOutcome> {
    let request = Request::Redo { n, project: project.to_owned() };
    let _guard = CallGuard::enter(request.name(true))?;
    let extent = Extent::Last(n);
    extent.check()?;
    run(project, &request, |tables, project| {
        half_run::refuse(tables, project)?;
        let downs =
            rollback_plan::rollback_candidates(tables, &project.name, Some(project), extent)?;
        rollback_plan::again(tables, project, downs)
    })
}

/// What the check of all steps found about one of them.
struct StepCheck {
    /// Why the step cannot run inside a transaction.
    reason: Option<NonTransactionalReason>,
    /// It has DO blocks or calls, which may turn out to end transactions later.
    has_blocks: bool,
}

/// What the check of all steps gives, or the first step that cannot run.
type Checks<'s> = std::result::Result<Vec<StepCheck>, (&'s Step, Box<StepError>)>;

/// A stepwise run under way.
struct Stepwise<'a> {
    id: RunId,
    request: &'a Request,
    lock: RunLock,
    of: usize,
    skipped: Skipped,
}

fn run(
    name: &str,
    request: &Request,
    plan: impl FnOnce(&Batch, &Project) -> Result<Vec<Act>>,
) -> Result<RunOutcome> {
    transaction::commit()?;
    let Some(lock) = RunLock::wait(name)? else {
        message::notice(&format!("nothing to do: project {name} has no migrations"));
        return Ok(RunOutcome::default());
    };
    let planned = store::with(|tables| {
        let project = lock.renew(tables)?;
        let steps = Step::of_one_project(plan(tables, &project)?);
        if steps.is_empty() {
            atomic::report_nothing_to_do(tables, &project)?;
            return Ok(None);
        }
        Ok(Some((steps, tables.new_run_id()?)))
    })?;
    let Some((steps, id)) = planned else {
        transaction::commit()?;
        return Ok(RunOutcome::default());
    };
    let run = Stepwise { id, request, lock, of: steps.len(), skipped: Skipped::default() };
    let checks = run.check(&steps)?;
    transaction::commit()?;
    let mut outcome = RunOutcome { id: Some(id), ..RunOutcome::default() };
    for (n, (step, check)) in steps.iter().zip(&checks).enumerate() {
        match run.step(step, n + 1, check)? {
            Direction::Skip => {}
            Direction::Down => outcome.rolled_back += 1,
            Direction::Up | Direction::Mark => outcome.applied += 1,
        }
    }
    store::with(|tables| tables.note_completeness(&run.lock.renew(tables)?))?;
    transaction::commit()?;
    Ok(outcome)
}

impl Stepwise<'_> {
    /// Begins the part of the run in the current transaction.
    fn begin<'b>(&'b self, tables: Tables<'b>, project: &'b Project) -> Result<Run<'b>> {
        let mut run = Run::begin(tables, &[project], self.request, self.id, RunMode::Stepwise)?;
        run.skipped = Skipped::clone(&self.skipped);
        Ok(run)
    }

    /// Checks all steps before any runs. A script that cannot run is recorded as a failure.
    fn check(&self, steps: &[Step]) -> Result<Vec<StepCheck>> {
        let (step, failed) = match self.check_all(steps)? {
            Ok(checks) => return Ok(checks),
            Err(failed) => failed,
        };
        let error = &failed.error;
        let is_ours =
            error.server().is_none() && error.code() != Code::ERRCODE_OUT_OF_MEMORY as i32;
        if is_ours || conditions::is_answer(error) {
            transaction::abort()?;
            self.note(step, &failed)?;
        }
        Err(failed.error)
    }

    fn check_all<'s>(&self, steps: &'s [Step]) -> Result<Checks<'s>> {
        let store = Store::find()?;
        let tables = Tables::of(&store);
        let project = tables.as_owner(|tables| self.lock.renew(tables))?;
        let run = self.begin(tables, &project)?;
        let mut checks = Vec::with_capacity(steps.len());
        for (n, step) in steps.iter().enumerate() {
            match run.tables.as_owner(|tables| Ok(run.check(tables, step)))? {
                Ok(checked) => checks
                    .push(StepCheck { reason: checked.reason, has_blocks: checked.has_blocks }),
                Err(failed) => return Ok(Err((step, run.complete_check(&steps[n..], failed)))),
            }
        }
        run.tables.release()?;
        Ok(Ok(checks))
    }

    /// Runs a step, and tries again while it gets no lock.
    fn step(&self, step: &Step, number: usize, check: &StepCheck) -> Result<Direction> {
        // Shown until the step is committed, or its failure is recorded.
        let _running = step.show_running()?;
        let mut tries = 0;
        loop {
            let mut failed = match self.attempt(step, number, check) {
                Ok(direction) => return Ok(direction),
                Err(failed) => failed,
            };
            transaction::abort()?;
            if check.reason.is_none()
                && may_be_tried_again(&failed.error)
                && tries < settings::lock_retries()
            {
                tries += 1;
                match pause_before_try(&step.title(), &failed.error, tries) {
                    Ok(()) => continue,
                    // Cancelled meanwhile.
                    Err(cancel) => failed.error = cancel,
                }
                transaction::abort()?;
            }
            self.note(step, &failed)?;
            return Err(failed.error);
        }
    }

    /// One try. After an error, the caller aborts the transaction.
    fn attempt(&self, step: &Step, number: usize, check: &StepCheck) -> StepResult<Direction> {
        let store = Store::find()?;
        let tables = Tables::of(&store);
        let project = tables.as_owner(|tables| {
            let project = self.lock.renew(tables)?;
            if let Act::Up(migration) = &step.act {
                requirement::hold(tables, &[&project.name], &[migration])?;
                requirement::check_own(tables, &project, [migration])?;
            }
            Ok(project)
        })?;
        let run = self.begin(tables, &project)?;
        let mut is_apart = check.reason.is_some() || run.is_under_way(step);
        // An earlier migration may have created what a block calls.
        if check.reason.is_none() && check.has_blocks && number > 1 {
            let checked = run.tables.as_owner(|tables| Ok(run.check(tables, step)))?;
            let checked = checked.map_err(|failed| run.complete(step, failed, false))?;
            is_apart |= checked.reason.is_some();
        }
        let renew = || self.renew_lock(step);
        let renew = is_apart.then_some(&renew as RenewLock);
        let (mut direction, mut took) = (step.direction(), Duration::ZERO);
        let mut finished = |done: Finished| (direction, took) = (done.direction, done.took);
        run.execute(&CurrentStep::start(step, number, self.of), None, renew, &mut finished)
            .and_then(|()| Ok(run.commit()?))
            .map_err(|failed| run.complete(step, failed, number == 1))?;
        report::finished(direction, &step.title(), took);
        Ok(direction)
    }

    /// Locks the project in the transaction that has just begun. Also locks and checks what the
    /// step requires of other projects, which may have been rolled back between transactions.
    fn renew_lock(&self, step: &Step) -> Result<()> {
        store::with(|tables| {
            let project = self.lock.renew(tables)?;
            if let Act::Up(migration) = &step.act
                && requirement::is_of_others(migration)
            {
                requirement::hold(tables, &[&project.name], &[migration])?;
                requirement::check_own(tables, &project, [migration])?;
            }
            Ok(())
        })
    }

    /// Records a failure, if that is possible. Must be called after an abort. A decision that is
    /// still missing is no failure: nothing has run, and an earlier failure stays on record.
    fn note(&self, step: &Step, failed: &StepError) -> Result<()> {
        if failed.error.kind() == Some(&Kind::Interrupted) {
            return Ok(());
        }
        if let Err(second) = despite_cancel(|| self.record_failure(step, failed)) {
            transaction::abort()?;
            message::warning(&format!(
                "could not record the failure in the history: {}",
                second.summary().1
            ));
        }
        Ok(())
    }

    /// Records a failure in a transaction of its own.
    fn record_failure(&self, step: &Step, failed: &StepError) -> Result<()> {
        let store = Store::find()?;
        let tables = Tables::of(&store);
        let project = tables.as_owner(|tables| self.lock.renew(tables))?;
        let (sqlstate, message) = failed.error.summary();
        let failure = Failure {
            direction: step.direction().word().to_owned(),
            sqlstate,
            message,
            statement: failed.location.statement(),
            line: failed.location.line(),
        };
        let run = self.begin(tables, &project)?;
        run.tables.as_owner(|tables| run.record_failure(tables, step, &failure))?;
        run.commit()
    }
}

//! Runs with a transaction for each migration: what is finished stays, whatever comes
//! after it, and a failure is kept in the history.
//!
//! Only a procedure can do that, called as a statement of its own. It commits before it
//! does anything else, so that it holds no snapshot, for which the likes of CREATE INDEX
//! CONCURRENTLY would wait for ever.

use super::atomic::{self, Extent};
use super::check::{Cause, Mode};
use super::condition;
use super::half_run;
use super::plan::{self, Scope};
use super::report::{self, At, Direction};
use super::request::Request;
use super::requirement;
use super::run::{RenewLock, Run, Skipped};
use super::session::Running;
use super::step::{Act, Finished, Step};
use crate::error::{Error, Result};
use crate::pg::lock::SessionLock;
use crate::pg::spi::View;
use crate::pg::{message, settings, transaction};
use crate::store::applied::Applied;
use crate::store::event::Failure;
use crate::store::project::Project;
use crate::store::{self, Batch, RunId, Store};
use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime};

/// What a run has done.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many migrations it has applied, or counted as applied.
    pub applied: usize,
    /// How many it has rolled back.
    pub rolled_back: usize,
    /// Its identifier, if there was anything to do.
    pub id: Option<RunId>,
}

/// Applies the pending migrations of a project that are meant, each in a transaction of
/// its own, a half-run one first. Errors as of [`atomic::apply`], but what is finished stays;
/// the half-run one isn't meant (55000).
pub fn apply_each(project: &str, scope: Scope) -> Result<Outcome> {
    let request = scope.request(project);
    let _running = Running::enter(request.name(true))?;
    run(project, &request, |batch, project| {
        let half = half_run::begun(batch, project, false)?;
        let plan = plan::up(batch, project, scope, half.as_ref(), View::Newest)?;
        requirement::check_own(batch, project, plan.iter().map(|planned| &planned.migration))?;
        let acts: Vec<Act> = plan.into_iter().map(|planned| Act::Up(planned.migration)).collect();
        half_run::check_resumed(batch, project, half, acts.first())?;
        Ok(acts)
    })
}

/// Rolls back applied migrations of a project, each in a transaction of its own, a half-run
/// one first. Errors as of [`atomic::rollback`], but what is finished stays; the half-run one
/// isn't meant (55000).
pub fn rollback_each(project: &str, extent: Extent) -> Result<Outcome> {
    let request = extent.request(project);
    let _running = Running::enter(request.name(true))?;
    extent.check()?;
    run(project, &request, |batch, project| {
        let half = half_run::begun(batch, project, true)?;
        let mut plan = atomic::going(batch, &project.name, Some(project), extent)?;
        let is_half = |a: &Applied| half.as_ref().is_some_and(|half| half.key == a.key);
        if let Some(place) = plan.iter().position(is_half) {
            plan[..=place].rotate_right(1);
        }
        let acts: Vec<Act> = plan.into_iter().map(Act::Down).collect();
        half_run::check_resumed(batch, project, half, acts.first())?;
        Ok(acts)
    })
}

/// Rolls back the last n applied migrations of a project and applies them again, each in
/// transactions of its own. Errors as of [`atomic::redo`], but what is finished stays: what
/// was rolled back and not yet applied is pending then.
pub fn redo_each(project: &str, n: i32) -> Result<Outcome> {
    let request = Request::Redo { n, project: project.to_owned() };
    let _running = Running::enter(request.name(true))?;
    let extent = Extent::Last(n);
    extent.check()?;
    run(project, &request, |batch, project| {
        half_run::refuse(batch, project)?;
        let downs = atomic::going(batch, &project.name, Some(project), extent)?;
        atomic::again(batch, project, downs)
    })
}

/// Why a step can't run inside a transaction, and whether it has blocks, of which that may show
/// later.
type Causes = (Option<Cause>, bool);

/// A stepwise run under way.
struct Stepwise<'a> {
    project: String,
    id: RunId,
    request: &'a Request,
    lock: SessionLock,
    of: usize,
    skipped: RefCell<Skipped>,
    // Where in its body the last try has failed.
    failed_at: RefCell<At>,
}

fn run(
    name: &str,
    request: &Request,
    plan: impl FnOnce(&Batch, &Project) -> Result<Vec<Act>>,
) -> Result<Outcome> {
    transaction::commit()?;
    let Some(lock) = wait_for_lock(name)? else {
        message::notice(&format!("nothing to do: project {name} has no migrations"));
        return Ok(Outcome::default());
    };
    let (steps, id) = {
        let store = Store::find()?;
        let batch = store.open()?;
        let project = own_project(&batch, &lock, name)?;
        let acts = plan(&batch, &project)?;
        let steps: Vec<Step> = acts.into_iter().map(|act| Step { lane: 0, act }).collect();
        if steps.is_empty() {
            atomic::tell_nothing_to_do(&batch, &project)?;
            batch.close()?;
            transaction::commit()?;
            return Ok(Outcome::default());
        }
        let id = batch.new_run_id()?;
        batch.close()?;
        (steps, id)
    };
    let this = Stepwise {
        project: name.to_owned(),
        id,
        request,
        lock,
        of: steps.len(),
        skipped: RefCell::default(),
        failed_at: RefCell::default(),
    };
    let causes = this.check(&steps)?;
    transaction::commit()?;
    let mut outcome = Outcome { id: Some(id), ..Outcome::default() };
    for (n, (step, cause)) in steps.iter().zip(&causes).enumerate() {
        let direction = this.step(step, n + 1, cause)?;
        match direction {
            Direction::Skip => {}
            Direction::Down => outcome.rolled_back += 1,
            _ => outcome.applied += 1,
        }
    }
    this.note_completeness()?;
    Ok(outcome)
}

/// Takes a project's lock for the session, and waits for another run to end, as long as
/// `migrations.run_wait` says. None: `default` has no row, and so no migrations.
fn wait_for_lock(name: &str) -> Result<Option<SessionLock>> {
    let end = Instant::now() + settings::run_wait();
    loop {
        let store = Store::find()?;
        let batch = store.open()?;
        let Some(project) = batch.project(name, View::Newest)? else {
            batch.close()?;
            return Ok(None);
        };
        if let Some(lock) = SessionLock::try_lock(project.id)? {
            batch.raise_sequences()?;
            batch.close()?;
            return Ok(Some(lock));
        }
        if Instant::now() >= end {
            let holder = batch.lock_holder(project.id)?;
            let waited = Some(settings::run_wait());
            return Err(Error::Busy { project: project.name, holder, waited });
        }
        batch.close()?;
        // No snapshot is held while we wait: the other run may build an index.
        transaction::commit()?;
        if let Err(error) = transaction::wait(Duration::from_millis(100)) {
            transaction::abort()?;
            return Err(with_holder(error, &project)?);
        }
    }
}

/// Has a cancel or a timeout while a run waits for another one say for which, if that can
/// be looked up.
fn with_holder(mut error: Error, project: &Project) -> Result<Error> {
    match despite_cancel(|| store::with(|batch| batch.lock_holder(project.id))) {
        Ok(holder) => {
            if let Error::Server(server) = &mut error {
                let name = &project.name;
                server.set_detail(&format!(
                    "Migrations of project \"{name}\" were in use by another session. {holder}"
                ));
            }
        }
        Err(_) => transaction::abort()?,
    }
    Ok(error)
}

/// Does something after an abort. A client's cancel request arrives as two signals; the
/// second one may come while the first is being dealt with.
fn despite_cancel<T>(work: impl Fn() -> Result<T>) -> Result<T> {
    work().or_else(|error| {
        if !is_cancel(&error) {
            return Err(error);
        }
        transaction::abort()?;
        work()
    })
}

/// The project in the newest state, locked for this transaction, too.
fn own_project(batch: &Batch, lock: &SessionLock, name: &str) -> Result<Project> {
    let found = batch.project(name, View::Newest)?;
    let project = found.ok_or_else(|| Error::SnapshotTooOld(name.to_owned()))?;
    if !lock.renew()? {
        let holder = batch.lock_holder(project.id)?;
        return Err(Error::Busy { project: project.name, holder, waited: None });
    }
    Ok(project)
}

impl Stepwise<'_> {
    /// Finds what can't run before anything does: of each step why it can't run inside a
    /// transaction. What fails here is kept in the record, too.
    fn check(&self, steps: &[Step]) -> Result<Vec<Causes>> {
        let mut at = None;
        self.causes(steps, &mut at).or_else(|error| {
            if let Some(step) = at {
                transaction::abort()?;
                self.note(step, &error)?;
            }
            Err(error)
        })
    }

    fn causes<'s>(&self, steps: &'s [Step], at: &mut Option<&'s Step>) -> Result<Vec<Causes>> {
        let store = Store::find()?;
        let batch = store.open()?;
        let project = own_project(&batch, &self.lock, &self.project)?;
        let run = Run::begin(&store, &batch, &[&project], self.request, self.id)?;
        let mut causes = Vec::with_capacity(steps.len());
        for (n, step) in steps.iter().enumerate() {
            let checked = run.check(&batch, step, Mode::Stepwise).map_err(|error| {
                let error = run.with_unset(&batch, &steps[n..], error);
                // A cancel or a want of memory isn't the text's doing.
                if condition::is_answer(&error)
                    || error.report().is_some() && !matches!(error, Error::OutOfMemory)
                {
                    *at = Some(step);
                }
                self.failed_at.replace(run.failed_at());
                run.failed(step, error)
            })?;
            causes.push((checked.cause, checked.calls));
        }
        batch.close()?;
        Ok(causes)
    }

    /// Takes a step, again and again while it gets no lock.
    fn step(&self, step: &Step, number: usize, causes: &Causes) -> Result<Direction> {
        // Until it is committed, or its failure is on record.
        let _running = step.say_running()?;
        let mut tries = 0;
        loop {
            let mut error = match self.attempt(step, number, causes) {
                Ok(direction) => return Ok(direction),
                Err(error) => error,
            };
            transaction::abort()?;
            if causes.0.is_none() && may_be_tried_again(&error) && tries < settings::lock_retries()
            {
                tries += 1;
                match pause_before_try(&step.title(), &error, tries) {
                    Ok(()) => continue,
                    // Cancelled meanwhile.
                    Err(cancel) => error = cancel,
                }
                transaction::abort()?;
            }
            self.note(step, &error)?;
            return Err(error);
        }
    }

    /// Keeps a failure in the record, if that can be done; begins after an abort. That a decision
    /// is still missing is none: nothing has run, and what failed before stays on record.
    fn note(&self, step: &Step, error: &Error) -> Result<()> {
        if matches!(error, Error::Interrupted { .. }) {
            return Ok(());
        }
        if let Err(second) = despite_cancel(|| self.note_failure(step, error)) {
            transaction::abort()?;
            message::warning(&format!(
                "the failure could not be kept in the history: {}",
                second.summary().1
            ));
        }
        Ok(())
    }

    /// One try. An error leaves the transaction to be aborted.
    fn attempt(&self, step: &Step, number: usize, causes: &Causes) -> Result<Direction> {
        let (cause, calls) = (causes.0.as_ref(), causes.1);
        self.failed_at.take();
        let store = Store::find()?;
        let batch = store.open()?;
        let project = own_project(&batch, &self.lock, &self.project)?;
        if let Act::Up(migration) = &step.act {
            requirement::hold(&batch, &[&self.project], &[migration])?;
            requirement::check_own(&batch, &project, [migration])?;
        }
        let mut run = Run::begin(&store, &batch, &[&project], self.request, self.id)?;
        run.skipped = self.skipped.take();
        let mut direction = step.direction();
        let mut took = Duration::ZERO;
        let mut tell = |done: Finished| (direction, took) = (done.direction, done.took);
        let renew = || self.renew_lock(step);
        // What a block calls may have been made by a migration before it.
        let late = match calls && cause.is_none() && number > 1 {
            true => {
                let checked = run.check(&batch, step, Mode::Stepwise);
                checked.map_err(|error| run.failed(step, error))?.cause
            }
            false => None,
        };
        let apart = cause.or(late.as_ref()).is_some() || run.is_under_way(step);
        let apart = apart.then_some(&renew as RenewLock);
        let done = run.perform(batch, step, (number, self.of), None, apart, &mut tell);
        self.skipped.replace(std::mem::take(&mut run.skipped));
        let done = done.and_then(|batch| batch.close()).and_then(|()| transaction::commit());
        if let Err(error) = done {
            self.failed_at.replace(run.failed_at());
            return Err(run.failed(step, error));
        }
        report::finished(direction, &step.title(), took);
        Ok(direction)
    }

    /// Has the transaction that has just begun hold the project, and what the step requires
    /// of other ones, which may have gone between two transactions.
    fn renew_lock(&self, step: &Step) -> Result<()> {
        store::with(|batch| {
            let project = own_project(batch, &self.lock, &self.project)?;
            if let Act::Up(migration) = &step.act
                && requirement::is_of_others(migration)
            {
                requirement::hold(batch, &[&self.project], &[migration])?;
                requirement::check_own(batch, &project, [migration])?;
            }
            Ok(())
        })
    }

    /// Keeps a failure in the record, in a transaction of its own.
    fn note_failure(&self, step: &Step, error: &Error) -> Result<()> {
        let at = self.failed_at.borrow();
        let store = Store::find()?;
        let batch = store.open()?;
        let project = own_project(&batch, &self.lock, &self.project)?;
        let (sqlstate, message) = error.summary();
        let failure = Failure {
            direction: step.direction().word().to_owned(),
            sqlstate,
            message,
            statement: at.statement(),
            line: at.line(),
        };
        let run = Run::begin(&store, &batch, &[&project], self.request, self.id)?;
        run.note_failure(&batch, step, &failure)?;
        batch.close()?;
        transaction::commit()
    }

    fn note_completeness(&self) -> Result<()> {
        store::with(|batch| {
            let project = own_project(batch, &self.lock, &self.project)?;
            batch.note_completeness(&project)
        })?;
        transaction::commit()
    }
}

/// No lock was to be had, or another transaction was faster: another try may succeed.
pub(super) fn may_be_tried_again(error: &Error) -> bool {
    let Error::Server(error) = error else { return false };
    ["55P03", "40P01", "40001"].contains(&error.sqlstate().as_str())
}

/// Says that there will be another try, and waits for it. Errors: a cancel.
pub(super) fn pause_before_try(title: &str, error: &Error, tries: u32) -> Result<()> {
    let pause = pause(tries);
    message::notice(&format!(
        "{title}: {}; trying again in {:.1} s ({tries} of {})",
        error.summary().1,
        pause.as_secs_f64(),
        settings::lock_retries()
    ));
    transaction::wait(pause)
}

fn is_cancel(error: &Error) -> bool {
    matches!(error, Error::Server(error) if error.sqlstate() == "57014")
}

/// How long to pause before a try: longer each time, and not the same for two sessions.
fn pause(tries: u32) -> Duration {
    let longest = Duration::from_secs(30);
    let time = Duration::from_millis(200).saturating_mul(1 << tries.min(16)).min(longest);
    let clock = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
    time.mul_f64(0.5 + f64::from(clock % 1000) / 2000.0)
}

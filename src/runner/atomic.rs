//! A run in one transaction: all of its plan, or nothing.

use super::body::{self, Done};
use super::check;
use super::entrance::{Running, lock_project};
use super::report::{self, Direction, label};
use crate::domain::checksum;
use crate::domain::plan;
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::catch::ServerError;
use crate::pg::context::Context;
use crate::pg::{cstring, memory, message, transaction};
use crate::pg::spi::View;
use crate::store::applied::Applied;
use crate::store::event::Event;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, RunId, Store};
use pgrx::PgSqlErrorCode;
use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

/// A finished step of a run.
pub struct Finished<'a> {
    /// Its number, from 1.
    pub step: usize,
    /// The project.
    pub project: &'a str,
    /// The migration's version.
    pub version: &'a str,
    /// The migration's name.
    pub name: &'a str,
    /// Which way it was taken.
    pub direction: Direction,
    /// How long it took.
    pub took: Duration,
    /// What its body did.
    pub done: Done,
}

/// A step of a plan.
struct Step {
    version: String,
    name: String,
    subject: Subject,
}

/// What a step is about.
enum Subject {
    Up(Pending),
    Down(Applied),
}

impl Step {
    fn up(pending: Pending) -> Step {
        let (version, name) = (pending.version.clone(), pending.name.clone());
        Step { version, name, subject: Subject::Up(pending) }
    }

    fn down(applied: Applied) -> Step {
        let (version, name) = (applied.version.clone(), applied.name.clone());
        Step { version, name, subject: Subject::Down(applied) }
    }

    fn direction(&self) -> Direction {
        match self.subject {
            Subject::Up(_) => Direction::Up,
            Subject::Down(_) => Direction::Down,
        }
    }

    fn label(&self, project: &Project) -> String {
        label(self.direction(), &self.version, &self.name, &project.name)
    }
}

/// Applies all pending migrations of a project up to and including the target.
///
/// Errors, all before anything runs: see [`Running::enter`] and [`lock_project`]; unknown
/// project or target (42704); an applied migration was modified, a pending one has no up
/// or can't run here (55000 and those of [`check::atomic`]). Later: what the bodies raise.
pub fn apply(
    project: &str,
    target: Option<&Version>,
    finished: &mut dyn FnMut(Finished),
) -> Result<()> {
    let _running = Running::enter("migrations.apply()")?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(project) = batch.project(project, View::Newest)? else {
        batch.close()?;
        return no_migrations(project, target);
    };
    let project = lock_project(&batch, &project)?;
    if target.is_none() && project.is_complete() {
        let version = batch.highest_applied(project.id, View::Newest)?;
        batch.close()?;
        nothing_to_do(&project.name, version.as_deref());
        return Ok(());
    }
    let plan = pending(&batch, &project, target, View::Newest)?;
    let run = Run::begin(&store, &batch, &project)?;
    if plan.is_empty() {
        // Nothing was pending, whatever the generations say; the next call needn't look.
        let version = batch.highest_applied(project.id, View::Newest)?;
        if target.is_none() {
            batch.set_complete(&project, true)?;
        }
        batch.close()?;
        nothing_to_do(&project.name, version.as_deref());
        return Ok(());
    }
    batch.close()?;
    run.all(plan.into_iter().map(Step::up).collect(), finished)
}

/// What an apply would run, in its order. Errors: unknown target, modified migrations,
/// migrations without an up.
pub fn pending(
    batch: &Batch,
    project: &Project,
    target: Option<&Version>,
    view: View,
) -> Result<Vec<Pending>> {
    if let Some(target) = target
        && !batch.knows(project.id, target.key(), view)?
    {
        return Err(Error::UnknownTarget {
            version: target.text().to_owned(),
            project: project.name.clone(),
        });
    }
    let migrations = batch.modified(project.id, view)?;
    if !migrations.is_empty() {
        return Err(Error::Modified { migrations, project: project.name.clone() });
    }
    let plan = plan::up_to(batch.pending(project.id, view)?, target.map(Version::key));
    let halves: Vec<String> =
        plan.iter().filter(|m| !m.has_up).map(|m| m.version.clone()).collect();
    if !halves.is_empty() {
        return Err(Error::NoUp { versions: halves, project: project.name.clone() });
    }
    Ok(plan)
}

/// Rolls back the last n applied migrations of a project, the last one first.
///
/// Errors, all before anything runs: see [`Running::enter`] and [`lock_project`]; unknown
/// project (42704); n is less than 1 or more than are applied (22023); one of them has no
/// down, or one that can't run here (55000 and those of [`check::atomic`]).
pub fn rollback(project: &str, n: i32, finished: &mut dyn FnMut(Finished)) -> Result<()> {
    let _running = Running::enter("migrations.rollback()")?;
    if n < 1 {
        return Err(Error::TooFew(n));
    }
    let store = Store::find()?;
    let batch = store.open()?;
    let too_many =
        |applied| Error::TooMany { asked: n, applied, project: project.to_owned() };
    let Some(project) = batch.project(project, View::Newest)? else {
        return Err(too_many(0));
    };
    let project = lock_project(&batch, &project)?;
    let plan = batch.last_applied(project.id, n)?;
    if plan.len() < n as usize {
        return Err(too_many(plan.len()));
    }
    let missing: Vec<String> =
        plan.iter().filter(|m| !m.has_down).map(|m| m.version.clone()).collect();
    if !missing.is_empty() {
        return Err(Error::NoDown { versions: missing, project: project.name });
    }
    let run = Run::begin(&store, &batch, &project)?;
    batch.close()?;
    run.all(plan.into_iter().map(Step::down).collect(), finished)
}

fn no_migrations(project: &str, target: Option<&Version>) -> Result<()> {
    if let Some(target) = target {
        let version = target.text().to_owned();
        return Err(Error::UnknownTarget { version, project: project.to_owned() });
    }
    nothing_to_do(project, None);
    Ok(())
}

fn nothing_to_do(project: &str, version: Option<&str>) {
    message::notice(&match version {
        Some(version) => format!("nothing to do: project {project} is at version {version}"),
        None => format!("nothing to do: project {project} has no migrations"),
    });
}

/// A run that is under way.
struct Run<'a> {
    store: &'a Store,
    project: &'a Project,
    id: RunId,
    // The number of the last event of the project.
    seq: i64,
}

impl<'a> Run<'a> {
    fn begin(store: &'a Store, batch: &Batch, project: &'a Project) -> Result<Run<'a>> {
        store.objects().hold();
        let seq = batch.last_seq(project.id, View::Newest)?;
        Ok(Run { store, project, id: batch.new_run_id()?, seq })
    }

    fn all(mut self, plan: Vec<Step>, finished: &mut dyn FnMut(Finished)) -> Result<()> {
        for step in &plan {
            self.check(step)?;
        }
        let activity = Activity::new();
        let of = plan.len();
        for (n, step) in plan.iter().enumerate() {
            let number = n + 1;
            let title = format!("migrations: {number}/{of} {} {}", step.version, step.name);
            activity.show(&title);
            let started = Instant::now();
            let done = self.step(step, &title, started, &activity)?;
            let took = started.elapsed();
            report::finished(step.direction(), &step.version, &step.name, took);
            finished(Finished {
                step: number,
                project: &self.project.name,
                version: &step.version,
                name: &step.name,
                direction: step.direction(),
                took,
                done,
            });
        }
        self.end()
    }

    /// Finds, before the first statement of a run is executed, what in a step can't run.
    fn check(&self, step: &Step) -> Result<()> {
        if let Subject::Up(Pending { transactional: Some(false), .. }) = step.subject {
            return Err(Error::MarkedNonTransactional {
                version: step.version.clone(),
                project: self.project.name.clone(),
            });
        }
        let batch = self.store.open()?;
        let body = self.text(&batch, step)?.0;
        batch.close()?;
        let memory = memory::Context::new()?;
        self.with(step, &body, |context| memory.enter(|| check::atomic(context)).map(drop))
    }

    /// Runs a step: its record and its body are one.
    fn step(
        &mut self,
        step: &Step,
        title: &str,
        started: Instant,
        activity: &Activity,
    ) -> Result<Done> {
        let started_at = transaction::now();
        let batch = self.store.open()?;
        let (body, checksum) = self.text(&batch, step)?;
        let claimed = match &step.subject {
            Subject::Up(pending) => batch.claim(pending, self.id, started_at)?,
            Subject::Down(applied) => {
                batch.unclaim(applied.id)?;
                applied.id
            }
        };
        batch.close()?;
        let done = self.with(step, &body, |context| {
            let done = body::run(self.store, context, title, activity)?;
            self.untouched(step)?;
            Ok(done)
        })?;
        let duration = started.elapsed().as_micros() as i64;
        self.seq += 1;
        let batch = self.store.open()?;
        let action = match step.subject {
            Subject::Up(_) => "apply",
            Subject::Down(_) => "rollback",
        };
        if step.direction() == Direction::Up && !batch.set_duration(claimed, duration)? {
            return Err(self.tampered(step, "Its row in migrations.applied is gone.".to_owned()));
        }
        batch.record(&Event {
            project: self.project.id,
            seq: self.seq,
            run: Some(self.id),
            version: &step.version,
            name: &step.name,
            action,
            started_at,
            duration: Some(duration),
            checksum: Some(&checksum),
        })?;
        batch.close()?;
        Ok(done)
    }

    /// The body of a step, and the checksum of the up that it belongs to.
    fn text(&self, batch: &Batch, step: &Step) -> Result<(CString, Vec<u8>)> {
        let found = match &step.subject {
            Subject::Up(pending) => batch.up(pending.id)?,
            Subject::Down(applied) => batch.down(applied.id)?,
        };
        let (text, stored) = found.unwrap_or_default();
        if step.direction() == Direction::Up && checksum::checksum(&text)[..] != stored {
            return Err(Error::Corrupt { migration: step.label(self.project) });
        }
        Ok((cstring(checksum::without_bom(&text)), stored))
    }

    /// Does something with the body of a step. A failure gets its line in the server's
    /// log, and a HINT where it is the one transaction that causes it.
    fn with<T>(
        &self,
        step: &Step,
        body: &CStr,
        work: impl FnOnce(&Context) -> Result<T>,
    ) -> Result<T> {
        let label = step.label(self.project);
        let context = Context::new(&label, body);
        work(&context).map_err(|mut error| {
            report::failed(self.id, &self.project.name, &step.version, &context, &error);
            if let Error::Server(server) = &mut error {
                hint_at_one_transaction(server);
            }
            error
        })
    }

    /// The extension and its tables are what they were when the run began.
    fn untouched(&self, step: &Step) -> Result<()> {
        match self.store.objects().difference() {
            None => Ok(()),
            Some(detail) => Err(self.tampered(step, detail)),
        }
    }

    fn tampered(&self, step: &Step, detail: String) -> Error {
        Error::Tampered { migration: step.label(self.project), detail }
    }

    /// Notes whether all that is registered is applied now.
    fn end(&self) -> Result<()> {
        let batch = self.store.open()?;
        let complete = !batch.has_pending(self.project.id)?;
        batch.set_complete(self.project, complete)?;
        batch.close()
    }
}

/// Errors that a commit between migrations avoids say so.
fn hint_at_one_transaction(error: &mut ServerError) {
    const NEW_ENUM_VALUE: i32 = PgSqlErrorCode::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE as i32;
    const OUT_OF_MEMORY: i32 = PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as i32;
    match error.code() {
        NEW_ENUM_VALUE => error.add_hint(
            "Apply up to the migration that adds the value by a call of its own: SELECT * FROM migrations.apply(version);",
        ),
        OUT_OF_MEMORY => error.add_hint(
            "Fewer migrations in one transaction need less: SELECT * FROM migrations.apply(version);",
        ),
        _ => {}
    }
}

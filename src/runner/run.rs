//! Carries out the steps of a plan in the current transaction: all of them, or an error
//! with which the transaction ends.

use super::body::{self, Done};
use super::check;
use super::report::{self, Direction, label};
use crate::domain::checksum;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::catch::ServerError;
use crate::pg::context::Context;
use crate::pg::integrity::OwnObjects;
use crate::pg::spi::View;
use crate::pg::{cstring, memory, transaction};
use crate::store::applied::Applied;
use crate::store::event::Event;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::{Batch, RunId, Store};
use pgrx::PgSqlErrorCode;
use std::cell::Cell;
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
pub enum Step {
    /// Applies a migration.
    Up(Pending),
    /// Rolls a migration back.
    Down(Applied),
}

impl Step {
    fn version(&self) -> &str {
        match self {
            Step::Up(pending) => &pending.version,
            Step::Down(applied) => &applied.version,
        }
    }

    fn name(&self) -> &str {
        match self {
            Step::Up(pending) => &pending.name,
            Step::Down(applied) => &applied.name,
        }
    }

    fn direction(&self) -> Direction {
        match self {
            Step::Up(_) => Direction::Up,
            Step::Down(_) => Direction::Down,
        }
    }

    fn label(&self, project: &Project) -> String {
        label(self.direction(), self.version(), self.name(), &project.name)
    }
}

/// A run that is under way.
pub struct Run<'a> {
    store: &'a Store,
    objects: OwnObjects,
    project: &'a Project,
    id: RunId,
    // The number of the last event of the project.
    seq: i64,
    // Where in its body the current step has failed.
    failed_at: Cell<report::At>,
}

/// A step whose record is made and whose body is about to run.
struct Begun {
    body: CString,
    checksum: Vec<u8>,
    // Key of the row in the applied state.
    row: i64,
    started_at: i64,
    started: Instant,
}

impl<'a> Run<'a> {
    /// Begins a run of a locked project.
    pub fn begin(store: &'a Store, batch: &Batch, project: &'a Project) -> Result<Run<'a>> {
        store.hold();
        // Looked up again under the locks: others may have rewritten a table meanwhile.
        let objects = OwnObjects::find()?;
        let seq = batch.last_seq(project.id, View::Newest)?;
        let id = batch.new_run_id()?;
        Ok(Run { store, objects, project, id, seq, failed_at: Cell::default() })
    }

    /// Checks all steps, then runs them. Errors: see [`check::atomic`]; the migration is
    /// marked as one that can't run inside a transaction (25001); what its body raises;
    /// its body interfered with our tables or users (55000).
    pub fn all(mut self, plan: Vec<Step>, finished: &mut dyn FnMut(Finished)) -> Result<()> {
        let mut batch = self.store.open()?;
        for step in &plan {
            self.check(&batch, step).map_err(|error| self.failed(step, error))?;
        }
        let activity = Activity::begin();
        let of = plan.len();
        for (n, step) in plan.iter().enumerate() {
            let number = n + 1;
            let title = format!("migrations: {number}/{of} {} {}", step.version(), step.name());
            activity.show(&title);
            let begun = self.open(&batch, step).map_err(|error| self.failed(step, error))?;
            batch.close()?;
            let done = self
                .body(step, &begun, &title, &activity)
                .map_err(|error| self.failed(step, error))?;
            let took = begun.started.elapsed();
            batch = self.store.open()?;
            self.record(&batch, step, &begun, took).map_err(|error| self.failed(step, error))?;
            report::finished(step.direction(), step.version(), step.name(), took);
            finished(Finished {
                step: number,
                project: &self.project.name,
                version: step.version(),
                name: step.name(),
                direction: step.direction(),
                took,
                done,
            });
        }
        let left = batch.differences(self.project.id, View::Newest)?;
        let complete = left.pending.is_empty() && left.modified.is_empty();
        batch.set_complete(self.project, complete)?;
        batch.close()
    }

    /// Finds, before the first statement of a run is executed, what in a step can't run.
    fn check(&self, batch: &Batch, step: &Step) -> Result<()> {
        if let Step::Up(Pending { transactional: Some(false), .. }) = step {
            return Err(Error::MarkedNonTransactional {
                version: step.version().to_owned(),
                project: self.project.name.clone(),
            });
        }
        // Holds the text and the trees of this one step.
        let memory = memory::Context::new()?;
        memory.enter(|| {
            let body = self.text(batch, step)?.0;
            self.with(step, &body, |context| check::atomic(context).map(drop))
        })
    }

    /// Makes the record of a step that is about to run.
    fn open(&mut self, batch: &Batch, step: &Step) -> Result<Begun> {
        let (started, started_at) = (Instant::now(), transaction::now());
        self.seq += 1;
        let (body, checksum) = self.text(batch, step)?;
        let row = match step {
            Step::Up(pending) => batch.claim(pending, self.id, started_at, self.seq)?,
            Step::Down(applied) => {
                if !batch.unclaim(applied.id)? {
                    return Err(self.row_gone(step));
                }
                applied.id
            }
        };
        Ok(Begun { body, checksum, row, started_at, started })
    }

    /// Runs the body of a step, and sees to it that it has left us alone.
    fn body(&self, step: &Step, begun: &Begun, title: &str, activity: &Activity) -> Result<Done> {
        self.with(step, &begun.body, |context| {
            let done = body::run(self.store, context, title, activity)?;
            match self.objects.difference() {
                None => Ok(done),
                Some(detail) => Err(self.tampered(step, detail)),
            }
        })
    }

    /// Completes the record of a step that has run.
    fn record(&self, batch: &Batch, step: &Step, begun: &Begun, took: Duration) -> Result<()> {
        let duration = took.as_micros() as i64;
        match step.direction() {
            Direction::Up if batch.record_apply(begun.row, duration)? => Ok(()),
            Direction::Up => Err(self.row_gone(step)),
            Direction::Down => batch.record(&Event {
                project: self.project.id,
                seq: self.seq,
                run: Some(self.id),
                version: step.version(),
                name: step.name(),
                action: "rollback",
                started_at: begun.started_at,
                duration: Some(duration),
                checksum: Some(&begun.checksum),
            }),
        }
    }

    /// The body of a step, and the checksum of the up that it belongs to.
    fn text(&self, batch: &Batch, step: &Step) -> Result<(CString, Vec<u8>)> {
        let found = match step {
            Step::Up(pending) => batch.up(pending.id)?,
            Step::Down(applied) => batch.down(applied.id)?,
        };
        let text = found.unwrap_or_default();
        if checksum::checksum(&text.body)[..] != text.stored {
            return Err(Error::Corrupt { migration: step.label(self.project) });
        }
        Ok((cstring(checksum::without_bom(&text.body)), text.up_checksum))
    }

    /// Does something with the body of a step, and notes where it fails.
    fn with<T>(
        &self,
        step: &Step,
        body: &CStr,
        work: impl FnOnce(&Context) -> Result<T>,
    ) -> Result<T> {
        let label = step.label(self.project);
        let context = Context::new(&label, body);
        work(&context).inspect_err(|_| self.failed_at.set(report::At::of(&context)))
    }

    /// Gives a failure its line in the server's log, and a HINT where it is the one
    /// transaction that causes it.
    fn failed(&self, step: &Step, mut error: Error) -> Error {
        let at = self.failed_at.take();
        report::failed(self.id, &self.project.name, step.version(), at, &error);
        if let Error::Server(server) = &mut error {
            hint_at_one_transaction(server);
        }
        error
    }

    fn row_gone(&self, step: &Step) -> Error {
        self.tampered(step, "Its row in migrations.applied is gone.".to_owned())
    }

    fn tampered(&self, step: &Step, detail: String) -> Error {
        Error::Tampered { migration: step.label(self.project), detail }
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

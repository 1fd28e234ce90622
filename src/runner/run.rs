//! Carries out the steps of a plan in the current transaction: all of them, or an error
//! with which the transaction ends.

use super::body::{self, Done, Keep};
use super::report::{self, Direction, Part, label, title};
use super::{check, condition};
use crate::domain::checksum;
use crate::domain::requirement::Requirement;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::catch::ServerError;
use crate::pg::context::Context;
use crate::pg::integrity::OwnObjects;
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::pg::{cstring, memory, transaction};
use crate::store::applied::{Applied, Origin};
use crate::store::event::{Event, identity};
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::registry::{OnFail, Text};
use crate::store::{Batch, RunId, Store};
use pgrx::PgSqlErrorCode as Code;
use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// A finished step of a run.
pub struct Finished<'a> {
    /// Its number, from 1.
    pub step: usize,
    /// The project.
    pub project: &'a str,
    /// The migration's version; None: a repeatable migration.
    pub version: Option<&'a str>,
    /// The migration's name.
    pub name: &'a str,
    /// What has become of it.
    pub direction: Direction,
    /// How long it took.
    pub took: Duration,
    /// What its body did.
    pub done: Done,
}

/// A step of a plan.
pub struct Step {
    /// Which of the run's projects it belongs to.
    pub lane: usize,
    /// What is to be done.
    pub act: Act,
}

/// What a step does.
pub enum Act {
    /// Applies a migration.
    Up(Pending),
    /// Rolls a migration back.
    Down(Applied),
}

impl Step {
    fn version(&self) -> Option<&str> {
        match &self.act {
            Act::Up(pending) => pending.version.as_deref(),
            Act::Down(applied) => Some(&applied.version),
        }
    }

    fn name(&self) -> &str {
        match &self.act {
            Act::Up(pending) => &pending.name,
            Act::Down(applied) => &applied.name,
        }
    }

    fn part(&self) -> Part {
        match &self.act {
            Act::Up(_) => Part::Up,
            Act::Down(_) => Part::Down,
        }
    }
}

/// A project of a run.
struct Lane<'a> {
    project: &'a Project,
    // The number of the last event of the project.
    seq: i64,
}

/// A run that is under way.
pub struct Run<'a> {
    store: &'a Store,
    objects: OwnObjects,
    lanes: Vec<Lane<'a>>,
    id: RunId,
    activity: Activity,
    // What pg_stat_activity shows of the current step.
    title: String,
    // Where in its body the current step has failed.
    failed_at: Cell<report::At>,
    // Migrations that this run has skipped: lane and key.
    skipped: HashSet<(usize, Vec<u8>)>,
}

/// Why a script that must hold doesn't.
enum Denial {
    /// It gave this.
    Gave(Part, &'static str),
    /// It failed.
    Failed(Error),
}

impl Denial {
    fn reason(&self) -> String {
        match self {
            Denial::Gave(_, gave) => format!("its precondition gave {gave}"),
            Denial::Failed(error) => {
                let (sqlstate, message) = error.summary();
                format!("its precondition failed: {message} ({sqlstate})")
            }
        }
    }
}

/// When a step began.
#[derive(Clone, Copy)]
struct Begun {
    at: i64,
    instant: Instant,
}

impl Begun {
    fn now() -> Begun {
        Begun { at: transaction::now(), instant: Instant::now() }
    }
}

/// What has become of a step, and the batch that is open for the next one.
type Ended<'a> = (Batch<'a>, Direction, Done);

impl<'a> Run<'a> {
    /// Begins a run of locked projects.
    pub fn begin(store: &'a Store, batch: &Batch, projects: &[&'a Project]) -> Result<Run<'a>> {
        store.hold();
        // Looked up again under the locks: others may have rewritten a table meanwhile.
        let objects = OwnObjects::find()?;
        let lane = |project: &&'a Project| {
            Ok(Lane { project, seq: batch.last_seq(project.id, View::Newest)? })
        };
        Ok(Run {
            store,
            objects,
            lanes: projects.iter().map(lane).collect::<Result<_>>()?,
            id: batch.new_run_id()?,
            activity: Activity::begin(),
            title: String::new(),
            failed_at: Cell::default(),
            skipped: HashSet::new(),
        })
    }

    /// Checks all steps, then runs them. Errors: see [`check::atomic`]; the migration is
    /// marked as one that can't run inside a transaction (25001); what its body raises;
    /// its precondition or verify script doesn't hold, its body interfered with our tables
    /// or users (55000).
    pub fn all(mut self, plan: Vec<Step>, finished: &mut dyn FnMut(Finished)) -> Result<()> {
        let mut batch = self.store.open()?;
        for step in &plan {
            self.check(&batch, step).map_err(|error| self.failed(step, error))?;
        }
        let of = plan.len();
        for (n, step) in plan.iter().enumerate() {
            let number = n + 1;
            self.title = match step.version() {
                Some(version) => format!("migrations: {number}/{of} {version} {}", step.name()),
                None => format!("migrations: {number}/{of} {}", step.name()),
            };
            self.activity.show(&self.title);
            let begun = Begun::now();
            let ended = match &step.act {
                Act::Up(pending) => self.up(batch, step, pending, begun),
                Act::Down(applied) => self.down(batch, step, applied, begun),
            };
            let (open, direction, done) = ended.map_err(|error| self.failed(step, error))?;
            batch = open;
            let took = begun.instant.elapsed();
            report::finished(direction, &title(step.version(), step.name()), took);
            finished(Finished {
                step: number,
                project: &self.lanes[step.lane].project.name,
                version: step.version(),
                name: step.name(),
                direction,
                took,
                done,
            });
        }
        for lane in &self.lanes {
            batch.note_completeness(lane.project)?;
        }
        batch.close()
    }

    /// Finds, before the first statement of a run is executed, what in a step can't run.
    fn check(&self, batch: &Batch, step: &Step) -> Result<()> {
        if let Act::Up(Pending { transactional: Some(false), .. }) = &step.act {
            return Err(Error::MarkedNonTransactional {
                version: step.version().unwrap_or(step.name()).to_owned(),
                project: self.lanes[step.lane].project.name.clone(),
            });
        }
        // Holds the texts and the trees of this one step.
        let memory = memory::Context::new()?;
        memory.enter(|| {
            let text = self.text(batch, step)?;
            let parts = [
                (Part::Precondition, text.precondition.as_deref()),
                (step.part(), Some(checksum::without_bom(&text.body))),
                (Part::Verify, text.verify.as_deref()),
            ];
            for (part, script) in parts {
                let Some(script) = script else { continue };
                self.with(step, part, &cstring(script), |context| {
                    let nest = body::nest(context, &self.lanes[step.lane].project.settings)?;
                    check::atomic(context)?;
                    nest.undo()
                })?;
            }
            Ok(())
        })
    }

    /// Applies a migration.
    fn up(
        &mut self,
        mut batch: Batch<'a>,
        step: &Step,
        pending: &Pending,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        if let Some(requirement) = self.skipped_requirement(step.lane, pending) {
            let reason = format!("requires {requirement}, which was skipped");
            return self.skip(batch, step, pending, reason, begun);
        }
        let text = self.text(&batch, step)?;
        let mut messages = Vec::new();
        if let Some(script) = &text.precondition {
            batch.close()?;
            let answer = self.condition(step, Part::Precondition, script, &mut messages)?;
            batch = self.store.open()?;
            match (answer, text.on_fail) {
                (None, _) => {}
                (Some(denial), OnFail::Error) => return Err(self.not_held(step, denial)),
                (Some(denial), OnFail::Skip) => {
                    return self.skip(batch, step, pending, denial.reason(), begun);
                }
                (Some(denial), OnFail::Mark) => {
                    return self.mark(batch, step, pending, denial.reason(), begun);
                }
            }
        }
        let seq = self.next_seq(step.lane);
        if let Some(former) = pending.former
            && !batch.unclaim(former)?
        {
            return Err(self.row_gone(step));
        }
        let row = batch.claim(pending, self.id, begun.at, seq)?;
        batch.close()?;
        let body = cstring(checksum::without_bom(&text.body));
        let mut done = self.script(step, Part::Up, &body, Keep::Final)?;
        messages.append(&mut done.messages);
        if let Some(script) = &text.verify
            && let Some(denial) = self.condition(step, Part::Verify, script, &mut messages)?
        {
            return Err(self.not_held(step, denial));
        }
        let batch = self.store.open()?;
        if !batch.record_apply(row, begun.instant.elapsed().as_micros() as i64)? {
            return Err(self.row_gone(step));
        }
        Ok((batch, Direction::Up, Done { messages, ..done }))
    }

    /// Rolls a migration back.
    fn down(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        applied: &Applied,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        let text = self.text(&batch, step)?;
        self.next_seq(step.lane);
        if !batch.unclaim(applied.id)? {
            return Err(self.row_gone(step));
        }
        batch.close()?;
        let body = cstring(checksum::without_bom(&text.body));
        let done = self.script(step, Part::Down, &body, Keep::Final)?;
        let batch = self.store.open()?;
        batch.record(&Event {
            checksum: Some(&text.up_checksum),
            duration: Some(begun.instant.elapsed().as_micros() as i64),
            ..self.event(step, "rollback", begun)
        })?;
        Ok((batch, Direction::Down, done))
    }

    /// Runs a precondition or verify script, and takes back what it does. None: it holds.
    /// An error of circumstances is one; other errors are answers.
    fn condition(
        &self,
        step: &Step,
        part: Part,
        script: &str,
        messages: &mut Vec<String>,
    ) -> Result<Option<Denial>> {
        let script = cstring(script);
        let _taken_back = Subtransaction::begin()?;
        match self.script(step, part, &script, Keep::LastResult) {
            Ok(mut done) => {
                messages.append(&mut done.messages);
                Ok(condition::denial(&done).map(|gave| Denial::Gave(part, gave)))
            }
            Err(error) if condition::is_answer(&error) => Ok(Some(Denial::Failed(error))),
            Err(error) => Err(error),
        }
    }

    fn not_held(&self, step: &Step, denial: Denial) -> Error {
        match denial {
            Denial::Failed(error) => error,
            Denial::Gave(part, gave) => Error::NotHeld {
                script: self.label(step, part),
                gave,
                hint: match part {
                    Part::Precondition => {
                        "Bring about what the migration expects, or register it with on_fail => 'skip' or 'mark'."
                    }
                    _ => {
                        "Mend the migration, or its verify script, and register it with replace => true."
                    }
                },
            },
        }
    }

    /// What a migration requires that this run has skipped.
    fn skipped_requirement(&self, lane: usize, pending: &Pending) -> Option<String> {
        if self.skipped.is_empty() {
            return None;
        }
        pending.requires.iter().find_map(|requirement| {
            let (lane, version, title) = match requirement {
                Requirement::Within(version) => (lane, version, version.text().to_owned()),
                Requirement::Other { project, version } => {
                    let lane = self.lanes.iter().position(|l| l.project.name == *project)?;
                    (lane, version, format!("{project}:{}", version.text()))
                }
                Requirement::Extension(_) => return None,
            };
            self.skipped.contains(&(lane, version.key().to_vec())).then_some(title)
        })
    }

    /// Leaves a migration pending. The history has it once, however often it happens.
    fn skip(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        pending: &Pending,
        reason: String,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        self.skipped.insert((step.lane, pending.key.clone()));
        let lane = &self.lanes[step.lane];
        let skipped = batch.skipped(lane.project.id, View::Newest)?;
        if skipped.get(&identity(step.version(), step.name())) != Some(&reason) {
            self.next_seq(step.lane);
            batch.record(&Event { reason: Some(&reason), ..self.event(step, "skip", begun) })?;
        }
        Ok((batch, Direction::Skip, Done::without_statements(reason)))
    }

    /// Counts a migration as applied without running it.
    fn mark(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        pending: &Pending,
        reason: String,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        if let Some(former) = pending.former {
            batch.unclaim(former)?;
        }
        let seq = self.next_seq(step.lane);
        let checksum = batch.mark(pending.id, Origin::Mark, self.id, begun.at, seq)?;
        batch.record(&Event {
            checksum: Some(&checksum),
            reason: Some(&reason),
            ..self.event(step, "mark_applied", begun)
        })?;
        Ok((batch, Direction::Mark, Done::without_statements(reason)))
    }

    fn next_seq(&mut self, lane: usize) -> i64 {
        self.lanes[lane].seq += 1;
        self.lanes[lane].seq
    }

    /// The event of a step, with the number that was counted last.
    fn event<'b>(&self, step: &'b Step, action: &'static str, begun: Begun) -> Event<'b> {
        let Lane { project, seq } = &self.lanes[step.lane];
        Event {
            project: project.id,
            seq: *seq,
            run: Some(self.id),
            version: step.version(),
            name: Some(step.name()),
            action,
            started_at: begun.at,
            ..Event::default()
        }
    }

    /// Runs a script of a step, and sees to it that it has left us alone.
    fn script(&self, step: &Step, part: Part, script: &CStr, keep: Keep) -> Result<Done> {
        let settings = &self.lanes[step.lane].project.settings;
        self.with(step, part, script, |context| {
            let done = body::run(self.store, context, &self.title, &self.activity, settings, keep)?;
            match self.objects.difference() {
                None => Ok(done),
                Some(detail) => Err(self.tampered(step, detail)),
            }
        })
    }

    /// The texts of a step.
    fn text(&self, batch: &Batch, step: &Step) -> Result<Text> {
        let found = match &step.act {
            Act::Up(pending) => batch.up(pending.id)?,
            Act::Down(applied) => batch.down(applied.id)?,
        };
        let text = found.unwrap_or_default();
        if checksum::checksum(&text.body)[..] != text.stored {
            return Err(Error::Corrupt { migration: self.label(step, step.part()) });
        }
        Ok(text)
    }

    /// Does something with a script of a step, and notes where it fails.
    fn with<T>(
        &self,
        step: &Step,
        part: Part,
        script: &CStr,
        work: impl FnOnce(&Context) -> Result<T>,
    ) -> Result<T> {
        let label = self.label(step, part);
        let context = Context::new(&label, script);
        work(&context).inspect_err(|_| self.failed_at.set(report::At::of(&context)))
    }

    fn label(&self, step: &Step, part: Part) -> String {
        label(part, step.version(), step.name(), &self.lanes[step.lane].project.name)
    }

    /// Gives a failure its line in the server's log, and a HINT where we know a way on.
    fn failed(&self, step: &Step, mut error: Error) -> Error {
        let at = self.failed_at.take();
        let project = &self.lanes[step.lane].project.name;
        report::failed(self.id, project, step.version().unwrap_or(step.name()), at, &error);
        if let Error::Server(server) = &mut error {
            hint_at_one_transaction(server);
            if let (Act::Up(_), Some(version)) = (&step.act, step.version()) {
                hint_at_half_migrated(server, version, project);
            }
        }
        error
    }

    fn row_gone(&self, step: &Step) -> Error {
        self.tampered(step, "Its row in migrations.applied is gone.".to_owned())
    }

    fn tampered(&self, step: &Step, detail: String) -> Error {
        Error::Tampered { migration: self.label(step, step.part()), detail }
    }
}

/// Errors that a commit between migrations avoids say so.
fn hint_at_one_transaction(error: &mut ServerError) {
    match Code::from(error.code()) {
        Code::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE => error.add_hint(
            "Apply up to the migration that adds the value by a call of its own: SELECT * FROM migrations.apply(version);",
        ),
        Code::ERRCODE_OUT_OF_MEMORY => error.add_hint(
            "Fewer migrations in one transaction need less: SELECT * FROM migrations.apply(version);",
        ),
        _ => {}
    }
}

/// What a migration makes is there: perhaps it was applied by other means.
fn hint_at_half_migrated(error: &mut ServerError, version: &str, project: &str) {
    use crate::error::literal;
    if matches!(
        Code::from(error.code()),
        Code::ERRCODE_DUPLICATE_TABLE
            | Code::ERRCODE_DUPLICATE_OBJECT
            | Code::ERRCODE_DUPLICATE_COLUMN
            | Code::ERRCODE_DUPLICATE_FUNCTION
            | Code::ERRCODE_DUPLICATE_SCHEMA
    ) {
        let arguments = format!("{}, {}", literal(version), literal(project));
        error.add_hint(&format!(
            "If this migration was applied by other means, SELECT * FROM migrations.mark_applied({arguments}); if all up to it were, SELECT * FROM migrations.baseline({arguments});"
        ));
    }
}

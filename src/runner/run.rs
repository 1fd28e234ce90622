//! Carries out the steps of a plan in the current transaction: all of them, or an error
//! with which the transaction ends.

use super::body::{self, Done, Keep};
use super::check::{self, Cause, Mode};
use super::report::{self, Direction, Part, label, title};
use super::{condition, constraints, nontransactional};
use crate::domain::checksum;
use crate::domain::requirement::Requirement;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::catch::ServerError;
use crate::pg::context::Context;
use crate::pg::guc::{Nest, Picture};
use crate::pg::integrity::OwnObjects;
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::pg::{cstring, memory, message, transaction};
use crate::store::applied::{Applied, Origin};
use crate::store::event::{Event, Identity, identity};
use crate::store::journal::{Of, UnderWay};
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::registry::{OnFail, Text};
use crate::store::unfinished::Failure;
use crate::store::{Batch, RunId, Store};
use pgrx::PgSqlErrorCode as Code;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
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

    /// Whether it is marked as one that can run inside a transaction, or as one that can't.
    fn mark(&self) -> Option<bool> {
        match &self.act {
            Act::Up(pending) => pending.transactional,
            Act::Down(applied) => applied.transactional,
        }
    }

    fn key(&self) -> &[u8] {
        match &self.act {
            Act::Up(pending) => &pending.key,
            Act::Down(applied) => &applied.key,
        }
    }

    /// Which way the migration is to be taken.
    pub fn direction(&self) -> Direction {
        match &self.act {
            Act::Up(_) => Direction::Up,
            Act::Down(_) => Direction::Down,
        }
    }

    /// The migration in one line.
    pub fn title(&self) -> String {
        title(self.version(), self.name())
    }
}

/// A project of a run.
struct Lane<'a> {
    project: &'a Project,
    // The number of the last event of the project.
    seq: i64,
    // What the history has as skipped; looked up when it is needed.
    on_record: Option<HashMap<Identity, String>>,
}

/// Settings by which texts are parsed.
const PARSER_SETTINGS: [&str; 3] =
    ["standard_conforming_strings", "backslash_quote", "escape_string_warning"];

/// Migrations that a run has skipped: lane and key.
pub type Skipped = HashSet<(usize, Vec<u8>)>;

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
    failed_statement: RefCell<String>,
    /// What this run has skipped; handed on where a run has several transactions.
    pub skipped: Skipped,
    // Those of which the last try is on record as failed: lane and key.
    failing: HashSet<(usize, Vec<u8>)>,
    // Those that a stepwise run has begun and not finished.
    under_way: HashMap<(usize, Vec<u8>), UnderWay>,
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

/// How far an up has come before its body.
enum Prepared<'a> {
    /// It ends there.
    Ended(Ended<'a>),
    /// Its texts, and what the precondition has told.
    Ready(Batch<'a>, Text, Vec<String>),
}

/// What has become of a step, and the batch that is open for the next one.
type Ended<'a> = (Batch<'a>, Direction, Done);

impl<'a> Run<'a> {
    /// Begins a run of locked projects, or goes on with one in its next transaction.
    pub fn begin(
        store: &'a Store,
        batch: &Batch,
        projects: &[&'a Project],
        id: RunId,
    ) -> Result<Run<'a>> {
        store.hold();
        // Looked up again under the locks: others may have rewritten a table meanwhile.
        let objects = OwnObjects::find()?;
        let lane = |project: &&'a Project| {
            Ok(Lane { project, seq: batch.last_seq(project.id, View::Newest)?, on_record: None })
        };
        let (mut failing, mut under_way) = (HashSet::new(), HashMap::new());
        for (lane, project) in projects.iter().enumerate() {
            let keys = batch.failures(project.id, View::Newest)?.into_keys();
            failing.extend(keys.map(|key| (lane, key)));
            let begun = batch.under_way(project.id, View::Newest)?;
            under_way.extend(begun.into_iter().map(|(key, way)| ((lane, key), way)));
        }
        Ok(Run {
            store,
            objects,
            failing,
            under_way,
            lanes: projects.iter().map(lane).collect::<Result<_>>()?,
            id,
            activity: Activity::begin(),
            title: String::new(),
            failed_at: Cell::default(),
            failed_statement: RefCell::default(),
            skipped: Skipped::new(),
        })
    }

    /// Checks all steps, then runs them. Errors: those of [`Run::check`] and
    /// [`Run::perform`]. They get a line in the server's log.
    pub fn all(mut self, plan: Vec<Step>, finished: &mut dyn FnMut(Finished)) -> Result<()> {
        let batch = self.store.open()?;
        for step in &plan {
            self.check(&batch, step, Mode::Atomic).map_err(|error| self.failed(step, error))?;
        }
        batch.close()?;
        // What the caller has left pending is no migration's doing.
        constraints::settle(self.store)?;
        let mut batch = self.store.open()?;
        let of = plan.len();
        for (n, step) in plan.iter().enumerate() {
            let ended = self.perform(batch, step, n + 1, of, &mut |done| {
                report::finished(done.direction, &title(done.version, done.name), done.took);
                finished(done);
            });
            batch = ended.map_err(|error| self.failed(step, error))?;
        }
        for lane in &self.lanes {
            batch.note_completeness(lane.project)?;
        }
        batch.close()
    }

    /// Runs a step, which was checked, and tells of it. Errors: what its body raises; its
    /// precondition or verify script doesn't hold, its body interfered with our tables or
    /// users (55000).
    pub fn perform(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        number: usize,
        of: usize,
        finished: &mut dyn FnMut(Finished),
    ) -> Result<Batch<'a>> {
        self.show(step, number, of);
        let begun = Begun::now();
        let ended = match &step.act {
            Act::Up(pending) => self.up(batch, step, pending, begun)?,
            Act::Down(applied) => self.down(batch, step, applied, begun)?,
        };
        self.end(step, number, begun, ended, finished)
    }

    /// The same for a step that can't run inside a transaction: it takes several. To be
    /// called in a procedure; the last transaction is to be committed.
    pub fn perform_apart(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        number: usize,
        of: usize,
        renew_lock: &dyn Fn() -> Result<()>,
        finished: &mut dyn FnMut(Finished),
    ) -> Result<Batch<'a>> {
        self.show(step, number, of);
        let begun = Begun::now();
        let ended = self.apart(batch, step, begun, renew_lock)?;
        self.end(step, number, begun, ended, finished)
    }

    fn show(&mut self, step: &Step, number: usize, of: usize) {
        self.title = match step.version() {
            Some(version) => format!("migrations: {number}/{of} {version} {}", step.name()),
            None => format!("migrations: {number}/{of} {}", step.name()),
        };
        self.activity.show(&self.title);
        self.failed_at.take();
    }

    fn end(
        &self,
        step: &Step,
        number: usize,
        begun: Begun,
        (batch, direction, done): Ended<'a>,
        finished: &mut dyn FnMut(Finished),
    ) -> Result<Batch<'a>> {
        let project = self.lanes[step.lane].project;
        if direction != Direction::Skip && self.failing.contains(&(step.lane, step.key().to_vec()))
        {
            batch.forget_failure(project.id, step.key())?;
        }
        finished(Finished {
            step: number,
            project: &project.name,
            version: step.version(),
            name: step.name(),
            direction,
            took: begun.instant.elapsed(),
            done,
        });
        Ok(batch)
    }

    /// Finds, before the first statement of a run is executed, what in a step can't run.
    /// Gives the statement or mark that makes it a non-transactional one. Errors: see
    /// [`check::body`]; in an atomic run, it is marked as one that can't run inside a
    /// transaction (25001).
    pub fn check(&self, batch: &Batch, step: &Step, mode: Mode) -> Result<Option<Cause>> {
        let mark = step.mark();
        let project = self.lanes[step.lane].project;
        if let Some(under_way) = self.under_way.get(&(step.lane, step.key().to_vec()))
            && mode == Mode::Atomic
        {
            return Err(Error::UnderWay {
                migration: step.version().unwrap_or(step.name()).to_owned(),
                project: project.name.clone(),
                done: under_way.done,
                direction: under_way.direction.clone(),
            });
        }
        if mark == Some(false) && mode == Mode::Atomic && step.direction() == Direction::Up {
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
            let mut cause = (mark == Some(false)).then_some(Cause::Mark);
            for (part, script) in parts {
                let Some(script) = script else { continue };
                let is_body = part == step.part();
                // Marked as transactional it is to be refused as in an atomic run.
                let mode = if is_body && mark != Some(true) { mode } else { Mode::Atomic };
                self.with(step, part, &cstring(script), |context| {
                    // Of the project's settings those that the parser looks at: the
                    // others are set as the caller, which isn't at work here.
                    let settings = self.lanes[step.lane].project.settings.iter();
                    let read = settings.filter(|(name, _)| PARSER_SETTINGS.contains(&&name[..]));
                    let nest = Nest::with(&read.cloned().collect::<Vec<_>>())?;
                    let checked = check::body(context, mode)?;
                    if is_body && cause.is_none() {
                        cause = checked.cause;
                    }
                    nest.undo()
                })?;
            }
            Ok(cause)
        })
    }

    /// Applies a migration.
    fn up(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        pending: &Pending,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        let (batch, text, mut messages) = match self.prepare(batch, step, pending, begun)? {
            Prepared::Ended(ended) => return Ok(ended),
            Prepared::Ready(batch, text, messages) => (batch, text, messages),
        };
        let row = self.claim(&batch, step, pending, begun)?;
        batch.close()?;
        let body = cstring(checksum::without_bom(&text.body));
        let mut done = self.script(step, Part::Up, &body, Keep::Final)?;
        messages.append(&mut done.messages);
        self.verify(step, &text, &mut messages)?;
        let batch = self.store.open()?;
        if !batch.record_apply(row, begun.instant.elapsed().as_micros() as i64)? {
            return Err(self.row_gone(step));
        }
        Ok((batch, Direction::Up, Done { messages, ..done }))
    }

    /// What comes before the body of an up: skipped or marked, it ends there.
    fn prepare(
        &mut self,
        mut batch: Batch<'a>,
        step: &Step,
        pending: &Pending,
        begun: Begun,
    ) -> Result<Prepared<'a>> {
        if let Some(requirement) = self.skipped_requirement(&batch, step.lane, pending)? {
            let reason = format!("requires {requirement} was skipped");
            return self.skip(batch, step, pending, reason, begun).map(Prepared::Ended);
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
                    let reason = denial.reason();
                    return self.skip(batch, step, pending, reason, begun).map(Prepared::Ended);
                }
                (Some(denial), OnFail::Mark) => {
                    let reason = denial.reason();
                    return self.mark(batch, step, pending, reason, begun).map(Prepared::Ended);
                }
            }
        }
        Ok(Prepared::Ready(batch, text, messages))
    }

    /// Makes the row of a migration in the applied state.
    fn claim(
        &mut self,
        batch: &Batch,
        step: &Step,
        pending: &Pending,
        begun: Begun,
    ) -> Result<i64> {
        let seq = self.next_seq(step.lane);
        if let Some(former) = pending.former
            && !batch.unclaim(former)?
        {
            return Err(self.row_gone(step));
        }
        batch.claim(pending, self.id, begun.at, seq)
    }

    fn verify(&self, step: &Step, text: &Text, messages: &mut Vec<String>) -> Result<()> {
        if let Some(script) = &text.verify
            && let Some(denial) = self.condition(step, Part::Verify, script, messages)?
        {
            return Err(self.not_held(step, denial));
        }
        Ok(())
    }

    /// Takes a migration whose statements are transactions of their own. The record of it
    /// is made at the end, with the last one.
    fn apart(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        begun: Begun,
        renew_lock: &dyn Fn() -> Result<()>,
    ) -> Result<Ended<'a>> {
        let (batch, text, mut messages) = match &step.act {
            Act::Up(pending) => match self.prepare(batch, step, pending, begun)? {
                Prepared::Ended(ended) => return Ok(ended),
                Prepared::Ready(batch, text, messages) => (batch, text, messages),
            },
            Act::Down(_) => {
                let text = self.text(&batch, step)?;
                (batch, text, Vec::new())
            }
        };
        batch.close()?;
        let picture = Picture::take()?;
        transaction::commit()?;
        let mut done = match self.statements_apart(step, &text.body, renew_lock) {
            Ok(done) => done,
            Err(error) => {
                let restored =
                    transaction::abort().and_then(|()| nontransactional::restore(&picture));
                if let Err(second) = restored {
                    message::warning(&format!(
                        "settings of the session were not all put back: {}",
                        second.summary().1
                    ));
                }
                return Err(error);
            }
        };
        nontransactional::restore(&picture)?;
        renew_lock()?;
        messages.append(&mut done.messages);
        let took = || begun.instant.elapsed().as_micros() as i64;
        let batch = match &step.act {
            Act::Up(pending) => {
                self.verify(step, &text, &mut messages)?;
                let batch = self.store.open()?;
                let row = self.claim(&batch, step, pending, begun)?;
                if !batch.record_apply(row, took())? {
                    return Err(self.row_gone(step));
                }
                batch
            }
            Act::Down(applied) => {
                let batch = self.store.open()?;
                self.next_seq(step.lane);
                if !batch.unclaim(applied.id)? {
                    return Err(self.row_gone(step));
                }
                batch.record(&Event {
                    checksum: Some(&text.up_checksum),
                    duration: Some(took()),
                    ..self.event(step, "rollback", begun)
                })?;
                batch
            }
        };
        batch.forget_journal(self.lanes[step.lane].project.id, step.key())?;
        Ok((batch, step.direction(), Done { messages, ..done }))
    }

    fn statements_apart(
        &self,
        step: &Step,
        body: &str,
        renew_lock: &dyn Fn() -> Result<()>,
    ) -> Result<Done> {
        let project = self.lanes[step.lane].project;
        let script = nontransactional::Script {
            of: Of { project: project.id, key: step.key(), direction: step.direction().word() },
            settings: &project.settings,
            is_marked: step.mark() == Some(false),
            objects: &self.objects,
            renew_lock,
            show: &|number, of| {
                self.activity.show(&format!("{}, statement {number}/{of}", self.title));
            },
        };
        let body = cstring(checksum::without_bom(body));
        self.with(step, step.part(), &body, |context| nontransactional::run(&script, context))
    }

    /// Whether a stepwise run has begun the migration and was cut off or failed.
    pub fn is_under_way(&self, step: &Step) -> bool {
        self.under_way.contains_key(&(step.lane, step.key().to_vec()))
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
    fn skipped_requirement(
        &self,
        batch: &Batch,
        lane: usize,
        pending: &Pending,
    ) -> Result<Option<String>> {
        if self.skipped.is_empty() {
            return Ok(None);
        }
        for requirement in &pending.requires {
            let (lane, version, title) = match requirement {
                Requirement::Within(version) => (lane, version, version.text().to_owned()),
                Requirement::Other { project, version } => {
                    let lane = self.lanes.iter().position(|l| l.project.name == *project);
                    let Some(lane) = lane else { continue };
                    (lane, version, format!("{project}:{}", version.text()))
                }
                // What would have created it may be what was skipped.
                Requirement::Extension(name) => {
                    if !batch.extensions(View::Newest)?.contains(name) {
                        return Ok(Some(format!("extension {name}, whose creation")));
                    }
                    continue;
                }
            };
            if self.skipped.contains(&(lane, version.key().to_vec())) {
                return Ok(Some(format!("{title}, which")));
            }
        }
        Ok(None)
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
        let lane = &mut self.lanes[step.lane];
        let on_record = match lane.on_record.take() {
            Some(skipped) => skipped,
            None => batch.skipped(lane.project.id, View::Newest)?,
        };
        let is_new = on_record.get(&identity(step.version(), step.name())) != Some(&reason);
        lane.on_record = Some(on_record);
        if is_new {
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
        let Lane { project, seq, .. } = &self.lanes[step.lane];
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
        work(&context).inspect_err(|_| {
            self.failed_at.set(report::At::of(&context));
            self.failed_statement.replace(context.statement().to_owned());
        })
    }

    fn label(&self, step: &Step, part: Part) -> String {
        label(part, step.version(), step.name(), &self.lanes[step.lane].project.name)
    }

    /// Gives a failure its line in the server's log, and a HINT where we know a way on.
    pub fn failed(&self, step: &Step, mut error: Error) -> Error {
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

    /// Where in its body the current step has failed.
    pub fn failed_at(&self) -> report::At {
        self.failed_at.get()
    }

    /// The statement in which the current step has failed.
    pub fn failed_statement(&self) -> String {
        self.failed_statement.take()
    }

    /// Keeps a failure in the record.
    pub fn note_failure(&self, batch: &Batch, step: &Step, failure: &Failure) -> Result<()> {
        let begun = Begun::now();
        let action = if step.direction() == Direction::Up { "apply" } else { "rollback" };
        let event = self.event(step, action, begun);
        batch.note_failure(step.key(), failure, Event { seq: event.seq + 1, ..event })
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
        Code::ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE => {
            error.add_hint("Commit between the migrations: CALL migrations.apply_each();")
        }
        Code::ERRCODE_OUT_OF_MEMORY => error
            .add_hint("A transaction for each migration needs less: CALL migrations.apply_each();"),
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION => error.add_hint(
            "Register the migration with transactional => false, and CALL migrations.apply_each();",
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

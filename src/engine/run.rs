//! Carries out the steps of a plan in the current transaction: all of them, or an error
//! with which the transaction ends. (A step that takes transactions of its own is in
//! [`super::apart`].)

use super::backup;
use super::body::{self, Done, Keep};
use super::check::{self, Cause, Mode};
use super::ending::Ending;
use super::gate::Prepared;
use super::ready::{Kept, Ready};
use super::report::{self, At, Direction, Part, label, title};
use super::request::Request;
use super::step::{Act, Begun, Finished, Step};
use super::surroundings::Surroundings;
use super::variables::unset;
use super::{constraints, explanation, hint, plan};
use crate::domain::checksum;
use crate::domain::script::prepare::{MOST_UNSET, What};
use crate::domain::version::is_repeatable;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::context::{Context, Read};
use crate::pg::integrity::OwnObjects;
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::pg::{interrupt, leftover, memory, message, utility};
use crate::store::event::{Event, Failure, Identity};
use crate::store::journal::JournalProgress;
use crate::store::project::Project;
use crate::store::script::StoredScript;
use crate::store::{Batch, RunId, Store};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A project of a run.
struct Lane<'a> {
    project: &'a Project,
    // The role that its settings say, as which its texts run.
    role: Option<String>,
    // The number of the last event of the project.
    seq: i64,
    // The last try of some of its migrations is on record as failed.
    has_failures: bool,
    // Those of its migrations that a stepwise run has begun and not finished.
    under_way: HashMap<Vec<u8>, JournalProgress>,
    // What the history has as skipped; looked up when it is needed.
    skips: Option<HashMap<Identity, String>>,
}

/// Migrations that a run has skipped: lane and key.
pub type Skipped = HashSet<(usize, Vec<u8>)>;

/// What has become of a step, and the batch that is open for the next one.
pub type Ended<'a> = (Batch<'a>, Direction, Done);

/// Makes sure of the project's lock in a new transaction.
pub type RenewLock<'a> = &'a dyn Fn() -> Result<()>;

/// What the check of a step gives.
pub struct Checked {
    /// Why it can't run inside a transaction; None: it can.
    pub cause: Option<Cause>,
    /// It has blocks, which may end transactions once an earlier migration has run.
    pub calls: bool,
    /// Its texts.
    pub ready: Ready,
}

/// A run that is under way.
pub struct Run<'a> {
    store: &'a Store,
    pub(super) objects: RefCell<OwnObjects>,
    lanes: Vec<Lane<'a>>,
    id: RunId,
    request: &'a Request,
    pub(super) activity: Activity,
    /// What `pg_stat_activity` shows of the current step.
    pub(super) title: String,
    // The current step is the first one of the run.
    is_first: bool,
    // Each step has a transaction at least.
    is_stepwise: bool,
    // Where in its body the current step has failed.
    failed_at: RefCell<At>,
    // Of a run whose migrations share a transaction.
    ending: Option<Ending>,
    /// What this run has skipped; handed on where a run has several transactions.
    pub skipped: Skipped,
}

impl<'a> Run<'a> {
    /// Begins a run of locked projects, or goes on with one in its next transaction.
    pub fn begin(
        store: &'a Store,
        batch: &Batch,
        projects: &[&'a Project],
        request: &'a Request,
        id: RunId,
    ) -> Result<Run<'a>> {
        store.hold();
        // Looked up again under the locks: others may have rewritten a table meanwhile.
        let objects = RefCell::new(OwnObjects::find()?);
        let lane = |project: &&'a Project| {
            let standing = batch.run_state(project.id)?;
            Ok(Lane {
                project,
                role: project.role(),
                seq: standing.last_seq,
                has_failures: standing.has_failures,
                under_way: match standing.has_journal {
                    true => batch.journal_progress(project.id, View::Newest)?,
                    false => HashMap::new(),
                },
                skips: None,
            })
        };
        Ok(Run {
            store,
            objects,
            lanes: projects.iter().map(lane).collect::<Result<_>>()?,
            id,
            request,
            activity: Activity::begin(),
            title: String::new(),
            is_first: false,
            is_stepwise: true,
            failed_at: RefCell::default(),
            ending: None,
            skipped: Skipped::new(),
        })
    }

    /// Checks all steps, then runs them. Errors: those of [`Run::check`] and
    /// [`Run::perform`]. They get a line in the server's log.
    pub fn all(mut self, plan: Vec<Step>, finished: &mut dyn FnMut(Finished)) -> Result<()> {
        self.is_stepwise = false;
        let batch = self.open()?;
        let mut kept = Kept::default();
        for (n, step) in plan.iter().enumerate() {
            let checked = self.check(&batch, step, Mode::Atomic).map_err(|error| {
                let error = self.with_unset(&batch, &plan[n..], error);
                self.failed(step, error)
            });
            kept.keep(n, checked?.ready);
        }
        batch.close()?;
        // What the caller has left pending is no migration's doing.
        constraints::settle_callers(self.store)?;
        let mut batch = self.open()?;
        self.ending = Some(Ending::begin(&batch)?);
        let of = plan.len();
        for (n, step) in plan.iter().enumerate() {
            let ready = kept.take(n);
            let _running = step.say_running()?;
            let ended = self.perform(batch, step, (n + 1, of), ready, None, &mut |done| {
                report::finished(done.direction, &title(done.version, done.name), done.took);
                finished(done);
            });
            batch = ended.map_err(|error| {
                if n > 0 {
                    message::notice("the run fails: what it has applied or rolled back is undone");
                }
                self.failed(step, error)
            })?;
        }
        for lane in &self.lanes {
            batch.note_completeness(lane.project)?;
        }
        batch.close()
    }

    /// Runs a step, which was checked, and tells of it; `number` is its own and that of the
    /// last one, `ready` what its check has made ready, if that is still at hand. With
    /// `apart` it takes several transactions, the last of which is to be committed;
    /// without, it can run in this one.
    ///
    /// Errors: what its body raises; its precondition or verify script doesn't hold, its
    /// body interfered with our tables or users (55000).
    pub fn perform(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        number: (usize, usize),
        ready: Option<Ready>,
        apart: Option<RenewLock>,
        finished: &mut dyn FnMut(Finished),
    ) -> Result<Batch<'a>> {
        self.show(step, number);
        let begun = Begun::now();
        let (batch, direction, done) = match self.prepare(batch, step, ready, begun)? {
            Prepared::Ended(ended) => ended,
            Prepared::Ready(batch, ready, mut messages) => {
                let run = match apart {
                    Some(renew_lock) => self.apart(batch, step, &ready.text, begun, renew_lock),
                    None => self.inside(batch, step, ready, begun),
                };
                let (batch, mut done) = run?;
                messages.append(&mut done.messages);
                (batch, step.direction(), Done { messages, ..done })
            }
        };
        let lane = &self.lanes[step.lane];
        if lane.has_failures && direction != Direction::Skip {
            batch.forget_failure(lane.project.id, step.key())?;
        }
        finished(Finished {
            step: number.0,
            project: &lane.project.name,
            version: step.version(),
            name: step.name(),
            direction,
            took: begun.elapsed(),
            done,
        });
        Ok(batch)
    }

    fn show(&mut self, step: &Step, (number, of): (usize, usize)) {
        self.title = match step.version() {
            Some(version) => format!("migrations: {number}/{of} {version} {}", step.name()),
            None => format!("migrations: {number}/{of} {}", step.name()),
        };
        self.activity.show(&self.title);
        self.is_first = number == 1;
        self.failed_at.take();
    }

    /// Finds, before the first statement of a run is executed, what in a step can't run.
    /// Gives its texts, and the statement or mark that makes it a non-transactional one.
    /// Errors: see
    /// [`check::body`]; it needs transactions of its own, which pgaudit prevents (55000); in
    /// an atomic run, it is marked as one that can't run inside a transaction (25001).
    pub fn check(&self, batch: &Batch, step: &Step, mode: Mode) -> Result<Checked> {
        let mark = step.mark();
        let lane = &self.lanes[step.lane];
        if mark == Some(false) && mode == Mode::Atomic && step.direction() == Direction::Up {
            return Err(Error::MarkedNonTransactional {
                version: step.version().unwrap_or(step.name()).to_owned(),
                project: lane.project.name.clone(),
                instead: self.request.stepwise(&lane.project.name),
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
            let (mut read, mut calls) = (None, false);
            for (part, script) in parts {
                let Some(script) = script else { continue };
                let is_body = part == step.part();
                // Marked as transactional it is to be refused as in an atomic run.
                let run = mode;
                let mode = match (is_body, mark, mode) {
                    (false, ..) => Mode::Condition,
                    (_, Some(true), _) => Mode::Atomic,
                    (_, Some(false), Mode::Stepwise) => Mode::Apart,
                    (.., mode) => mode,
                };
                self.with(step, part, script, None, |context| {
                    let nest = Surroundings::of_parser(Some(lane.project))?.nest()?;
                    let checked = check::body(context, mode)
                        .map_err(|e| self.with_way(step, is_body, run, e))?;
                    nest.undo()?;
                    if !is_body {
                        return Ok(());
                    }
                    read = context.made();
                    calls |= checked.statements.iter().any(|s| s.is_block);
                    if mark.is_none() && checked.cause.is_none() {
                        cause = self.block(batch, step, context, &checked, run)?;
                    }
                    cause = cause.take().or(checked.cause);
                    Ok(())
                })?;
            }
            if cause.is_some() && utility::are_refused() {
                return Err(Error::Audited { migration: self.label(step, step.part()) });
            }
            Ok(Checked { cause, calls, ready: Ready { text, read } })
        })
    }

    /// Has an error about variables that are not set name those of these steps, too.
    pub fn with_unset(&self, batch: &Batch, steps: &[Step], mut error: Error) -> Error {
        let (names, project) = match &mut error {
            Error::Script {
                what: What::Unset(names, project) | What::Unexpanded(names, project),
                ..
            } => (names, project),
            _ => return error,
        };
        for step in steps.iter().filter(|step| self.project(step).name == *project) {
            let found = match self.unset_in(batch, step) {
                Ok(found) => found,
                // Cancelled meanwhile.
                Err(error @ Error::Server(_)) => return error,
                // What is wrong besides has its turn.
                Err(_) => break,
            };
            for name in found {
                if names.len() < MOST_UNSET && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        error
    }

    fn unset_in(&self, batch: &Batch, step: &Step) -> Result<Vec<String>> {
        let memory = memory::Context::new()?;
        let text = memory.enter(|| self.text(batch, step))?;
        let variables = &self.project(step).variables;
        let texts =
            [text.precondition.as_deref(), Some(text.body.as_str()), text.verify.as_deref()];
        interrupt::stoppable(|| {
            Ok(texts.into_iter().flatten().flat_map(|text| unset(text, variables)).collect())
        })
    }

    /// The block of a body that ends transactions, as why it can't run inside one. Error: an
    /// atomic run can't give it its own (25001).
    fn block(
        &self,
        batch: &Batch,
        step: &Step,
        context: &Context,
        checked: &check::Checked,
        run: Mode,
    ) -> Result<Option<Cause>> {
        let statements = &checked.statements;
        let Some(n) = check::block_of(batch, self.project(step), checked)? else {
            return Ok(None);
        };
        if run != Mode::Atomic {
            return Ok(Some(statements[n].block_cause()));
        }
        context.enter(statements[n].step(n + 1, statements.len()));
        let error = Error::NonTransactional {
            command: format!("{} with COMMIT or ROLLBACK", statements[n].command()),
            place: context.place(),
            way: None,
        };
        Err(self.with_way(step, true, run, error))
    }

    /// Has an error of what a transaction can't hold say by which call it can be run.
    fn with_way(&self, step: &Step, is_body: bool, run: Mode, mut error: Error) -> Error {
        if let Error::NonTransactional { way, .. } | Error::TransactionControl { way, .. } =
            &mut error
        {
            let instead = self.request.stepwise(&self.project(step).name);
            *way = Some(match (is_body, step.mark()) {
                (false, _) => {
                    "Remove it: a precondition or verify script is rolled back.".to_owned()
                }
                (_, Some(true)) => {
                    "Register the migration without transactional => true.".to_owned()
                }
                _ if run != Mode::Atomic => "Take it out of BEGIN and COMMIT.".to_owned(),
                _ => format!("Use {instead} which gives it transactions of its own."),
            });
        }
        error
    }

    /// Runs the body of a step inside the transaction, and makes the record of it.
    fn inside(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        Ready { text, read }: Ready,
        begun: Begun,
    ) -> Result<(Batch<'a>, Done)> {
        if self.ending.is_some() && leftover::has_set_all_modes() {
            return Err(Error::AllModesSet {
                migration: self.label(step, step.part()),
                instead: self.request.stepwise(&self.project(step).name),
            });
        }
        let claimed = self.claim(&batch, step, &text, begun)?;
        batch.close()?;
        let body = checksum::without_bom(&text.body);
        let mut done = self.script(step, step.part(), body, read, Keep::Final)?;
        self.verify(step, &text, &mut done.messages)?;
        if let Some(ending) = &self.ending {
            ending.of_migration(self.store)?;
        }
        let batch = self.open()?;
        self.record(&batch, step, claimed, &text, begun)?;
        Ok((batch, done))
    }

    /// Changes the applied state as a step does: an up gets a row, whose key is given, a
    /// down loses it. Errors: the row isn't there any more, or what is registered is another
    /// text than the one that runs (55000).
    pub(super) fn claim(
        &mut self,
        batch: &Batch,
        step: &Step,
        text: &StoredScript,
        begun: Begun,
    ) -> Result<i64> {
        self.record_failures(batch, step)?;
        let seq = self.next_seq(step.lane);
        let gone = match &step.act {
            Act::Up(pending) => pending.former,
            Act::Down(applied) => Some(applied.id),
        };
        // A repeatable one's goes already when what it requires runs again.
        if let Some(gone) = gone
            && !batch.delete_applied(gone)?
            && !is_repeatable(step.key())
        {
            return Err(self.row_gone(step));
        }
        if let Act::Up(pending) = &step.act
            && is_repeatable(&pending.key)
        {
            // They are pending from now on, whatever comes of the rest of the run.
            for row in plan::dependents(batch, self.project(step), pending)? {
                batch.delete_applied(row)?;
            }
        }
        match &step.act {
            Act::Up(pending) => {
                let row = batch.insert_applied(
                    pending,
                    self.id,
                    begun.at,
                    seq,
                    text,
                    self.lanes[step.lane].role.as_deref(),
                )?;
                let changed = || {
                    "Its text was changed while the run was under way, by another migration or session.".to_owned()
                };
                row.ok_or_else(|| self.tampered(step, changed()))
            }
            Act::Down(applied) => Ok(applied.id),
        }
    }

    /// Makes the event of a step that has run. Errors: the row that it claimed is gone
    /// (55000).
    pub(super) fn record(
        &self,
        batch: &Batch,
        step: &Step,
        claimed: i64,
        text: &StoredScript,
        begun: Begun,
    ) -> Result<()> {
        let took = begun.micros();
        match &step.act {
            Act::Up(_) => match batch.record_apply(claimed, took)? {
                true => Ok(()),
                false => Err(self.row_gone(step)),
            },
            Act::Down(_) => batch.record(&Event {
                digest: Some(&text.digest),
                duration: Some(took),
                ..self.event(step, "rollback", begun)
            }),
        }
    }

    /// Whether a stepwise run has begun the migration and was cut off or failed.
    pub fn is_under_way(&self, step: &Step) -> bool {
        self.lanes[step.lane].under_way.contains_key(step.key())
    }

    pub(super) fn open(&self) -> Result<Batch<'a>> {
        self.store.open()
    }

    pub(super) fn id(&self) -> RunId {
        self.id
    }

    pub(super) fn project(&self, step: &Step) -> &'a Project {
        self.lanes[step.lane].project
    }

    pub(super) fn lane_of(&self, project: &str) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.project.name == project)
    }

    /// What the history has as skipped, of a project.
    pub(super) fn skips_on_record(
        &mut self,
        batch: &Batch,
        lane: usize,
    ) -> Result<&HashMap<Identity, String>> {
        let lane = &mut self.lanes[lane];
        let skips = match lane.skips.take() {
            Some(skips) => skips,
            None => batch.skipped(lane.project.id, View::Newest)?,
        };
        Ok(lane.skips.insert(skips))
    }

    pub(super) fn next_seq(&mut self, lane: usize) -> i64 {
        self.lanes[lane].seq += 1;
        self.lanes[lane].seq
    }

    /// The event of a step, with the number that was counted last.
    pub(super) fn event<'b>(
        &'b self,
        step: &'b Step,
        action: &'static str,
        begun: Begun,
    ) -> Event<'b> {
        let Lane { project, role, seq, .. } = &self.lanes[step.lane];
        Event {
            role: role.as_deref(),
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
    pub(super) fn script(
        &self,
        step: &Step,
        part: Part,
        script: &str,
        read: Option<Rc<Read>>,
        keep: Keep,
    ) -> Result<Done> {
        let project = self.project(step);
        self.with(step, part, script, read, |context| {
            let done = body::run(self.store, context, &self.title, &self.activity, project, keep)?;
            match self.objects.borrow().difference() {
                None => Ok(done),
                Some(detail) => Err(self.tampered(step, detail)),
            }
        })
    }

    /// The texts of a step.
    pub(super) fn text(&self, batch: &Batch, step: &Step) -> Result<StoredScript> {
        let found = interrupt::stoppable(|| match &step.act {
            Act::Up(pending) => batch.up(pending.id),
            Act::Down(applied) => batch.down(applied.id),
        })?;
        let text = found.unwrap_or_default();
        let parts = &text.parts;
        let given = match &step.act {
            Act::Up(_) => [
                (Part::Up, Some(&text.body), &parts.up),
                (Part::Precondition, text.precondition.as_ref(), &parts.precondition),
                (Part::Verify, text.verify.as_ref(), &parts.verify),
            ],
            Act::Down(_) => [
                (Part::Down, Some(&text.body), &parts.down),
                (Part::Precondition, None, &None),
                (Part::Verify, None, &None),
            ],
        };
        for (part, script, stored) in given {
            let sum = interrupt::stoppable(|| Ok(script.map(|script| checksum::checksum(script))))?;
            if sum.as_ref().map(|sum| sum.as_slice()) != stored.as_deref() {
                return Err(Error::Corrupt { what: self.label(step, part) });
            }
        }
        if parts.digest()[..] != text.digest {
            return Err(Error::Corrupt { what: self.label(step, step.part()) });
        }
        Ok(text)
    }

    /// Does something with a script of a step, of which something may be ready, and notes
    /// where it fails.
    pub(super) fn with<T>(
        &self,
        step: &Step,
        part: Part,
        script: &str,
        ready: Option<Rc<Read>>,
        work: impl FnOnce(&Context) -> Result<T>,
    ) -> Result<T> {
        let label = self.label(step, part);
        let project = self.project(step);
        let context = Context::new(&label, script, &project.variables).with(ready);
        let _keeps = backup::Keeping::begin(part, &project.name, step.version(), step.name());
        interrupt::stoppable(|| work(&context)).map_err(|mut error| {
            error.hide(context.mask());
            self.failed_at.replace(At::of(&context));
            error
        })
    }

    pub(super) fn label(&self, step: &Step, part: Part) -> String {
        label(part, step.version(), step.name(), &self.project(step).name)
    }

    /// Gives a failure its line in the server's log, and a HINT where we know a way on.
    pub fn failed(&self, step: &Step, mut error: Error) -> Error {
        let project = &self.project(step).name;
        let migration = step.version().unwrap_or(step.name());
        report::failed(self.id, project, migration, &self.failed_at.borrow(), &error);
        self.explain(step, &mut error);
        hint::add(&mut error, step, project, self.request, self.is_first, self.is_stepwise);
        error
    }

    /// Has an error say what in the database it is about, where that can be looked up: who holds
    /// a lock, that the index that is there is of no use. What can't be looked up isn't said.
    fn explain(&self, step: &Step, error: &mut Error) {
        let Error::Server(server) = error else { return };
        let at = self.failed_at.borrow();
        if at.text().is_empty() || !explanation::is_wanted(server) {
            return;
        }
        // The abort of one lets go of what the error has left held, so that the next one can
        // work. The transaction itself is ended by whoever gets the error.
        let Ok(cleaned) = Subtransaction::begin() else { return };
        drop(cleaned);
        let Ok(_undone) = Subtransaction::begin() else { return };
        let _ = explanation::add(server, at.text(), self.project(step));
    }

    /// Where in its body the current step has failed.
    pub fn failed_at(&self) -> At {
        self.failed_at.borrow().clone()
    }

    /// Records failures that were only counted, before a success has them forgotten.
    pub(super) fn record_failures(&mut self, batch: &Batch, step: &Step) -> Result<()> {
        let Lane { project, seq, has_failures, .. } = &self.lanes[step.lane];
        if *has_failures && batch.record_failures(project.id, step.key(), None, seq + 1)? {
            self.next_seq(step.lane);
        }
        Ok(())
    }

    /// Keeps a failure in the record.
    pub fn note_failure(&self, batch: &Batch, step: &Step, failure: &Failure) -> Result<()> {
        let action = if step.direction() == Direction::Up { "apply" } else { "rollback" };
        let event = self.event(step, action, Begun::now());
        batch.note_failure(step.key(), failure, Event { seq: event.seq + 1, ..event })
    }

    fn row_gone(&self, step: &Step) -> Error {
        self.tampered(step, "Its row in migrations.applied is gone.".to_owned())
    }

    fn tampered(&self, step: &Step, detail: String) -> Error {
        Error::Tampered { migration: self.label(step, step.part()), detail }
    }
}

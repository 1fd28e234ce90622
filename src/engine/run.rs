//! A run under way: its projects, and what its steps share.
//!
//! [`super::preflight`] checks the steps, [`super::execute`] runs them and [`super::record`]
//! records them.

use super::errors;
use super::naming::{ScriptKind, label};
use super::request::Request;
use super::run_mode::RunMode;
use super::script::{self, KeepRows, ScriptOutcome};
use super::session::ScriptGuard;
use super::step::{CurrentStep, Step};
use super::step_error::{StepError, StepResult};
use super::tables::Tables;
use super::transaction_end::TransactionEnd;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::context::{ParserInput, ScriptErrorContext};
use crate::pg::spi::View;
use crate::pg::{interrupt, transaction};
use crate::store::event::Identity;
use crate::store::journal::JournalProgress;
use crate::store::own_objects::OwnObjects;
use crate::store::project::Project;
use crate::store::{Batch, RunId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A project of a run.
pub struct ProjectRun<'a> {
    /// The project.
    pub project: &'a Project,
    /// The role of its settings, as which its scripts run.
    pub role: Option<String>,
    /// The number of the last event of the project.
    pub seq: Cell<i64>,
    /// Some of its migrations have a failure on record.
    pub has_failures: bool,
    // Migrations that a stepwise run has begun and not finished, by key.
    under_way: HashMap<Vec<u8>, JournalProgress>,
    // Migrations that the history has as skipped. Looked up when it is needed.
    skips: OnceCell<HashMap<Identity, String>>,
}

impl<'a> ProjectRun<'a> {
    fn begin(tables: &Batch, project: &'a Project) -> Result<ProjectRun<'a>> {
        let state = tables.run_state(project.id)?;
        Ok(ProjectRun {
            project,
            role: project.role(),
            seq: Cell::new(state.last_seq),
            has_failures: state.has_failures,
            under_way: match state.has_journal {
                true => tables.journal_progress(project.id, View::Newest)?,
                false => HashMap::new(),
            },
            skips: OnceCell::new(),
        })
    }

    /// The number of the next event.
    pub fn next_seq(&self) -> i64 {
        self.seq.set(self.seq.get() + 1);
        self.seq.get()
    }

    /// Migrations that the history has as skipped, with the reason.
    pub fn skips_on_record(&self, tables: &Batch) -> Result<&HashMap<Identity, String>> {
        if let Some(skips) = self.skips.get() {
            return Ok(skips);
        }
        let skips = tables.skipped(self.project.id, View::Newest)?;
        Ok(self.skips.get_or_init(|| skips))
    }
}

/// Migrations that a run has skipped: the index of the project, and the key.
pub type Skipped = Rc<RefCell<HashSet<(usize, Vec<u8>)>>>;

/// Takes the project's lock in a new transaction.
pub type RenewLock<'a> = &'a dyn Fn() -> Result<()>;

/// A run under way, or the part of a stepwise run in one transaction.
pub struct Run<'a> {
    pub(super) tables: Tables<'a>,
    /// Our own objects, which scripts must not change.
    pub(super) objects: RefCell<OwnObjects>,
    pub(super) projects: Vec<ProjectRun<'a>>,
    pub(super) id: RunId,
    pub(super) request: &'a Request,
    pub(super) mode: RunMode,
    pub(super) activity: Activity,
    /// Of a run whose migrations share a transaction.
    pub(super) transaction_end: Option<TransactionEnd>,
    /// A stepwise run hands it from transaction to transaction.
    pub(super) skipped: Skipped,
}

impl<'a> Run<'a> {
    /// Begins a run of locked projects, or continues a stepwise one in its next transaction.
    pub fn begin(
        tables: Tables<'a>,
        projects: &[&'a Project],
        request: &'a Request,
        id: RunId,
        mode: RunMode,
    ) -> Result<Run<'a>> {
        tables.store().hold();
        // Looked up again under the lock: other sessions may have rewritten a table meanwhile.
        let objects = RefCell::new(OwnObjects::find()?);
        let projects = tables.as_owner(|tables| {
            projects.iter().map(|project| ProjectRun::begin(tables, project)).collect()
        })?;
        Ok(Run {
            tables,
            objects,
            projects,
            id,
            request,
            mode,
            activity: Activity::begin(),
            transaction_end: None,
            skipped: Skipped::default(),
        })
    }

    /// Commits the part of a stepwise run in the current transaction.
    pub(super) fn commit(&self) -> Result<()> {
        self.tables.release()?;
        transaction::commit()
    }

    /// The project of a step.
    pub(super) fn project(&self, step: &Step) -> &'a Project {
        self.projects[step.project].project
    }

    /// The index of the project of this name.
    pub(super) fn find_project(&self, name: &str) -> Option<usize> {
        self.projects.iter().position(|own| own.project.name == name)
    }

    /// Whether a stepwise run has begun the migration and not finished it.
    pub fn is_under_way(&self, step: &Step) -> bool {
        self.projects[step.project].under_way.contains_key(step.key())
    }

    /// A script of a step in the words of a CONTEXT line.
    pub(super) fn label(&self, step: &Step, script: ScriptKind) -> String {
        label(script, step.version(), step.name(), &self.project(step).name)
    }

    /// Runs a script of a step inside the transaction, as the caller. Errors: those of
    /// [`script::run`]; it has changed our tables (55000).
    pub(super) fn run_script(
        &self,
        current: &CurrentStep,
        kind: ScriptKind,
        text: &str,
        read: Option<Rc<ParserInput>>,
        keep: KeepRows,
    ) -> StepResult<ScriptOutcome> {
        self.tables.release()?;
        let step = current.step;
        let (store, project) = (self.tables.store(), self.project(step));
        let label = self.label(step, kind);
        let context = ScriptErrorContext::new(&label, text, &project.variables).with_input(read);
        let _script = ScriptGuard::enter(kind, &project.name, step.version(), step.name());
        let outcome = interrupt::stoppable(|| {
            script::run(store, &context, &current.title, &self.activity, project, keep)
        });
        let outcome = outcome.map_err(|error| StepError::in_script(error, kind, &context))?;
        match self.objects.borrow().difference() {
            None => Ok(outcome),
            Some(detail) => Err(self.tampered(step, detail).into()),
        }
    }

    /// Does other work with the context of a script.
    pub(super) fn in_script<T>(
        &self,
        step: &Step,
        kind: ScriptKind,
        text: &str,
        work: impl FnOnce(&ScriptErrorContext) -> Result<T>,
    ) -> StepResult<T> {
        let label = self.label(step, kind);
        let project = self.project(step);
        let context = ScriptErrorContext::new(&label, text, &project.variables);
        let _script = ScriptGuard::enter(kind, &project.name, step.version(), step.name());
        interrupt::stoppable(|| work(&context))
            .map_err(|error| StepError::in_script(error, kind, &context))
    }

    /// The error for a migration that has changed our tables.
    pub(super) fn tampered(&self, step: &Step, detail: String) -> Error {
        errors::tampered(&self.label(step, step.script()), detail)
    }
}

//! A migration that a stepwise run has begun and not finished, one way or the other. What its
//! statements have done is in the database, and its journal relies on all that was there
//! before. So until it is finished, nothing else of its project is applied, rolled back or
//! noted as such: only the run that goes on with it, and what people note of this migration.

use super::step::Act;
use crate::domain::version::is_repeatable;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::journal::JournalProgress;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::requirement::Dependent;

/// A half-run migration.
pub struct HalfRun {
    /// Its key.
    pub key: Vec<u8>,
    /// Its version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// Which way it is taken, and how far it has come.
    pub way: JournalProgress,
    /// People have decided about the statement that was cut off, and nothing has run since.
    pub is_decided: bool,
}

impl HalfRun {
    /// The half-run migration of a project. (There is no second one, since none begins
    /// while there is one. A journal without its migration, which a partial restore may
    /// bring, holds nothing up.)
    pub fn find(batch: &Batch, project: i64, view: View) -> Result<Option<HalfRun>> {
        let mut all: Vec<_> = batch.journal_progress(project, view)?.into_iter().collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (key, way) in all {
            if let Some((version, name)) = batch.title(project, &key, view)? {
                let is_decided = way.started.is_none()
                    && batch.is_decided(project, version.as_deref(), &name, view)?;
                return Ok(Some(HalfRun { key, version, name, way, is_decided }));
            }
        }
        Ok(None)
    }

    /// The same for a look: None while a run is at it at this moment.
    pub fn at_rest(batch: &Batch, project: i64) -> Result<Option<HalfRun>> {
        let Some(found) = HalfRun::find(batch, project, View::Caller)? else { return Ok(None) };
        let runs =
            batch.running_migration(project)?.is_some_and(|running| running.key == found.key);
        Ok((!runs).then_some(found))
    }

    /// Whether it is its rollback that is half run.
    pub fn is_down(&self) -> bool {
        self.way.is_down()
    }

    /// Whether to apply this migration is to go on with it.
    pub fn resumes(&self, migration: &Pending) -> bool {
        !self.is_down() && migration.key == self.key
    }

    /// What it is called.
    pub fn title(&self) -> &str {
        self.version.as_deref().unwrap_or(&self.name)
    }

    /// How a sentence about it begins.
    pub fn subject(&self) -> String {
        match self.is_down() {
            true => format!("the rollback of migration {}", self.title()),
            false => format!("migration {}", self.title()),
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> String {
        let place = match (&self.way.started, self.way.needs_decision) {
            (Some((number, command)), true) => {
                format!(
                    "statement {number}, {command}, may have committed a part of its work: mark_statement_done() or retry()"
                )
            }
            (Some((number, command)), false) => {
                format!("at statement {number}, {command}; the next stepwise run goes on")
            }
            (None, _) => {
                format!("after statement {}; the next stepwise run goes on", self.way.done)
            }
        };
        match self.is_down() {
            true => format!("its rollback was interrupted: {place}"),
            false => place,
        }
    }

    /// The same as the reason of a plan.
    pub fn reason(&self) -> String {
        match self.is_down() {
            true => self.progress(),
            false if self.is_decided => format!("pending: {}", self.progress()),
            false => format!("interrupted: {}", self.progress()),
        }
    }

    /// As an error (55000).
    pub fn refusal(self, batch: &Batch, project: i64, name: &str) -> Result<Error> {
        let rollback = match self.is_down() {
            true => batch.applied_row(project, &self.key)?,
            false => None,
        };
        let rollback = match rollback {
            Some(row) => batch.applied_after(project, row - 1, None, View::Newest)?.len(),
            None => 1,
        };
        Ok(Error::HalfRun {
            is_repeatable: is_repeatable(&self.key),
            migration: self.title().to_owned(),
            project: name.to_owned(),
            done: self.way.done,
            is_down: self.is_down(),
            rollback,
        })
    }
}

/// That no migration of a project is half run. Error: 55000.
pub fn refuse(batch: &Batch, project: &Project) -> Result<()> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        None => Ok(()),
        Some(half) => Err(half.refusal(batch, project.id, &project.name)?),
    }
}

/// That none but this one is half run. Error: 55000.
pub fn refuse_others(batch: &Batch, project: &Project, key: &[u8]) -> Result<()> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        Some(half) if half.key != key => Err(half.refusal(batch, project.id, &project.name)?),
        _ => Ok(()),
    }
}

/// That this migration isn't half run. Error: 55000.
pub fn refuse_of(batch: &Batch, project: &Project, key: &[u8]) -> Result<()> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        Some(half) if half.key == key => Err(half.refusal(batch, project.id, &project.name)?),
        _ => Ok(()),
    }
}

/// That one of another project, which requires what is to go, isn't half run. Error: 55000.
pub fn refuse_dependent(batch: &Batch, dependent: &Dependent) -> Result<()> {
    match HalfRun::find(batch, dependent.project_id, View::Newest)? {
        Some(half) if half.key == dependent.key => {
            Err(half.refusal(batch, dependent.project_id, &dependent.project)?)
        }
        _ => Ok(()),
    }
}

/// The half-run migration that a run in this direction may go on with. Error: one is half
/// run in the other direction (55000).
pub fn begun(batch: &Batch, project: &Project, is_down: bool) -> Result<Option<HalfRun>> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        Some(half) if half.is_down() != is_down => {
            Err(half.refusal(batch, project.id, &project.name)?)
        }
        half => Ok(half),
    }
}

/// That a stepwise run goes on with what was [`begun`] before all else. Error: 55000.
pub fn check_resumed(
    batch: &Batch,
    project: &Project,
    begun: Option<HalfRun>,
    first: Option<&Act>,
) -> Result<()> {
    let first = first.map(|act| match act {
        Act::Up(pending) => &pending.key,
        Act::Down(applied) => &applied.key,
    });
    match begun {
        Some(half) if first != Some(&half.key) => {
            Err(half.refusal(batch, project.id, &project.name)?)
        }
        _ => Ok(()),
    }
}

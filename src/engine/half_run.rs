//! A migration that a stepwise run has begun to apply or to roll back, and has not finished. The
//! effects of its first statements are in the database, and its journal relies on the state before
//! it. So until it is finished, no other migration of the project is applied, rolled back or
//! marked. Only the run that continues with it is allowed, and repairs of this migration.

use super::step::Act;
use crate::domain::text::{arguments, has, literal};
use crate::domain::version::is_repeatable;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::journal::UnderWay;
use crate::store::overview::Pending;
use crate::store::project::Project;
use crate::store::requirement::Dependent;
use pgrx::PgSqlErrorCode as Code;

/// A half-run migration.
pub struct HalfRun {
    /// Its key.
    pub key: Vec<u8>,
    /// Its version. None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// Its direction, and how far it has come.
    pub way: UnderWay,
    /// A person has decided about the interrupted statement, and nothing has run since.
    pub is_decided: bool,
}

impl HalfRun {
    /// Finds the half-run migration of a project. (There is at most one, since no other begins
    /// while there is one. A partial restore may bring a journal without its migration, which is
    /// ignored.)
    pub fn find(batch: &Batch, project: i64, view: View) -> Result<Option<HalfRun>> {
        let mut all: Vec<_> = batch.under_way(project, view)?.into_iter().collect();
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

    /// Finds the half-run migration for a report. None: a run is continuing it at this moment.
    pub fn at_rest(batch: &Batch, project: i64) -> Result<Option<HalfRun>> {
        let Some(found) = HalfRun::find(batch, project, View::Caller)? else { return Ok(None) };
        let runs = batch.running(project)?.is_some_and(|running| running.key == found.key);
        Ok((!runs).then_some(found))
    }

    /// Whether its rollback is half run.
    pub fn is_down(&self) -> bool {
        self.way.is_down()
    }

    /// Whether applying this migration means to continue with the half-run one.
    pub fn resumes(&self, migration: &Pending) -> bool {
        !self.is_down() && migration.key == self.key
    }

    /// Its version, or the name of a repeatable migration.
    pub fn title(&self) -> &str {
        self.version.as_deref().unwrap_or(&self.name)
    }

    /// The subject of a sentence about it.
    pub fn subject(&self) -> String {
        match self.is_down() {
            true => format!("the rollback of migration {}", self.title()),
            false => format!("migration {}", self.title()),
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> String {
        let place = match (&self.way.started, self.way.undecided) {
            (Some((number, command)), true) => {
                format!(
                    "statement {number}, {command}, may have committed a part of its work: mark_statement_done() or retry()"
                )
            }
            (Some((number, command)), false) => {
                format!("at statement {number}, {command}; the next stepwise run continues")
            }
            (None, _) => {
                format!("after statement {}; the next stepwise run continues", self.way.done)
            }
        };
        match self.is_down() {
            true => format!("its rollback was interrupted: {place}"),
            false => place,
        }
    }

    /// How far it has come, as the reason in a plan.
    pub fn reason(&self) -> String {
        match self.is_down() {
            true => self.progress(),
            false if self.is_decided => format!("pending: {}", self.progress()),
            false => format!("interrupted: {}", self.progress()),
        }
    }

    /// The error for a call that it prevents (55000).
    pub fn refusal(self, batch: &Batch, project: i64, name: &str) -> Result<Error> {
        let rollback = match self.is_down() {
            true => batch.applied_row(project, &self.key)?,
            false => None,
        };
        let rollback = match rollback {
            Some(row) => batch.applied_after(project, row - 1, None, View::Newest)?.len(),
            None => 1,
        };
        Ok(self.error(name, rollback))
    }

    /// A stepwise run has begun the migration and not finished it (55000). `rollback`: how many
    /// migrations to roll back in order to continue with its rollback.
    fn error(&self, project: &str, rollback: usize) -> Error {
        let (migration, done) = (self.title(), self.way.done);
        Error::new(
            Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            match self.is_down() {
                true => format!("the rollback of migration {migration} of project \"{project}\" is half run"),
                false => format!("migration {migration} of project \"{project}\" is half run"),
            },
        )
        .detail(format!(
            "A stepwise run has begun it and was cut off, or has failed: {done} of its statements {} run. Until it is finished, nothing else of the project is applied or rolled back.",
            has(done as usize)
        ))
        .hint(self.ways_out(project, rollback))
    }

    /// How to finish the migration or to undo it.
    fn ways_out(&self, project: &str, rollback: usize) -> String {
        let migration = self.title();
        let arguments = arguments(migration, project);
        let project = literal(project);
        let go_on = match (self.is_down(), is_repeatable(&self.key)) {
            (true, _) => format!("CALL migrations.rollback_each({rollback}, {project});"),
            (false, true) => format!("CALL migrations.apply_each(project => {project});"),
            (false, false) => format!(
                "CALL migrations.apply_each(project => {project}, only_version => {});",
                literal(migration)
            ),
        };
        let (finished, undone) = match self.is_down() {
            true => ("mark_pending", "mark_applied"),
            false => ("mark_applied", "mark_pending"),
        };
        format!(
            "Go on with {go_on} or finish it by hand, and SELECT * FROM migrations.{finished}({arguments}); or undo by hand what has run, and SELECT * FROM migrations.{undone}({arguments});"
        )
    }
}

/// Checks that no migration of a project is half run. Error: 55000.
pub fn refuse(batch: &Batch, project: &Project) -> Result<()> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        None => Ok(()),
        Some(half) => Err(half.refusal(batch, project.id, &project.name)?),
    }
}

/// Checks that no other migration of a project is half run. Error: 55000.
pub fn refuse_others(batch: &Batch, project: &Project, key: &[u8]) -> Result<()> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        Some(half) if half.key != key => Err(half.refusal(batch, project.id, &project.name)?),
        _ => Ok(()),
    }
}

/// Checks that a migration is not half run. Error: 55000.
pub fn refuse_of(batch: &Batch, project: &Project, key: &[u8]) -> Result<()> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        Some(half) if half.key == key => Err(half.refusal(batch, project.id, &project.name)?),
        _ => Ok(()),
    }
}

/// Checks that a migration that requires another one is not half run. Error: 55000.
pub fn refuse_dependent(batch: &Batch, dependent: &Dependent) -> Result<()> {
    match HalfRun::find(batch, dependent.project_id, View::Newest)? {
        Some(half) if half.key == dependent.key => {
            Err(half.refusal(batch, dependent.project_id, &dependent.project)?)
        }
        _ => Ok(()),
    }
}

/// The half-run migration that a run in this direction continues with. Error: a migration is half
/// run in the other direction (55000).
pub fn begun(batch: &Batch, project: &Project, is_down: bool) -> Result<Option<HalfRun>> {
    match HalfRun::find(batch, project.id, View::Newest)? {
        Some(half) if half.is_down() != is_down => {
            Err(half.refusal(batch, project.id, &project.name)?)
        }
        half => Ok(half),
    }
}

/// Checks that the first step of a run is the half-run migration, if there is one. Error: 55000.
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

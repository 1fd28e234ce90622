//! The steps of a plan, the step under way and finished steps.

use super::naming::{ScriptKind, title};
use super::script::ScriptOutcome;
use crate::error::Result;
use crate::pg::transaction;
use crate::store::applied::Applied;
use crate::store::lock::RunningMark;
use crate::store::overview::Pending;
use std::time::{Duration, Instant, SystemTime};

/// What a run does with a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is rolled back.
    Down,
    /// It stays pending, because its precondition does not hold.
    Skip,
    /// It is recorded as applied without running, because its precondition does not hold.
    Mark,
}

impl Direction {
    /// The word for it in the column `direction`.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Skip => "skip",
            Direction::Mark => "mark",
        }
    }

    /// The word for it in the NOTICE of a finished step.
    pub fn done(self) -> &'static str {
        match self {
            Direction::Up => "applied",
            Direction::Down => "rolled back",
            Direction::Skip => "skipped",
            Direction::Mark => "marked as applied",
        }
    }
}

/// A finished step of a run.
pub struct Finished<'a> {
    /// Its number, from 1.
    pub step: usize,
    /// The name of the project.
    pub project: &'a str,
    /// The migration's version. None: a repeatable migration.
    pub version: Option<&'a str>,
    /// The migration's name.
    pub name: &'a str,
    /// What the run has done with the migration.
    pub direction: Direction,
    /// How long it took.
    pub took: Duration,
    /// What its script gave.
    pub outcome: ScriptOutcome,
}

/// A step of a plan.
pub struct Step {
    /// The project, as an index into the projects of the run.
    pub project: usize,
    /// What it does.
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
    /// The steps of a run of one project.
    pub fn of_one_project(acts: impl IntoIterator<Item = Act>) -> Vec<Step> {
        acts.into_iter().map(|act| Step { project: 0, act }).collect()
    }

    /// The migration's version. None: a repeatable migration.
    pub fn version(&self) -> Option<&str> {
        match &self.act {
            Act::Up(pending) => pending.version.as_deref(),
            Act::Down(applied) => Some(&applied.version),
        }
    }

    /// The migration's name.
    pub fn name(&self) -> &str {
        match &self.act {
            Act::Up(pending) => &pending.name,
            Act::Down(applied) => &applied.name,
        }
    }

    /// The script that the step runs.
    pub fn script(&self) -> ScriptKind {
        match &self.act {
            Act::Up(_) => ScriptKind::Up,
            Act::Down(_) => ScriptKind::Down,
        }
    }

    /// Whether the migration is marked as one that runs inside a transaction, or as one that
    /// does not.
    pub fn mark(&self) -> Option<bool> {
        match &self.act {
            Act::Up(pending) => pending.transactional,
            Act::Down(applied) => applied.transactional,
        }
    }

    /// The migration's key.
    pub fn key(&self) -> &[u8] {
        match &self.act {
            Act::Up(pending) => &pending.key,
            Act::Down(applied) => &applied.key,
        }
    }

    /// The direction of the step.
    pub fn direction(&self) -> Direction {
        match &self.act {
            Act::Up(_) => Direction::Up,
            Act::Down(_) => Direction::Down,
        }
    }

    /// Shows other sessions that the migration is running, until the value is dropped. Errors:
    /// those of [`RunningMark::show`].
    pub fn show_running(&self) -> Result<RunningMark> {
        let (row, is_down) = match &self.act {
            Act::Up(pending) => (pending.id, false),
            Act::Down(applied) => (applied.id, true),
        };
        let since = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as u32);
        RunningMark::show(row, is_down, since)
    }

    /// The migration in one line.
    pub fn title(&self) -> String {
        title(self.version(), self.name())
    }
}

/// The step that is under way.
pub struct CurrentStep<'a> {
    /// The step.
    pub step: &'a Step,
    /// Its number, from 1.
    pub number: usize,
    /// When it was started.
    pub started: Started,
    /// How `pg_stat_activity` shows it.
    pub title: String,
}

impl<'a> CurrentStep<'a> {
    /// Starts a step. `of` is the number of steps of the run.
    pub fn start(step: &'a Step, number: usize, of: usize) -> CurrentStep<'a> {
        let title = match step.version() {
            Some(version) => format!("migrations: {number}/{of} {version} {}", step.name()),
            None => format!("migrations: {number}/{of} {}", step.name()),
        };
        CurrentStep { step, number, started: Started::now(), title }
    }
}

/// When a step was started.
#[derive(Clone, Copy)]
pub struct Started {
    /// By the clock, in microseconds since 2000.
    pub at: i64,
    instant: Instant,
}

impl Started {
    /// Now.
    pub fn now() -> Started {
        Started { at: transaction::now(), instant: Instant::now() }
    }

    /// The time since then.
    pub fn elapsed(self) -> Duration {
        self.instant.elapsed()
    }

    /// The time since then in microseconds.
    pub fn micros(self) -> i64 {
        self.elapsed().as_micros() as i64
    }
}

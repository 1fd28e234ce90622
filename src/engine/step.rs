//! The steps of a plan, and what becomes of them.

use super::body::Done;
use super::report::{Direction, Part, title};
use crate::error::Result;
use crate::pg::transaction;
use crate::store::applied::Applied;
use crate::store::lock::RunningMark;
use crate::store::overview::Pending;
use std::time::{Duration, Instant, SystemTime};

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
    /// The migration's version; None: a repeatable migration.
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

    /// The script that is its body.
    pub fn part(&self) -> Part {
        match &self.act {
            Act::Up(_) => Part::Up,
            Act::Down(_) => Part::Down,
        }
    }

    /// Whether it is marked as one that can run inside a transaction, or as one that can't.
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

    /// Which way the migration is to be taken.
    pub fn direction(&self) -> Direction {
        match &self.act {
            Act::Up(_) => Direction::Up,
            Act::Down(_) => Direction::Down,
        }
    }

    /// Shows other sessions that the migration runs, until the value is dropped. Errors: those of
    /// [`RunningMark::show`].
    pub fn say_running(&self) -> Result<RunningMark> {
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

/// When a step began.
#[derive(Clone, Copy)]
pub struct Begun {
    /// By the clock, in microseconds since 2000.
    pub at: i64,
    instant: Instant,
}

impl Begun {
    /// Now.
    pub fn now() -> Begun {
        Begun { at: transaction::now(), instant: Instant::now() }
    }

    /// How long ago that is.
    pub fn elapsed(self) -> Duration {
        self.instant.elapsed()
    }

    /// The same in microseconds.
    pub fn micros(self) -> i64 {
        self.elapsed().as_micros() as i64
    }
}

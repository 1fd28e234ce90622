//! Reads the migration files of other tools as they are: which migrations they hold, and
//! what is said of them.
//!
//! Each tool has a file of its own here, which knows its names of files and the marks in
//! them. What a tool has and we don't honour is a [`Problem`], and so is a file with the name of a
//! migration that isn't read.
//!
//! [`read`] finds out whose files they are, unless it is told, and has that tool's file
//! read them.

#[cfg(test)]
mod adverse;
mod atlas;
mod dbmate;
mod detection;
mod diesel;
mod drizzle;
mod flyway;
mod folder;
mod format;
mod glob;
mod golang_migrate;
mod goose;
mod graphile;
pub mod include;
#[cfg(test)]
mod interruptible;
pub mod limits;
mod liquibase;
mod name;
mod node_pg_migrate;
mod numbered;
mod prisma;
#[cfg(test)]
mod random;
mod refinery;
mod section;
mod sqitch;
mod sqlx;
#[cfg(test)]
mod testing;

use detection::unknown_name;

pub use detection::{is_ignored, read};
pub use name::{Need, Part, is_any_sql, need};

use crate::domain::moment::Moment;
use crate::domain::room;
use crate::domain::script::floor_boundary;
use std::collections::BTreeMap;

/// A file as it is at hand.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path within the folder, with `/` between its parts.
    pub path: &'a str,
    /// What is in it, without byte order mark.
    pub text: &'a str,
}

/// A migration, as far as files tell of it: a part that they don't hold is None.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The version; None: a repeatable migration.
    pub version: Option<String>,
    /// What it does, for people.
    pub name: String,
    /// SQL that applies it. Lines are where they are in the file, so that an error names
    /// the file's own line: what comes before is replaced by empty lines.
    pub up: Option<String>,
    /// SQL that takes it back.
    pub down: Option<String>,
    /// SQL that must hold after.
    pub verify: Option<String>,
    /// What must be applied before, as add() has it.
    pub requires: Vec<String>,
    /// Whether it can run inside a transaction; None: as its statements show.
    pub transactional: Option<bool>,
    /// When a repeatable migration runs.
    pub moment: Moment,
    /// The files that it is made of: those of up, down and verify, in this order, then
    /// others that say something of it. A file that holds several parts is named once.
    pub paths: Vec<String>,
}

/// Why files can't be taken as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file; empty: it is about no single one.
    pub path: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong, as an error's message begins: in lower case, without a full stop.
    pub message: String,
    /// What to do, as a sentence.
    pub hint: String,
    /// It is more than what is read (54000), not something wrong (22023).
    pub is_beyond: bool,
}

impl Problem {
    /// What is wrong in a file.
    pub fn of(path: &str, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem {
            path: path.to_owned(),
            line: None,
            message: bounded(message.into()),
            hint: hint.into(),
            is_beyond: false,
        }
    }

    /// What in a file is more than what is read.
    pub fn beyond(path: &str, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { is_beyond: true, ..Problem::of(path, message, hint) }
    }

    /// What is wrong in a line of a file.
    pub fn at(
        path: &str,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Problem {
        Problem { line: Some(line), ..Problem::of(path, message, hint) }
    }

    /// That the mark is missing with which the up of a file begins.
    pub fn without_up(path: &str, mark: &str) -> Problem {
        let hint = "Put it above what applies the migration.";
        Problem::of(path, format!("there is no \"{mark}\""), hint)
    }
}

/// How sure it is that files are those of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// They are not.
    No,
    /// They could be: their names fit, which other tools use, too.
    Possible,
    /// They are: only this tool has such names or marks.
    Sure,
}

/// What is said of a folder beside its files: values by their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    values: BTreeMap<String, String>,
}

impl Options {
    /// The value of an option, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names of all that are given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Options {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(values: T) -> Options {
        Options { values: values.into_iter().collect() }
    }
}

/// What is to be said of files beside the migrations in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    ignored: Vec<(String, String)>,
    unread: Vec<(String, String)>,
    problems: Vec<Problem>,
}

impl Notes {
    /// Notes a file, or a part of one, that the tool itself decides not to run, or that only
    /// says something of migrations. The reason is a clause in lower case without a full stop,
    /// such as `the file beside it says shouldExecute=false`.
    pub fn ignore(&mut self, path: &str, why: impl Into<String>) {
        self.note(path, why.into(), false);
    }

    /// Notes a file that the tool does not read. If it has the name of a migration, that is a
    /// problem. The reason is as that of [`Notes::ignore`].
    pub fn unread(&mut self, path: &str, why: impl Into<String>) {
        self.note(path, why.into(), true);
    }

    fn note(&mut self, path: &str, why: String, is_unread: bool) {
        if self.ignored.len() + self.unread.len() < limits::MOST {
            let all = if is_unread { &mut self.unread } else { &mut self.ignored };
            room::push(all, (room::owned(path), why));
        } else if self.problems.is_empty() {
            let message = format!("it has more than {} parts that are not read", limits::MOST);
            self.refuse(Problem::beyond(path, message, "Take out of it what is not needed."));
        }
    }

    /// Notes what is wrong, where the rest can be read on to find what else is: all of
    /// them are shown together, and nothing is taken.
    pub fn refuse(&mut self, problem: Problem) {
        // Whoever has solved these loads the files again.
        if self.problems.len() < limits::PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// A message that may name what was written, which may be long.
fn bounded(mut message: String) -> String {
    if message.len() > limits::MESSAGE {
        message.truncate(floor_boundary(&message, limits::MESSAGE));
        message.push_str(" ...");
    }
    message
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Whose files they are.
    pub convention: Convention,
    /// The migrations, in the order of the tool.
    pub migrations: Vec<Found>,
    /// What isn't one: path and reason.
    pub ignored: Vec<(String, String)>,
    /// Why it can't be taken as it is, if it can't.
    pub problems: Vec<Problem>,
}

/// A tool, or another custom of naming migration files and marking parts in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// golang-migrate: `N_name.up.sql`, `N_name.down.sql`.
    GolangMigrate,
    /// Numbers or timestamps before a name, as Supabase has them: `N_name.sql`.
    Numbered,
    /// dbmate: `-- migrate:up`.
    Dbmate,
    /// goose: `-- +goose Up`.
    Goose,
    /// Flyway: `V1__x.sql`, `U1__x.sql`, `R__x.sql`.
    Flyway,
    /// Sqitch: `sqitch.plan`.
    Sqitch,
    /// diesel: `dir/up.sql`, `dir/down.sql`.
    Diesel,
    /// sqlx: as golang-migrate or numbered, `-- no-transaction`.
    Sqlx,
    /// refinery: `V1__x.sql`.
    Refinery,
    /// node-pg-migrate's SQL files: `-- Up Migration`.
    NodePgMigrate,
    /// graphile-migrate: `committed/N.sql`, `--! Previous: …`.
    GraphileMigrate,
    /// Prisma: `dir/migration.sql`.
    Prisma,
    /// Drizzle: `0000_x.sql`, `meta/_journal.json`.
    Drizzle,
    /// Liquibase's formatted SQL: `--liquibase formatted sql`.
    Liquibase,
    /// Atlas: `N_name.sql`, `atlas.sum`, `-- atlas:txmode none`.
    Atlas,
}

impl Convention {
    /// All of them. Where the files mean the same to several, the first is taken.
    pub const ALL: [Convention; 15] = [
        Convention::GolangMigrate,
        Convention::Numbered,
        Convention::Dbmate,
        Convention::Goose,
        Convention::Flyway,
        Convention::Sqitch,
        Convention::Diesel,
        Convention::Sqlx,
        Convention::Refinery,
        Convention::NodePgMigrate,
        Convention::GraphileMigrate,
        Convention::Prisma,
        Convention::Drizzle,
        Convention::Liquibase,
        Convention::Atlas,
    ];

    /// Its name, as the argument `convention` has it.
    pub fn name(self) -> &'static str {
        match self {
            Convention::GolangMigrate => "golang-migrate",
            Convention::Numbered => "numbered",
            Convention::Dbmate => "dbmate",
            Convention::Goose => "goose",
            Convention::Flyway => "flyway",
            Convention::Sqitch => "sqitch",
            Convention::Diesel => "diesel",
            Convention::Sqlx => "sqlx",
            Convention::Refinery => "refinery",
            Convention::NodePgMigrate => "node-pg-migrate",
            Convention::GraphileMigrate => "graphile-migrate",
            Convention::Prisma => "prisma",
            Convention::Drizzle => "drizzle",
            Convention::Liquibase => "liquibase",
            Convention::Atlas => "atlas",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Convention> {
        Convention::ALL.into_iter().find(|convention| convention.name() == name)
    }

    /// The options that it knows.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Convention::Flyway => flyway::OPTIONS,
            Convention::Sqitch => sqitch::OPTIONS,
            Convention::Refinery => refinery::OPTIONS,
            Convention::Liquibase => liquibase::OPTIONS,
            _ => &[],
        }
    }

    /// Whether files are its own.
    pub fn claims(self, files: &[File]) -> Claim {
        match self {
            Convention::GolangMigrate => golang_migrate::claims(files),
            Convention::Numbered => numbered::claims(files),
            Convention::Dbmate => dbmate::claims(files),
            Convention::Goose => goose::claims(files),
            Convention::Flyway => flyway::claims(files),
            Convention::Sqitch => sqitch::claims(files),
            Convention::Diesel => diesel::claims(files),
            Convention::Sqlx => sqlx::claims(files),
            Convention::Refinery => refinery::claims(files),
            Convention::NodePgMigrate => node_pg_migrate::claims(files),
            Convention::GraphileMigrate => graphile::claims(files),
            Convention::Prisma => prisma::claims(files),
            Convention::Drizzle => drizzle::claims(files),
            Convention::Liquibase => liquibase::claims(files),
            Convention::Atlas => atlas::claims(files),
        }
    }

    fn migrations(
        self,
        files: &[File],
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<Found>, Problem> {
        let read = match self {
            Convention::GolangMigrate => golang_migrate::read,
            Convention::Numbered => numbered::read,
            Convention::Dbmate => dbmate::read,
            Convention::Goose => goose::read,
            Convention::Flyway => flyway::read,
            Convention::Sqitch => sqitch::read,
            Convention::Diesel => diesel::read,
            Convention::Sqlx => sqlx::read,
            Convention::Refinery => refinery::read,
            Convention::NodePgMigrate => node_pg_migrate::read,
            Convention::GraphileMigrate => graphile::read,
            Convention::Prisma => prisma::read,
            Convention::Drizzle => drizzle::read,
            Convention::Liquibase => liquibase::read,
            Convention::Atlas => atlas::read,
        };
        read(files, options, notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for convention in Convention::ALL {
            assert_eq!(Convention::parse(convention.name()), Some(convention));
        }
        assert_eq!(Convention::parse("Flyway"), None);
    }
}

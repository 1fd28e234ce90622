//! Liquibase's formatted SQL: files that begin with `--liquibase formatted sql` and hold changesets,
//! `--changeset author:id`.
//!
//! Files run in the order in which changelogs in XML, YAML or JSON include them, or, without these, in
//! that of their paths. The version of a changeset is the path of the file (or the logical one)
//! without ending and the position in the file, such as `changes/001_users.2`. So it does not change
//! when changesets and files are added. Where the order of versions is not Liquibase's, a changeset
//! requires the one before it. Its name is `author:id`. One with runOnChange or runAlways is a
//! repeatable migration. Since these run in the order of their names, the name begins with the path
//! and the position.

mod attributes;
mod changeset;
mod config;
mod filter;
mod formatted;
mod includes;
mod markers;
mod order;

pub use markers::has_header;

use super::name::{is_sql, stem};
use super::section::contains;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};
use crate::domain::moment::Moment;
use crate::domain::version::MAX_LENGTH;
use crate::domain::{halt, room};
use changeset::ChangeSet;
use config::Config;
use filter::Filter;
use std::collections::HashMap;

/// Liquibase.
pub struct Liquibase;

impl Importer for Liquibase {
    fn name(&self) -> &'static str {
        "liquibase"
    }

    fn options(&self) -> &'static [&'static str] {
        &["contexts", "labels"]
    }

    fn reads_beside_sql(&self, base: &str) -> bool {
        base == "liquibase.properties" || order::has_changelog_name(base)
    }

    /// There must be formatted SQL, or a changelog.
    fn claims(&self, files: &[File]) -> Claim {
        let is_own = |file: &File| match is_sql(file.path) {
            true => has_header(file.text),
            false => contains(file.text, "databaseChangeLog"),
        };
        Claim::sure_if(files.iter().any(is_own))
    }

    fn read(
        &self,
        files: &[File],
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let Config { changelog, contexts, labels } = Config::read(files, notes)?;
        let configured = changelog.as_ref().map(|(path, problem)| (path.as_str(), problem.clone()));
        let filter = Filter::of(options, contexts.as_deref(), labels.as_deref())?;
        let mut reading = Reading::default();
        for file in order::order(files, configured, &filter, notes)? {
            match formatted_sql(&file) {
                Ok(true) => reading.read(&file, &filter, notes),
                Ok(false) => notes.ignore(file.path, "it is empty"),
                Err(problem) => notes.refuse(problem),
            }
        }
        let mut migrations = reading.migrations;
        check_repeatables(&migrations, notes);
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

/// Whether a file has content. Error: it is not formatted SQL.
fn formatted_sql(file: &File) -> Result<bool, Problem> {
    if !is_sql(file.path) {
        let message = "a changelog that is not formatted SQL is not read";
        let hint = "Write it as formatted SQL. If it only includes other files, its name must contain the word changelog.";
        return Err(Problem::of(file.path, message, hint));
    }
    if file.text.trim().is_empty() {
        return Ok(false);
    }
    if !has_header(file.text) {
        let message = "the file does not begin with --liquibase formatted sql";
        let hint = "Write that as its first line and --changeset AUTHOR:ID as its second, or remove the file.";
        return Err(Problem::of(file.path, message, hint));
    }
    Ok(true)
}

/// The migrations so far.
#[derive(Default)]
struct Reading {
    migrations: Vec<ImportedMigration>,
    /// The file and line of each changeset, by its path and name.
    known: HashMap<(String, String), (String, usize)>,
}

impl Reading {
    /// Reads the changesets of a file.
    fn read(&mut self, file: &File, filter: &Filter, notes: &mut Notes) {
        let log = formatted::read(file, filter, notes);
        if log.changesets.is_empty() {
            notes.ignore(file.path, "it holds no changeset");
        }
        for (n, set) in log.changesets.into_iter().enumerate() {
            halt::work(halt::STEP);
            let logical = set.head.logical_path().or(log.logical_path.as_deref());
            let path = logical.unwrap_or(file.path).trim_start_matches("classpath:");
            if path.len() > MAX_LENGTH + ".sql".len() {
                let message = format!("its path is longer than {MAX_LENGTH} bytes");
                let hint = "Shorten it: it is part of the versions.";
                notes.refuse(Problem::at(file.path, set.line, message, hint));
                return;
            }
            let path = path.to_owned();
            self.add(file, &path, n + 1, set, filter, notes);
        }
    }

    /// Adds a changeset with its path and position.
    fn add(
        &mut self,
        file: &File,
        path: &str,
        position: usize,
        set: ChangeSet,
        filter: &Filter,
        notes: &mut Notes,
    ) {
        if self.known.try_reserve(1).is_err() {
            halt::end(halt::OutOfMemory);
        }
        let name = format!("{}:{}", set.head.author, set.head.id);
        let here = (file.path.to_owned(), set.line);
        if let Some((other, line)) = self.known.insert((path.to_owned(), name.clone()), here) {
            let message = format!("changeset {name} already exists in {other}, line {line}");
            let hint = "Give one of them another id.";
            notes.refuse(Problem::at(file.path, set.line, message, hint));
        } else if let Some(why) = set.head.reason_to_skip(filter) {
            notes.ignore(file.path, format!("changeset {name} is skipped: {why}"));
        } else {
            let migration = migration(file, path, position, name, set, notes);
            room::push(&mut self.migrations, migration);
        }
    }
}

fn migration(
    file: &File,
    path: &str,
    position: usize,
    name: String,
    set: ChangeSet,
    notes: &mut Notes,
) -> ImportedMigration {
    let ChangeSet { head, up, down, .. } = set;
    let migration = ImportedMigration {
        up: Some(up),
        transactional: head.is_false("runInTransaction").then_some(false),
        paths: vec![file.path.to_owned()],
        ..ImportedMigration::default()
    };
    let (always, on_change) = (head.is_true("runAlways"), head.is_true("runOnChange"));
    if !always && !on_change {
        let path = stem(path, ".sql").unwrap_or(path);
        return ImportedMigration {
            version: Some(format!("{path}.{position}")),
            name,
            down,
            ..migration
        };
    }
    if down.is_some_and(|down| !down.is_empty()) {
        let why = format!(
            "the rollback of changeset {name} is skipped: a repeatable migration is never rolled back"
        );
        notes.ignore(file.path, why);
    }
    let moment = if always { Moment::AfterRun } else { Moment::Changed };
    ImportedMigration { name: format!("{path} {position:04} {name}"), moment, ..migration }
}

/// Checks that repeatable migrations are in the order of their names, in which they run.
fn check_repeatables(migrations: &[ImportedMigration], notes: &mut Notes) {
    let mut last: [Option<&str>; 2] = [None, None];
    for migration in migrations.iter().filter(|migration| migration.version.is_none()) {
        let last = &mut last[usize::from(migration.moment == Moment::AfterRun)];
        let name = migration.name.as_str();
        if let Some(other) = last.filter(|other| *other > name) {
            let message = format!("\"{other}\" comes before \"{name}\", but would run after it");
            let hint =
                "Rename the files, so that repeatable changesets are in the order of their names.";
            notes.refuse(Problem::of(migration.path(), message, hint));
        }
        *last = Some(name);
    }
}

#[cfg(test)]
mod tests;

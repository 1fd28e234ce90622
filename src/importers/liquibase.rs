//! Liquibase's formatted SQL: files that begin with `--liquibase formatted sql` and hold
//! changesets, `--changeset author:id`.
//!
//! Files run as changelogs beside them include them, and if there are none, in the order of
//! their paths. A changeset's version is the file's path (or the logical one) without ending
//! and its place in the file, so it stays what it is when changesets and files are added:
//! `changes/001_users.2`. Where that isn't Liquibase's order, a changeset requires the one
//! before. Its name is `author:id`. One with runOnChange or runAlways is a repeatable
//! migration, whose name has the path and the place as well, since these run by their names.

mod attributes;
mod changelog;
mod config;
mod filter;
mod marks;
mod master;

pub use marks::has_header;

use super::section::holds;
use super::{Claim, File, Found, Notes, Options, Problem};
use crate::domain::moment::Moment;
use crate::domain::version::{MAX_LENGTH, Version};
use crate::domain::{halt, room};
use changelog::ChangeSet;
use config::Config;
use filter::Filter;
use std::collections::HashMap;

/// The options that it knows.
pub const OPTIONS: &[&str] = &["contexts", "labels"];

/// Whether files are its own.
pub fn claims(files: &[File]) -> Claim {
    let is_one = |file: &File| match is_sql(file) {
        true => has_header(file.text),
        // One that only includes others.
        false => holds(file.text, "databaseChangeLog"),
    };
    if files.iter().any(is_one) { Claim::Sure } else { Claim::No }
}

fn is_sql(file: &File) -> bool {
    file.path.to_ascii_lowercase().ends_with(".sql")
}

/// Reads them. What it neither reads nor notes is noted by the caller.
pub fn read(files: &[File], options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let Config { changelog, contexts, labels } = Config::read(files, notes)?;
    let configured = changelog.as_ref().map(|(path, problem)| (path.as_str(), problem.clone()));
    let filter = Filter::of(options, contexts.as_deref(), labels.as_deref())?;
    let mut found = Vec::new();
    // By author and id, in each file.
    let mut ids: HashMap<(String, String), (String, usize)> = HashMap::new();
    for file in master::order(files, configured, &filter, notes)? {
        if !is_sql(&file) {
            let message = "a changelog that is not formatted SQL is not read";
            let hint = "Write it as formatted SQL; or if it only includes others, have the word changelog in its name.";
            notes.refuse(Problem::of(file.path, message, hint));
            continue;
        }
        if file.text.trim().is_empty() {
            notes.ignore(file.path, "it is empty");
            continue;
        }
        if !has_header(file.text) {
            let message = "the file does not begin with --liquibase formatted sql";
            let hint = "Write that as its first line and --changeset AUTHOR:ID as its second, or take the file away.";
            notes.refuse(Problem::of(file.path, message, hint));
            continue;
        }
        let log = changelog::read(&file, &filter, notes);
        if log.changesets.is_empty() {
            notes.ignore(file.path, "it holds no changeset");
        }
        for (place, set) in log.changesets.into_iter().enumerate() {
            halt::work(halt::STEP);
            if ids.try_reserve(1).is_err() {
                halt::end(halt::OutOfMemory);
            }
            let name = format!("{}:{}", set.head.author, set.head.id);
            let logical = set.head.logical_path().or(log.logical_path.as_deref());
            let path = logical.unwrap_or(file.path).trim_start_matches("classpath:");
            if path.len() > MAX_LENGTH + 4 {
                let message = format!("its path is longer than {MAX_LENGTH} bytes");
                let hint = "Give it a shorter one: it is part of the versions.";
                notes.refuse(Problem::at(file.path, set.line, message, hint));
                break;
            }
            let path = path.to_owned();
            let here = (file.path.to_owned(), set.line);
            if let Some((other, line)) = ids.insert((path.clone(), name.clone()), here) {
                let message = format!("changeset {name} is there already, in {other}, line {line}");
                let hint = "Give one of them another id.";
                notes.refuse(Problem::at(file.path, set.line, message, hint));
                continue;
            }
            if let Some(why) = set.head.reason_to_skip(&filter) {
                notes.ignore(file.path, format!("changeset {name} is not taken: {why}"));
                continue;
            }
            room::push(&mut found, migration(&file, &path, place + 1, name, set, notes));
        }
    }
    keep_order(&mut found, notes);
    Ok(found)
}

fn migration(
    file: &File,
    path: &str,
    place: usize,
    name: String,
    set: ChangeSet,
    notes: &mut Notes,
) -> Found {
    let ChangeSet { head, up, down, .. } = set;
    let found = Found {
        up: Some(up),
        transactional: head.is_false("runInTransaction").then_some(false),
        paths: vec![file.path.to_owned()],
        ..Found::default()
    };
    let (always, on_change) = (head.is_true("runAlways"), head.is_true("runOnChange"));
    if !always && !on_change {
        return Found { version: Some(format!("{}.{place}", stem(path))), name, down, ..found };
    }
    if down.is_some_and(|down| !down.is_empty()) {
        let why = format!(
            "the rollback of changeset {name} is not taken: what runs again is never rolled back"
        );
        notes.ignore(file.path, why);
    }
    let moment = if always { Moment::AfterRun } else { Moment::Changed };
    Found { name: format!("{path} {place:04} {name}"), moment, ..found }
}

/// A path without its ending.
fn stem(path: &str) -> &str {
    let at = path.len().saturating_sub(4);
    match path.get(at..) {
        Some(ending) if ending.eq_ignore_ascii_case(".sql") => path.get(..at).unwrap_or(path),
        _ => path,
    }
}

/// Makes migrations require the one before where versions alone would let them run earlier.
/// Repeatable ones can't.
fn keep_order(found: &mut [Found], notes: &mut Notes) {
    let mut before: Option<String> = None;
    let mut highest: Vec<u8> = Vec::new();
    let mut last: [Option<String>; 2] = [None, None];
    for found in found {
        let Some(version) = &found.version else {
            let last = &mut last[usize::from(found.moment == Moment::AfterRun)];
            if let Some(other) = last.as_ref().filter(|other| **other > found.name) {
                let path = found.paths.first().map_or("", String::as_str);
                let message =
                    format!("\"{other}\" comes before \"{}\", but would run after it", found.name);
                let hint =
                    "Rename the files, so that what runs again comes in the order of their names.";
                notes.refuse(Problem::of(path, message, hint));
            }
            *last = Some(found.name.clone());
            continue;
        };
        // One that isn't valid is told of elsewhere.
        let Ok(parsed) = Version::parse(version) else { continue };
        let key = parsed.key().to_vec();
        let former = before.replace(version.clone());
        if key < highest {
            found.requires.extend(former);
        } else {
            highest = key;
        }
    }
}

#[cfg(test)]
mod tests;

//! Flyway: `V1_2__x.sql` applies a version, `U1_2__x.sql` takes it back, `R__x.sql` is
//! repeatable, `beforeMigrate.sql` and `afterMigrate.sql` run around the others, and
//! `V1_2__x.sql.conf` says something of the script beside it.
//!
//! Folders are locations, which are read as one. A baseline (`B3__x.sql`) stands in for
//! versions that the folders no longer hold: where they hold some of them, it is passed
//! over, since a new database is built from these as well.

mod config;
mod keys;
mod naming;

use super::section::holds;
use super::{Claim, File, Found, Notes, Options, Problem};
use crate::domain::moment::Moment;
use crate::domain::room;
use config::{Config, Script, base, is_config};
use naming::{Key, Kind, Naming};
use std::collections::{BTreeMap, HashMap};

/// The options that it knows.
pub const OPTIONS: &[&str] =
    &["baseline_prefix", "prefix", "repeatable_prefix", "separator", "suffixes", "undo_prefix"];

/// Endings of migrations that are programs.
const PROGRAMS: [&str; 10] =
    [".java", ".kt", ".groovy", ".scala", ".class", ".py", ".sh", ".bash", ".ps1", ".bat"];

/// Whether files are its own.
pub fn claims(files: &[File]) -> Claim {
    let naming = Naming::default();
    let mut claim = Claim::No;
    let (mut applied, mut taken_back) = (Vec::new(), Vec::new());
    for file in files {
        let name = base(file.path);
        if is_config(file.path) {
            return Claim::Sure;
        }
        if name.starts_with(['V', 'U']) && name.ends_with(".rs") {
            return Claim::No;
        }
        let Some(stem) = naming.stem(name) else { continue };
        let Ok(read) = naming.read(stem) else { continue };
        match read.kind {
            Kind::Callback(_) => claim = claim.max(Claim::Possible),
            _ if !stem.contains(&naming.separator) => {}
            Kind::Undo => taken_back.push(Key::of(&read.version)),
            Kind::Versioned if super::liquibase::has_header(file.text) => {
                claim = claim.max(Claim::Possible);
            }
            Kind::Versioned => {
                applied.push(Key::of(&read.version));
                claim = Claim::Sure;
            }
            Kind::Repeatable | Kind::Baseline => claim = Claim::Sure,
        }
    }
    applied.sort();
    // refinery has U for another purpose.
    if taken_back.iter().any(|key| applied.binary_search(key).is_err()) {
        return Claim::Possible;
    }
    claim
}

/// A script with what its name and the file beside it say.
struct Source<'a> {
    file: &'a File<'a>,
    version: String,
    name: String,
    in_transaction: Option<bool>,
    config: Option<&'a str>,
}

/// What makes a version.
#[derive(Default)]
struct Pair<'a> {
    up: Option<Source<'a>>,
    down: Option<Source<'a>>,
}

/// Reads them. What it neither reads nor notes is noted by the caller.
pub fn read(files: &[File], options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let config = Config::read(files, options, notes)?;
    let mut files: Vec<&File> = files.iter().filter(|file| !is_config(file.path)).collect();
    files.sort_by_key(|file| file.path);
    for file in config.locate(&mut files) {
        notes.unread(file.path, "it is in none of the locations that are configured");
    }
    let scripts = scripts(&files, &config.naming, notes);
    let mut pairs: BTreeMap<Key, Pair> = BTreeMap::new();
    let mut baselines: BTreeMap<Key, Source> = BTreeMap::new();
    let (mut before, mut changed, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let name = base(file.path);
        let Some(stem) = config.naming.stem(name) else {
            refuse_program(file, &config.naming, notes);
            continue;
        };
        let name = match config.naming.read(stem) {
            Ok(name) => name,
            Err(why) => {
                notes.unread(file.path, why);
                continue;
            }
        };
        let (said_in, said) = scripts.get(file.path).cloned().unzip();
        let said: Script = said.unwrap_or_default();
        if said.is_off {
            notes.ignore(file.path, "the file beside it says shouldExecute=false");
            continue;
        }
        if let (Some(line), Some(at), true) =
            (said.keeps_placeholders, said_in, holds(file.text, "${"))
        {
            let message = "placeholderReplacement=false is not honoured for a single script";
            let hint =
                "Load the script into a project without placeholders, and take the setting out.";
            notes.refuse(Problem::at(at, line, message, hint));
        }
        let source = Source {
            file,
            name: if name.description.trim().is_empty() {
                stem.to_owned()
            } else {
                name.description.clone()
            },
            in_transaction: said.in_transaction.or(config.in_transaction),
            version: name.version,
            config: said_in,
        };
        let key = Key::of(&source.version);
        match name.kind {
            Kind::Versioned => put(&mut pairs.entry(key).or_default().up, source, "apply", notes),
            Kind::Undo => put(&mut pairs.entry(key).or_default().down, source, "undo", notes),
            Kind::Baseline => match baselines.remove(&key) {
                None => {
                    baselines.insert(key, source);
                }
                Some(other) => {
                    notes.refuse(twice(&other, &source, "sum up"));
                    baselines.insert(key, other);
                }
            },
            Kind::Repeatable => changed.push(source.repeatable(Moment::Changed)),
            Kind::Callback("beforeMigrate") => {
                before.push(source.callback("beforeMigrate", Moment::BeforeRun, &name.description));
            }
            Kind::Callback(event @ ("afterMigrate" | "afterMigrateApplied")) => {
                after.push(source.callback(event, Moment::AfterRun, &name.description));
            }
            Kind::Callback(event) => {
                let message = format!("callback {event} is not honoured");
                let hint = "Move what it does into migrations, beforeMigrate.sql or afterMigrate.sql, and take the file away.";
                notes.refuse(Problem::of(file.path, message, hint));
            }
        }
    }
    settle_baselines(&mut pairs, baselines, notes);
    settle_undos(&mut pairs, notes);
    for moment in [&mut before, &mut changed, &mut after] {
        moment.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let versions = pairs.into_values().filter_map(|pair| pair.found(notes)).collect::<Vec<_>>();
    Ok(before.into_iter().chain(versions).chain(changed).chain(after).collect())
}

/// What is said of scripts, by the paths of these.
fn scripts<'a>(
    files: &[&'a File<'a>],
    naming: &Naming,
    notes: &mut Notes,
) -> HashMap<&'a str, (&'a str, Script)> {
    let mut scripts = HashMap::new();
    for file in files {
        let Some(of) = file.path.strip_suffix(".conf") else { continue };
        if naming.stem(base(of)).is_none() {
            continue;
        }
        if files.binary_search_by_key(&of, |file| file.path).is_ok() {
            scripts.insert(of, (file.path, Script::read(file, notes)));
        } else {
            notes.ignore(file.path, "the script of which it says something is not there");
        }
    }
    scripts
}

/// Refuses a migration that is a program.
fn refuse_program(file: &File, naming: &Naming, notes: &mut Notes) {
    let Some(stem) = PROGRAMS.iter().find_map(|ending| base(file.path).strip_suffix(ending)) else {
        return;
    };
    let is_one = naming.read(stem).is_ok_and(|name| !matches!(name.kind, Kind::Callback(_)));
    if is_one && stem.contains(&naming.separator) {
        let message = "a migration that is a program cannot run inside the server";
        let hint = "Write in SQL what it does, and take the file away.";
        notes.refuse(Problem::of(file.path, message, hint));
    }
}

fn put<'a>(place: &mut Option<Source<'a>>, source: Source<'a>, verb: &str, notes: &mut Notes) {
    match place {
        None => *place = Some(source),
        Some(other) => notes.refuse(twice(other, &source, verb)),
    }
}

fn twice(one: &Source, other: &Source, verb: &str) -> Problem {
    let (a, b) = (one.file.path, other.file.path);
    let message = format!("{a} and {b} both {verb} version {}", one.version);
    let hint = "Load only the folders that are meant for this database, or give one of them another version.";
    Problem::of(b, message, hint)
}

/// The newest baseline stands in for what the folders no longer hold, the others for
/// nothing.
fn settle_baselines<'a>(
    pairs: &mut BTreeMap<Key, Pair<'a>>,
    mut baselines: BTreeMap<Key, Source<'a>>,
    notes: &mut Notes,
) {
    let Some((key, newest)) = baselines.pop_last() else { return };
    for older in baselines.values() {
        let why = format!("{} sums up more", newest.file.path);
        notes.ignore(older.file.path, why);
    }
    if pairs.range(..=&key).any(|(_, pair)| pair.up.is_some()) {
        let why = "the versions that it sums up are there, and a new database is built from them";
        notes.ignore(newest.file.path, why);
    } else {
        pairs.entry(key).or_default().up = Some(newest);
    }
}

/// An undo without the version that it takes back is of no use, unless it stands alone:
/// then the version is registered already, or will be.
fn settle_undos(pairs: &mut BTreeMap<Key, Pair>, notes: &mut Notes) {
    if pairs.values().all(|pair| pair.up.is_none()) {
        return;
    }
    for pair in pairs.values_mut().filter(|pair| pair.up.is_none()) {
        if let Some(undo) = pair.down.take() {
            notes.ignore(undo.file.path, "no file applies the version that it undoes");
        }
    }
}

impl Pair<'_> {
    fn found(self, notes: &mut Notes) -> Option<Found> {
        let Pair { up, down } = self;
        if let (Some(up), Some(down)) = (&up, &down)
            && down.in_transaction == Some(false)
            && up.in_transaction != Some(false)
        {
            let message = "executeInTransaction=false is not honoured for an undo alone";
            let hint = "Take it out: statements that no transaction can hold are noticed.";
            notes.refuse(Problem::of(down.config.unwrap_or(down.file.path), message, hint));
        }
        let first = up.as_ref().or(down.as_ref())?;
        let sources = [up.as_ref(), down.as_ref()].into_iter().flatten();
        let paths = sources.clone().map(|source| source.file.path);
        let configs = sources.filter_map(|source| source.config);
        Some(Found {
            version: Some(first.version.clone()),
            name: first.name.trim().to_owned(),
            transactional: first.in_transaction,
            paths: paths.chain(configs).map(str::to_owned).collect(),
            up: up.as_ref().map(|source| room::owned(source.file.text)),
            down: down.as_ref().map(|source| room::owned(source.file.text)),
            ..Found::default()
        })
    }
}

impl Source<'_> {
    fn repeatable(&self, moment: Moment) -> Found {
        Found {
            name: self.name.clone(),
            up: Some(room::owned(self.file.text)),
            transactional: self.in_transaction,
            moment,
            paths: [Some(self.file.path), self.config]
                .into_iter()
                .flatten()
                .map(str::to_owned)
                .collect(),
            ..Found::default()
        }
    }

    fn callback(&self, event: &str, moment: Moment, description: &str) -> Found {
        let name = format!("{event} {description}").trim_end().to_owned();
        Found { name, ..self.repeatable(moment) }
    }
}

#[cfg(test)]
mod tests;

//! Flyway: `V1_2__x.sql` applies a version, `U1_2__x.sql` undoes it, `R__x.sql` is repeatable,
//! `beforeMigrate.sql` and `afterMigrate.sql` run before and after the others, and `V1_2__x.sql.conf`
//! has settings for one script.
//!
//! All folders are locations, which are read as one. A baseline (`B3__x.sql`) replaces versions that
//! are no longer in the folders. If some of them are there, it is ignored, since a new database is
//! built from them.

mod config;
mod keys;
mod naming;
mod script;

use super::name::stem;
use super::path::base;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem};
use crate::domain::moment::Moment;
use crate::domain::room;
use crate::domain::script::prepare::Syntax;
use config::{Config, is_config};
use naming::{Key, Kind, Name, Naming};
use script::{Script, Scripts};
use std::collections::BTreeMap;

/// Flyway.
pub struct Flyway;

impl Importer for Flyway {
    fn name(&self) -> &'static str {
        "flyway"
    }

    fn options(&self) -> &'static [&'static str] {
        &["baseline_prefix", "prefix", "repeatable_prefix", "separator", "suffixes", "undo_prefix"]
    }

    fn reads_beside_sql(&self, base: &str) -> bool {
        is_config(base) || stem(base, ".sql.conf").is_some()
    }

    fn variables(&self) -> Option<Syntax> {
        Some(Syntax::Dollar)
    }

    fn claims(&self, files: &[File]) -> Claim {
        if files.iter().any(|file| is_config(file.path)) {
            return Claim::Sure;
        }
        let is_refinerys = |file: &File| {
            let name = base(file.path);
            name.starts_with(['V', 'U']) && name.ends_with(".rs")
        };
        if files.iter().any(is_refinerys) {
            return Claim::No;
        }
        claim_by_names(files)
    }

    fn read(
        &self,
        files: &[File],
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let config = Config::read(files, options, notes)?;
        let mut files: Vec<&File> = files.iter().filter(|file| !is_config(file.path)).collect();
        files.sort_by_key(|file| file.path);
        for file in config.remove_outside_of_locations(&mut files) {
            notes.unread(file.path, "it is in none of the configured locations");
        }
        let scripts = Scripts::read(&files, &config.naming, notes);
        let mut folder = Folder::default();
        for file in files {
            let Some(stem) = config.naming.stem(base(file.path)) else {
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
            let Some((at, script)) = scripts.of(file, notes) else { continue };
            folder.add(Source::of(file, stem, &name, at, &script, &config), &name, notes);
        }
        Ok(folder.migrations(notes))
    }
}

/// The claim of files without configuration.
fn claim_by_names(files: &[File]) -> Claim {
    let naming = Naming::default();
    let mut claim = Claim::No;
    let (mut applied, mut undone) = (Vec::new(), Vec::new());
    for file in files {
        let Some(stem) = naming.stem(base(file.path)) else { continue };
        let Ok(name) = naming.read(stem) else { continue };
        match name.kind {
            Kind::Callback(_) => claim = claim.max(Claim::Possible),
            _ if !stem.contains(&naming.separator) => {}
            Kind::Undo => undone.push(Key::of(&name.version)),
            Kind::Versioned if super::liquibase::has_header(file.text) => {
                claim = claim.max(Claim::Possible);
            }
            Kind::Versioned => {
                applied.push(Key::of(&name.version));
                claim = Claim::Sure;
            }
            Kind::Repeatable | Kind::Baseline => claim = Claim::Sure,
        }
    }
    applied.sort();
    // refinery uses U for another purpose.
    let is_undo_alone = undone.iter().any(|key| applied.binary_search(key).is_err());
    if is_undo_alone { Claim::Possible } else { claim }
}

/// Refuses a migration that is a program.
fn refuse_program(file: &File, naming: &Naming, notes: &mut Notes) {
    const PROGRAMS: [&str; 10] =
        [".java", ".kt", ".groovy", ".scala", ".class", ".py", ".sh", ".bash", ".ps1", ".bat"];
    let Some(stem) = PROGRAMS.iter().find_map(|ending| base(file.path).strip_suffix(ending)) else {
        return;
    };
    let is_migration = naming.read(stem).is_ok_and(|name| !matches!(name.kind, Kind::Callback(_)));
    if is_migration && stem.contains(&naming.separator) {
        let message = "a migration that is a program cannot run inside the server";
        let hint = "Write in SQL what it does, and remove the file.";
        notes.refuse(Problem::of(file.path, message, hint));
    }
}

/// A file with its name and settings.
struct Source<'a> {
    file: &'a File<'a>,
    version: String,
    name: String,
    in_transaction: Option<bool>,
    /// The file with the settings.
    config: Option<&'a str>,
}

impl<'a> Source<'a> {
    fn of(
        file: &'a File<'a>,
        stem: &str,
        name: &Name,
        config_path: Option<&'a str>,
        script: &Script,
        config: &Config,
    ) -> Source<'a> {
        let description = &name.description;
        let has_description = !description.trim().is_empty();
        Source {
            file,
            version: name.version.clone(),
            name: if has_description { description } else { stem }.to_owned(),
            in_transaction: script.in_transaction.or(config.in_transaction),
            config: config_path,
        }
    }

    fn repeatable(&self, moment: Moment) -> ImportedMigration {
        let paths = [Some(self.file.path), self.config].into_iter().flatten();
        ImportedMigration {
            name: self.name.clone(),
            up: Some(room::owned(self.file.text)),
            transactional: self.in_transaction,
            moment,
            paths: paths.map(str::to_owned).collect(),
            ..ImportedMigration::default()
        }
    }

    fn callback(&self, event: &str, moment: Moment, description: &str) -> ImportedMigration {
        let name = format!("{event} {description}").trim_end().to_owned();
        ImportedMigration { name, ..self.repeatable(moment) }
    }
}

/// The files of a version.
#[derive(Default)]
struct Pair<'a> {
    up: Option<Source<'a>>,
    down: Option<Source<'a>>,
}

impl Pair<'_> {
    fn migration(self, notes: &mut Notes) -> Option<ImportedMigration> {
        let Pair { up, down } = self;
        if let (Some(up), Some(down)) = (&up, &down)
            && down.in_transaction == Some(false)
            && up.in_transaction != Some(false)
        {
            let message = "executeInTransaction=false is not supported for an undo alone";
            let hint = "Remove it: statements that cannot run inside a transaction are detected.";
            notes.refuse(Problem::of(down.config.unwrap_or(down.file.path), message, hint));
        }
        let first = up.as_ref().or(down.as_ref())?;
        let sources = [up.as_ref(), down.as_ref()].into_iter().flatten();
        let paths = sources.clone().map(|source| source.file.path);
        let configs = sources.filter_map(|source| source.config);
        Some(ImportedMigration {
            version: Some(first.version.clone()),
            name: first.name.trim().to_owned(),
            transactional: first.in_transaction,
            paths: paths.chain(configs).map(str::to_owned).collect(),
            up: up.as_ref().map(|source| room::owned(source.file.text)),
            down: down.as_ref().map(|source| room::owned(source.file.text)),
            ..ImportedMigration::default()
        })
    }
}

/// All migrations of the folders.
#[derive(Default)]
struct Folder<'a> {
    pairs: BTreeMap<Key, Pair<'a>>,
    baselines: BTreeMap<Key, Source<'a>>,
    before: Vec<ImportedMigration>,
    repeatable: Vec<ImportedMigration>,
    after: Vec<ImportedMigration>,
}

impl<'a> Folder<'a> {
    fn add(&mut self, source: Source<'a>, name: &Name, notes: &mut Notes) {
        let key = Key::of(&source.version);
        let description = &name.description;
        match name.kind {
            Kind::Versioned => {
                put(&mut self.pairs.entry(key).or_default().up, source, "apply", notes)
            }
            Kind::Undo => put(&mut self.pairs.entry(key).or_default().down, source, "undo", notes),
            Kind::Baseline => match self.baselines.get(&key) {
                None => drop(self.baselines.insert(key, source)),
                Some(other) => notes.refuse(given_twice(other, &source, "replace")),
            },
            Kind::Repeatable => self.repeatable.push(source.repeatable(Moment::Changed)),
            Kind::Callback(event @ "beforeMigrate") => {
                self.before.push(source.callback(event, Moment::BeforeRun, description));
            }
            Kind::Callback(event @ ("afterMigrate" | "afterMigrateApplied")) => {
                self.after.push(source.callback(event, Moment::AfterRun, description));
            }
            Kind::Callback(event) => {
                let message = format!("callback {event} is not supported");
                let hint = "Move what it does to migrations, beforeMigrate.sql or afterMigrate.sql, and remove the file.";
                notes.refuse(Problem::of(source.file.path, message, hint));
            }
        }
    }

    /// The migrations in the order in which Flyway runs them.
    fn migrations(mut self, notes: &mut Notes) -> Vec<ImportedMigration> {
        self.use_newest_baseline(notes);
        self.remove_lone_undos(notes);
        for migrations in [&mut self.before, &mut self.repeatable, &mut self.after] {
            migrations.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let versioned = self.pairs.into_values().filter_map(|pair| pair.migration(notes));
        let all = self.before.into_iter().chain(versioned);
        all.chain(self.repeatable).chain(self.after).collect()
    }

    /// Only the newest baseline is used, and only if no version that it replaces is there.
    fn use_newest_baseline(&mut self, notes: &mut Notes) {
        let Some((key, newest)) = self.baselines.pop_last() else { return };
        for older in self.baselines.values() {
            let why = format!("{} replaces more versions", newest.file.path);
            notes.ignore(older.file.path, why);
        }
        if self.pairs.range(..=&key).any(|(_, pair)| pair.up.is_some()) {
            let why =
                "the versions that it replaces are there, and a new database is built from them";
            notes.ignore(newest.file.path, why);
        } else {
            self.pairs.entry(key).or_default().up = Some(newest);
        }
    }

    /// Ignores each undo without its version, except if there are undos alone: then the versions
    /// are registered already, or will be.
    fn remove_lone_undos(&mut self, notes: &mut Notes) {
        if self.pairs.values().all(|pair| pair.up.is_none()) {
            return;
        }
        for pair in self.pairs.values_mut().filter(|pair| pair.up.is_none()) {
            if let Some(undo) = pair.down.take() {
                notes.ignore(undo.file.path, "no file applies the version that it undoes");
            }
        }
    }
}

fn put<'a>(place: &mut Option<Source<'a>>, source: Source<'a>, verb: &str, notes: &mut Notes) {
    match place {
        None => *place = Some(source),
        Some(other) => notes.refuse(given_twice(other, &source, verb)),
    }
}

fn given_twice(one: &Source, other: &Source, verb: &str) -> Problem {
    let (a, b) = (one.file.path, other.file.path);
    let message = format!("{a} and {b} both {verb} version {}", one.version);
    let hint = "Load only the folders that are meant for this database, or give one of them another version.";
    Problem::of(b, message, hint)
}

#[cfg(test)]
mod tests;

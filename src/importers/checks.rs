//! Checks that do not depend on the tool: which files were read, and what the migrations are.

use super::importer::IGNORE;
use super::name::{is_any_sql, is_migration, is_other_sql, is_sql};
use super::{File, ImportedMigration, Importer, Notes, Part, Problem};
use crate::domain::version::{MAX_LENGTH, Version};
use crate::domain::visible;
use std::collections::{HashMap, HashSet};

/// Notes the files that the importer neither has read nor noted.
pub fn note_rest(
    importer: &dyn Importer,
    files: &[File],
    migrations: &[ImportedMigration],
    notes: &mut Notes,
) {
    let read = migrations.iter().flat_map(|migration| &migration.paths);
    let known: HashSet<&str> = read.chain(notes.paths()).map(String::as_str).collect();
    let is_of_interest = |file: &&File| is_sql(file.path) || is_migration(file.path);
    let rest: Vec<&str> = files
        .iter()
        .filter(is_of_interest)
        .map(|file| file.path)
        .filter(|path| !known.contains(path))
        .collect();
    for path in rest {
        let why = match is_other_sql(path) {
            false => format!("{} does not read files of this name", importer.name()),
            true => "its name does not end in .sql".to_owned(),
        };
        notes.unread(path, why);
    }
}

/// The problem that a file has the name of a migration and is not read.
pub fn unread(path: &str, why: &str) -> Problem {
    let message = format!("it has the name of a migration, but is not read: {why}");
    let pattern = path.replace(',', "?");
    let hint = format!(
        "Rename it, move it away, or leave it out: options => {}.",
        option_literal(IGNORE, &pattern)
    );
    Problem::of(path, message, hint)
}

/// The argument `options` with one option, as a literal for a HINT.
fn option_literal(name: &str, value: &str) -> String {
    let json = serde_json::json!({ name: value }).to_string();
    format!("'{}'", json.replace('\'', "''"))
}

/// Checks that an importer reads most of the SQL. Error: it leaves more files out than it reads,
/// so they probably belong to another tool.
pub fn check_share(
    importer: &dyn Importer,
    files: &[File],
    migrations: &[ImportedMigration],
    notes: &Notes,
) -> Result<(), Problem> {
    let paths: HashSet<&String> =
        migrations.iter().flat_map(|migration| &migration.paths).collect();
    let read = paths.iter().filter(|path| is_any_sql(path)).count();
    let left: Vec<&String> =
        notes.unread.iter().map(|(path, _)| path).filter(|path| is_any_sql(path)).collect();
    // Each of these is reported itself.
    let wrong = notes.problems.iter().filter(|problem| is_any_sql(&problem.path)).count();
    if left.len() <= read + wrong {
        return Ok(());
    }
    let all = files.iter().filter(|file| is_any_sql(file.path)).count();
    const SHOWN: usize = 3;
    let shown: Vec<String> = left.iter().take(SHOWN).map(|path| format!("{path:?}")).collect();
    let message = format!(
        "{} reads {read} of the {all} files of SQL and leaves {} out, such as {}",
        importer.name(),
        left.len(),
        shown.join(", "),
    );
    let hint = format!(
        "Specify the convention, such as convention => 'numbered', load another folder, or leave files out: options => {}.",
        option_literal(IGNORE, "seeds/**, *.bak")
    );
    Err(Problem::of("", message, hint))
}

/// Notes what is wrong with migrations, whichever tool they are from.
pub fn check_migrations(migrations: &[ImportedMigration], notes: &mut Notes) {
    let mut versions = Versions::default();
    let mut repeatables: HashMap<&str, &ImportedMigration> = HashMap::new();
    for migration in migrations {
        if let Some(why) = visible::defect(&migration.name) {
            let message = format!("invalid migration name \"{}\"", migration.name.escape_debug());
            let hint = format!("{why} Rename it: a line that says what it does.");
            notes.refuse(Problem::of(migration.path(), message, hint));
        }
        let problem = match &migration.version {
            Some(version) => versions.add(version, migration),
            None => {
                // The name is a key of an index.
                if migration.name.len() > MAX_LENGTH {
                    let message = format!("its name is longer than {MAX_LENGTH} bytes");
                    notes.refuse(Problem::of(migration.path(), message, "Give it a shorter one."));
                }
                let other = repeatables.insert(&migration.name, migration);
                let what = || format!("are named {}", migration.name);
                other.map(|other| same_part(other, migration, &what()))
            }
        };
        problem.into_iter().for_each(|problem| notes.refuse(problem));
    }
}

/// The migrations that hold a part of a version.
#[derive(Default)]
struct Versions<'a> {
    parts: HashMap<(Vec<u8>, Part), &'a ImportedMigration>,
}

impl<'a> Versions<'a> {
    /// Adds a migration. Returns the problem if the version is invalid, or another one has the
    /// same part.
    fn add(&mut self, text: &str, migration: &'a ImportedMigration) -> Option<Problem> {
        let version = match Version::parse(text) {
            Ok(version) => version,
            Err(why) => {
                let message = format!("invalid version \"{}\"", text.escape_debug());
                let hint = format!("Rename it. {why}");
                return Some(Problem::of(migration.path(), message, hint));
            }
        };
        for (part, given) in [(Part::Up, &migration.up), (Part::Down, &migration.down)] {
            if given.is_none() {
                continue;
            }
            if let Some(other) = self.parts.insert((version.key().to_vec(), part), migration) {
                let shorter = shorter_version(other, migration);
                let what = format!("hold the {} of version {shorter}", part.word());
                return Some(same_part(other, migration, &what));
            }
        }
        None
    }
}

fn same_part(one: &ImportedMigration, other: &ImportedMigration, what: &str) -> Problem {
    let mut paths = [one.path(), other.path()];
    paths.sort();
    let [a, b] = paths;
    let message = format!("{a} and {b} hold the same part of one migration: both {what}");
    Problem::of(other.path(), message, "Give one of them another version or name.")
}

/// The shorter one of two ways to write a version.
fn shorter_version<'a>(one: &'a ImportedMigration, other: &'a ImportedMigration) -> &'a str {
    let text = |migration: &'a ImportedMigration| migration.version.as_deref().unwrap_or_default();
    let (a, b) = (text(one), text(other));
    if b.len() < a.len() { b } else { a }
}

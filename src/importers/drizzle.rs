//! Drizzle: `0000_name.sql` in the order of `meta/_journal.json`, with `--> statement-breakpoint`
//! between statements.

use super::name::begins_with_digit;
use super::path::{base, split};
use super::prisma::Prisma;
use super::section::contains;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};
use crate::domain::{halt, room};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

const JOURNAL: &str = "meta/_journal.json";
const BREAKPOINT: &str = "--> statement-breakpoint";
const RESTORE: &str = "Generate it again with drizzle-kit, or restore it.";

/// Drizzle.
pub struct Drizzle;

impl Importer for Drizzle {
    fn name(&self) -> &'static str {
        "drizzle"
    }

    fn reads_beside_sql(&self, base: &str) -> bool {
        base == "_journal.json"
    }

    /// There must be the journal, or a breakpoint.
    fn claims(&self, files: &[File]) -> Claim {
        let has_breakpoint =
            |file: &File| file.path.ends_with(".sql") && contains(file.text, BREAKPOINT);
        Claim::sure_if(journal(files).is_some() || files.iter().any(has_breakpoint))
    }

    /// Newer releases have no journal, but a folder with `migration.sql` for each migration, as
    /// Prisma has. If there is neither, the order is that of the names.
    fn read(
        &self,
        files: &[File],
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let mut migrations = match journal(files) {
            Some(journal) => by_journal(files, journal, notes)?,
            None if Prisma.claims(files) == Claim::Sure => {
                return Prisma.read(files, options, notes);
            }
            None => by_name(files, notes)?,
        };
        for migration in &mut migrations {
            migration.up = migration.up.as_deref().map(end_statements);
        }
        folder::make_unique(&mut migrations);
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

fn journal<'a, 'b>(files: &'b [File<'a>]) -> Option<&'b File<'a>> {
    let is_journal =
        |file: &&File| file.path == JOURNAL || file.path.ends_with("/meta/_journal.json");
    files.iter().filter(is_journal).min_by_key(|file| file.path.len())
}

fn by_name(files: &[File], notes: &mut Notes) -> Result<Vec<ImportedMigration>, Problem> {
    let is_own = |base: &str| base.ends_with(".sql") && begins_with_digit(base);
    let mut own = folder::single_folder(files, "Drizzle", notes, is_own)?;
    own.sort_by_key(|(_, base)| *base);
    let migration = |(file, base): (File, &str)| {
        ImportedMigration::with_name(base.trim_end_matches(".sql"), &file)
    };
    Ok(own.into_iter().map(migration).collect())
}

/// The fields of the journal that are used.
#[derive(Deserialize)]
struct Journal {
    dialect: Option<String>,
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    tag: Option<String>,
}

fn by_journal(
    files: &[File],
    journal: &File,
    notes: &mut Notes,
) -> Result<Vec<ImportedMigration>, Problem> {
    let folder = journal.path.strip_suffix(JOURNAL).unwrap_or_default();
    let by_path: HashMap<&str, &File> = files.iter().map(|file| (file.path, file)).collect();
    let mut migrations: Vec<ImportedMigration> = Vec::new();
    for tag in tags(journal)? {
        let path = format!("{folder}{tag}.sql");
        match by_path.get(path.as_str()) {
            Some(file) => migrations.push(ImportedMigration::with_name(base(&tag), file)),
            None => notes.refuse(Problem::of(
                &path,
                "the file is in the journal, but not in the folder",
                format!("Restore it, or remove it from {}.", journal.path),
            )),
        }
    }
    let read = migrations.iter().flat_map(|migration| &migration.paths);
    let read: HashSet<&str> = read.map(String::as_str).collect();
    for file in files.iter().filter(|file| file.path.ends_with(".sql")) {
        if split(file.path).0 == folder.trim_end_matches('/') && !read.contains(file.path) {
            notes.unread(file.path, format!("it is not in {}", journal.path));
        }
    }
    Ok(migrations)
}

/// The tags of the entries in the journal. Errors: it is not a journal of PostgreSQL migrations.
fn tags(journal: &File) -> Result<Vec<String>, Problem> {
    let wrong = |message: &str| Err(Problem::of(journal.path, message, RESTORE));
    // Parsed, it takes no more.
    room::ensure(32 * journal.text.len());
    let read: Journal = match serde_json::from_str(journal.text) {
        Ok(read) => read,
        Err(why) => {
            let message = format!("the journal is not JSON as Drizzle writes it: {why}");
            return Err(Problem::at(journal.path, why.line(), message, RESTORE));
        }
    };
    let dialect = read.dialect.as_deref().unwrap_or("postgresql");
    if !["postgresql", "pg"].contains(&dialect) {
        return wrong(&format!("the migrations are for {}", dialect.escape_debug()));
    }
    let Some(entries) = read.entries else {
        return wrong("the journal has no entries");
    };
    let tags: Option<Vec<String>> = entries.into_iter().map(|entry| entry.tag).collect();
    match tags {
        Some(tags) => Ok(tags),
        None => wrong("an entry of the journal has no tag"),
    }
}

/// Ends the statement before each breakpoint by a semicolon if it has none.
fn end_statements(text: &str) -> String {
    let mut ended = String::new();
    let finder = memchr::memmem::Finder::new(BREAKPOINT);
    let find = |part: &[u8]| finder.find(part);
    let mut from = 0;
    while let Some(at) = halt::search(text.as_bytes(), from, BREAKPOINT.len(), find) {
        room::push_str(&mut ended, &text[from..at]);
        if !ended.trim_end().ends_with(';') {
            room::push_str(&mut ended, ";");
        }
        room::push_str(&mut ended, BREAKPOINT);
        from = at + BREAKPOINT.len();
    }
    room::push_str(&mut ended, &text[from..]);
    ended
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};

    const JSON: &str = r#"{"version":"7","dialect":"postgresql","entries":[
        {"idx":0,"when":1,"tag":"0000_lucky_hulk","breakpoints":true},
        {"idx":1,"when":2,"tag":"0002_b"},{"idx":2,"when":3,"tag":"0001_a"},{"idx":3,"tag":"0002_c"}]}"#;

    #[test]
    fn follows_the_journal() {
        let all = [
            (
                "drizzle/0000_lucky_hulk.sql",
                "CREATE TABLE a ()\n--> statement-breakpoint\nSELECT 1;--> statement-breakpoint\nSELECT 2",
            ),
            ("drizzle/0001_a.sql", ""),
            ("drizzle/0002_b.sql", ""),
            ("drizzle/0002_c.sql", ""),
            ("drizzle/0003_left.sql", ""),
            ("drizzle/meta/_journal.json", JSON),
        ];
        let set = read_as("drizzle", &all);
        assert_eq!(
            summary(&set),
            ["0000 lucky_hulk up", "0002 b up", "0001 a up requires:0002", "0002_c c up"]
        );
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some(
                "CREATE TABLE a ()\n;--> statement-breakpoint\nSELECT 1;--> statement-breakpoint\nSELECT 2"
            )
        );
        let problem = &set.problems[0];
        assert_eq!(problem.path, "drizzle/0003_left.sql");
        assert!(problem.message.ends_with("it is not in drizzle/meta/_journal.json"));
        assert_eq!(detected(&all), "drizzle");
    }

    #[test]
    fn refuses_a_journal_that_does_not_fit() {
        for (json, message) in [
            ("{", "the journal is not JSON"),
            ("{}", "no entries"),
            (r#"{"dialect":"sqlite","entries":[]}"#, "for sqlite"),
            (r#"{"entries":[{"tag":"0000_x"}]}"#, "not in the folder"),
            (r#"{"entries":[{}]}"#, "no tag"),
        ] {
            let set = read_as("drizzle", &[("meta/_journal.json", json)]);
            assert!(set.problems[0].message.contains(message), "{json}: {:?}", set.problems);
        }
    }

    #[test]
    fn reads_folders_of_newer_releases() {
        let all =
            [("20240131120000_a/migration.sql", "SELECT 1;\n--> statement-breakpoint\nSELECT 2;")];
        assert_eq!(summary(&read_as("drizzle", &all)), ["20240131120000 a up"]);
        assert_eq!(detected(&all), "prisma");
    }
}

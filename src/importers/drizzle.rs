//! Drizzle: `0000_name.sql` in the order of `meta/_journal.json`, with
//! `--> statement-breakpoint` between statements.

use super::name::split;
use super::section::holds;
use super::{Claim, File, Found, Notes, Options, Problem, folder, prisma};
use crate::domain::{halt, room};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

const JOURNAL: &str = "meta/_journal.json";
const BREAKPOINT: &str = "--> statement-breakpoint";

/// What is read of the journal.
#[derive(Deserialize)]
struct Journal {
    dialect: Option<String>,
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    tag: Option<String>,
}

fn journal<'a, 'b>(files: &'b [File<'a>]) -> Option<&'b File<'a>> {
    let is_journal =
        |file: &&File| file.path == JOURNAL || file.path.ends_with("/meta/_journal.json");
    files.iter().filter(is_journal).min_by_key(|file| file.path.len())
}

/// Whether files are its own: the journal is there, or a breakpoint.
pub fn claims(files: &[File]) -> Claim {
    let marked = |file: &File| file.path.ends_with(".sql") && holds(file.text, BREAKPOINT);
    if journal(files).is_some() || files.iter().any(marked) { Claim::Sure } else { Claim::No }
}

/// Reads them. Without the journal, a migration of a newer release is a folder with
/// `migration.sql`; else they are in the order of their names.
pub fn read(files: &[File], options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut found = match journal(files) {
        Some(journal) => by_journal(files, journal, notes)?,
        None if prisma::claims(files) == Claim::Sure => return prisma::read(files, options, notes),
        None => {
            let is_own = |base: &str| {
                base.ends_with(".sql") && base.starts_with(|c: char| c.is_ascii_digit())
            };
            let mut own = folder::flat(files, "Drizzle", notes, is_own)?;
            own.sort_by_key(|(_, base)| *base);
            own.into_iter()
                .map(|(file, base)| prisma::migration(base.trim_end_matches(".sql"), &file))
                .collect()
        }
    };
    for migration in &mut found {
        migration.up = migration.up.as_deref().map(end_statements);
    }
    folder::set_apart(&mut found);
    folder::keep_order(&mut found);
    Ok(found)
}

fn by_journal(files: &[File], journal: &File, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let wrong = |message: &str| {
        Err(Problem::of(
            journal.path,
            message,
            "Have drizzle-kit generate it again, or restore it.",
        ))
    };
    // What is read of it takes no more.
    room::ensure(32 * journal.text.len());
    let read: Journal = match serde_json::from_str(journal.text) {
        Ok(read) => read,
        Err(why) => {
            let message = format!("the journal is not JSON as Drizzle writes it: {why}");
            let hint = "Have drizzle-kit generate it again, or restore it.";
            return Err(Problem::at(journal.path, why.line(), message, hint));
        }
    };
    let dialect = read.dialect.as_deref().unwrap_or("postgresql");
    if !["postgresql", "pg"].contains(&dialect) {
        return wrong(&format!("the migrations are for {}", dialect.escape_debug()));
    }
    let Some(entries) = read.entries else {
        return wrong("the journal has no entries");
    };
    let folder = journal.path.strip_suffix(JOURNAL).unwrap_or_default();
    let by_path: HashMap<&str, &File> = files.iter().map(|file| (file.path, file)).collect();
    let mut found: Vec<Found> = Vec::new();
    for entry in entries {
        let Some(tag) = entry.tag.as_deref() else {
            return wrong("an entry of the journal has no tag");
        };
        let path = format!("{folder}{tag}.sql");
        match by_path.get(path.as_str()) {
            Some(file) => found.push(prisma::migration(split(tag).1, file)),
            None => notes.refuse(Problem::of(
                &path,
                "the journal has this file, which is not there",
                format!("Restore it, or take it out of {}.", journal.path),
            )),
        }
    }
    let known: HashSet<&str> = found.iter().flat_map(|f| &f.paths).map(String::as_str).collect();
    for file in files.iter().filter(|file| file.path.ends_with(".sql")) {
        if split(file.path).0 == folder.trim_end_matches('/') && !known.contains(file.path) {
            notes.unread(file.path, format!("it is not in {}", journal.path));
        }
    }
    Ok(found)
}

/// A breakpoint ends a statement, which may lack its semicolon.
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
    use super::super::Convention;
    use super::super::testing::{detected, read_as, said};

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
        let set = read_as(Convention::Drizzle, &all);
        assert_eq!(
            said(&set),
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
            (r#"{"entries":[{"tag":"0000_x"}]}"#, "not there"),
            (r#"{"entries":[{}]}"#, "no tag"),
        ] {
            let set = read_as(Convention::Drizzle, &[("meta/_journal.json", json)]);
            assert!(set.problems[0].message.contains(message), "{json}: {:?}", set.problems);
        }
    }

    #[test]
    fn reads_folders_of_newer_releases() {
        let all =
            [("20240131120000_a/migration.sql", "SELECT 1;\n--> statement-breakpoint\nSELECT 2;")];
        assert_eq!(said(&read_as(Convention::Drizzle, &all)), ["20240131120000 a up"]);
        assert_eq!(detected(&all), "prisma");
    }
}

//! Whose files a folder holds, and what is asked of the files of all tools.

use super::glob::Patterns;
use super::limits::{check_options, check_paths, check_sizes};
use super::name::{is_any_sql, is_migration, is_other_sql, is_sql, split};
use super::{Claim, Convention, File, Found, Notes, Options, Part, Problem, Set};
use crate::domain::version::{MAX_LENGTH, Version};
use crate::domain::visible;
use std::collections::{HashMap, HashSet};

/// The option that all conventions have: patterns of files that are left out.
const IGNORE: &str = "ignore";

/// Reads files: those of the convention, or if none is given, of the one that they show.
/// Errors: they show none, or several that read them differently; an option isn't one of
/// the convention's; and what the convention can't go on after. What else is wrong stands
/// in the set.
pub fn read(
    files: &[File],
    convention: Option<Convention>,
    options: &Options,
) -> Result<Set, Problem> {
    check_paths(files.iter().map(|file| file.path))?;
    check_options(options)?;
    let paths: Vec<String> = files.iter().map(|file| normal(file.path)).collect();
    let files: Vec<File> = files
        .iter()
        .zip(&paths)
        .map(|(file, path)| File {
            path,
            text: file.text.strip_prefix('\u{feff}').unwrap_or(file.text),
        })
        .collect();
    let mut seen = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(file.path)) {
        return Err(Problem::of(twice.path, "the file is given twice", "Leave one of them out."));
    }
    let patterns = ignored_by(options)?;
    let (left_out, files): (Vec<File>, Vec<File>) =
        files.into_iter().partition(|file| patterns.cover(file.path));
    check_sizes(&files)?;
    let reading = match convention {
        Some(convention) => Reading::of(convention, &files, options)?,
        None => detect(&files, options)?,
    };
    let Reading { convention, migrations, mut notes } = reading;
    defects(&migrations).into_iter().for_each(|problem| notes.refuse(problem));
    note_rest(convention, &files, &migrations, &mut notes);
    if files.len() > 1 {
        check_counts(convention, &files, &migrations, &notes)?;
    }
    for (path, why) in std::mem::take(&mut notes.unread) {
        match is_migration(&path) {
            true => notes.refuse(unread(&path, &why)),
            false => notes.ignore(&path, why),
        }
    }
    for file in left_out.iter().filter(|file| is_sql(file.path) || is_migration(file.path)) {
        notes.ignore(file.path, "the option ignore covers it");
    }
    let Notes { ignored, problems, .. } = notes;
    Ok(Set { convention, migrations, ignored, problems })
}

/// Whether the option `ignore` covers the file of a path. Error: it isn't one of patterns.
pub fn is_ignored(options: &Options, path: &str) -> Result<bool, Problem> {
    Ok(ignored_by(options)?.cover(&normal(path)))
}

fn ignored_by(options: &Options) -> Result<Patterns, Problem> {
    let hint = "Give them with commas between, such as seeds/**,*.bak.";
    Patterns::read(options.get(IGNORE).unwrap_or_default())
        .map_err(|message| Problem::of("", message, hint))
}

/// Notes the files of which the convention has said nothing.
fn note_rest(convention: Convention, files: &[File], migrations: &[Found], notes: &mut Notes) {
    let known: HashSet<&str> = migrations
        .iter()
        .flat_map(|found| &found.paths)
        .chain(notes.ignored.iter().map(|(path, _)| path))
        .chain(notes.unread.iter().map(|(path, _)| path))
        .chain(notes.problems.iter().map(|problem| &problem.path))
        .map(String::as_str)
        .collect();
    let is_of_interest = |file: &&File| is_sql(file.path) || is_migration(file.path);
    let rest: Vec<&str> = files
        .iter()
        .filter(is_of_interest)
        .map(|file| file.path)
        .filter(|path| !known.contains(path))
        .collect();
    for path in rest {
        let why = match is_other_sql(path) {
            false => format!("{} does not read files of this name", convention.name()),
            true => "its name does not end in .sql".to_owned(),
        };
        notes.unread(path, why);
    }
}

/// That a file has the name of a migration and isn't read.
fn unread(path: &str, why: &str) -> Problem {
    let message = format!("it has the name of a migration, but is not read: {why}");
    let pattern = path.replace(',', "?");
    let hint = format!(
        "Rename it, move it away, or leave it out: options => {}.",
        literal_json(IGNORE, &pattern)
    );
    Problem::of(path, message, hint)
}

/// An option as it is given, for a HINT.
fn literal_json(name: &str, value: &str) -> String {
    let json = serde_json::json!({ name: value }).to_string();
    format!("'{}'", json.replace('\'', "''"))
}

/// That a convention reads most of the SQL. Error: it leaves more than it reads, so the files
/// are rather another tool's.
fn check_counts(
    convention: Convention,
    files: &[File],
    migrations: &[Found],
    notes: &Notes,
) -> Result<(), Problem> {
    let paths: HashSet<&String> = migrations.iter().flat_map(|found| &found.paths).collect();
    let read = paths.iter().filter(|path| is_any_sql(path)).count();
    let left: Vec<&String> =
        notes.unread.iter().map(|(path, _)| path).filter(|path| is_any_sql(path)).collect();
    // What is wrong with these is said of each.
    let wrong = notes.problems.iter().filter(|problem| is_any_sql(&problem.path)).count();
    if left.len() <= read + wrong {
        return Ok(());
    }
    let all = files.iter().filter(|file| is_any_sql(file.path)).count();
    const SHOWN: usize = 3;
    let shown: Vec<String> = left.iter().take(SHOWN).map(|path| format!("{path:?}")).collect();
    let message = format!(
        "{} reads {read} of the {all} files of SQL and leaves {} out, such as {}",
        convention.name(),
        left.len(),
        shown.join(", "),
    );
    let hint = format!(
        "Say whose files they are, such as convention => 'numbered', load another folder, or leave files out: options => {}.",
        literal_json(IGNORE, "seeds/**, *.bak")
    );
    Err(Problem::of("", message, hint))
}

/// A path as conventions see it, with `/` between its parts.
fn normal(path: &str) -> String {
    let path = if path.contains('/') { path.to_owned() } else { path.replace('\\', "/") };
    path.trim_start_matches("./").to_owned()
}

struct Reading {
    convention: Convention,
    migrations: Vec<Found>,
    notes: Notes,
}

impl Reading {
    fn of(convention: Convention, files: &[File], options: &Options) -> Result<Reading, Problem> {
        let known = convention.options();
        let is_known = |name: &&str| *name == IGNORE || known.contains(name);
        if let Some(unknown) = options.names().find(|name| !is_known(name)) {
            let hint = format!("It has these: {}.", [&[IGNORE][..], known].concat().join(", "));
            let message = format!("{} has no option \"{unknown}\"", convention.name());
            return Err(Problem::of("", message, hint));
        }
        let mut notes = Notes::default();
        let migrations = convention.migrations(files, options, &mut notes)?;
        Ok(Reading { convention, migrations, notes })
    }
}

/// Reads files by the convention that they show. Those that claim them with the same
/// certainty may all be right: where they read the same, it makes no difference whose
/// they are.
fn detect(files: &[File], options: &Options) -> Result<Reading, Problem> {
    let claims: Vec<(Convention, Claim)> = Convention::ALL
        .into_iter()
        .map(|convention| (convention, convention.claims(files)))
        .collect();
    let best = claims.iter().map(|(_, claim)| *claim).max().unwrap_or(Claim::No);
    if best == Claim::No {
        return Err(unknown(files));
    }
    let candidates: Vec<Convention> = claims
        .into_iter()
        .filter(|(_, claim)| *claim == best)
        .map(|(convention, _)| convention)
        .collect();
    if let [only] = candidates[..] {
        return Reading::of(only, files, options);
    }
    let mut first: Option<Reading> = None;
    let mut failed = None;
    for convention in candidates.iter().copied() {
        match Reading::of(convention, files, options) {
            Err(problem) => failed = failed.or(Some(problem)),
            Ok(reading) => match &first {
                None => first = Some(reading),
                Some(first) if first.migrations == reading.migrations => {}
                Some(_) => return Err(ambiguous(&candidates)),
            },
        }
    }
    match (first, failed) {
        (Some(reading), None) => Ok(reading),
        (None, Some(problem)) => Err(problem),
        _ => Err(ambiguous(&candidates)),
    }
}

fn ambiguous(candidates: &[Convention]) -> Problem {
    let names: Vec<&str> = candidates.iter().map(|convention| convention.name()).collect();
    let hints: Vec<String> = names.iter().map(|name| format!("convention => '{name}'")).collect();
    Problem::of(
        "",
        format!("the files could be those of {}", names.join(" or ")),
        format!("Say which: {}.", hints.join(" or ")),
    )
}

fn unknown(files: &[File]) -> Problem {
    let file = files.iter().find(|file| is_sql(file.path)).or(files.first());
    unknown_name(file.map_or("", |file| file.path))
}

/// That a file's name tells nothing.
pub fn unknown_name(path: &str) -> Problem {
    let base = split(path).1;
    Problem::of(
        path,
        format!("file name \"{}\" is not that of a migration", base.escape_debug()),
        "Name it NNN_name.sql, where NNN are digits, move it away, or say whose files they are, such as convention => 'flyway'.",
    )
}

/// What would be wrong with migrations of any convention.
fn defects(migrations: &[Found]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut parts: HashMap<(Vec<u8>, Part), &Found> = HashMap::new();
    let mut repeatables: HashMap<&str, &Found> = HashMap::new();
    for found in migrations {
        let path = found.paths.first().map_or("", String::as_str);
        if let Some(why) = visible::defect(&found.name) {
            let message = format!("invalid migration name \"{}\"", found.name.escape_debug());
            let hint = format!("{why} Rename it: a line that says what it does.");
            problems.push(Problem::of(path, message, hint));
        }
        let Some(text) = &found.version else {
            // It is a key of an index.
            if found.name.len() > MAX_LENGTH {
                let message = format!("its name is longer than {MAX_LENGTH} bytes");
                problems.push(Problem::of(path, message, "Give it a shorter one."));
            }
            if let Some(other) = repeatables.insert(&found.name, found) {
                problems.push(same(other, found, &format!("are named {}", found.name)));
            }
            continue;
        };
        let version = match Version::parse(text) {
            Ok(version) => version,
            Err(why) => {
                let message = format!("invalid version \"{}\"", text.escape_debug());
                problems.push(Problem::of(path, message, format!("Rename it. {why}")));
                continue;
            }
        };
        for (part, given) in [(Part::Up, &found.up), (Part::Down, &found.down)] {
            if given.is_none() {
                continue;
            }
            if let Some(other) = parts.insert((version.key().to_vec(), part), found) {
                let what = format!("hold the {} of version {}", part.word(), other.shorter(found));
                problems.push(same(other, found, &what));
                break;
            }
        }
    }
    problems
}

fn same(one: &Found, other: &Found, what: &str) -> Problem {
    let path = |found: &Found| found.paths.first().cloned().unwrap_or_default();
    let mut paths = [path(one), path(other)];
    paths.sort();
    let [a, b] = paths;
    let message = format!("{a} and {b} hold the same part of one migration: both {what}");
    Problem::of(&path(other), message, "Give one of them another version or name.")
}

impl Found {
    /// The shorter of two ways of writing one version.
    fn shorter<'a>(&'a self, other: &'a Found) -> &'a str {
        let text = |found: &'a Found| found.version.as_deref().unwrap_or_default();
        let (a, b) = (text(self), text(other));
        if b.len() < a.len() { b } else { a }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, files, read_as};
    use super::*;

    const GOOSE: &str = "-- +goose Up\nSELECT 1;";
    const DBMATE: &str = "-- migrate:up\nSELECT 1;";

    #[test]
    fn shared_names_are_not_ambiguous() {
        assert_eq!(detected(&[("1_a.sql", "SELECT 1")]), "numbered");
        assert_eq!(detected(&[("1_a.up.sql", ""), ("1_a.down.sql", "")]), "golang-migrate");
        assert_eq!(detected(&[("1_a.up.sql", ""), ("2_a.sql", "")]), "numbered");
        assert_eq!(detected(&[("1_a.sql", GOOSE), ("2_b.sql", "")]), "goose");
        assert_eq!(detected(&[("1_a.up.sql", "-- no-transaction"), ("2_b.up.sql", "")]), "sqlx");
    }

    #[test]
    fn what_is_ambiguous_is_a_problem() {
        let all = files(&[("1_a.sql", GOOSE), ("2_a.sql", DBMATE)]);
        let Err(problem) = read(&all, None, &Options::default()) else {
            unreachable!("it was read");
        };
        assert_eq!(problem.message, "the files could be those of dbmate or goose");
        assert_eq!(problem.hint, "Say which: convention => 'dbmate' or convention => 'goose'.");
        assert!(read(&all, Some(Convention::Goose), &Options::default()).is_ok());
    }

    fn with(ignore: &str) -> Options {
        [("ignore".to_owned(), ignore.to_owned())].into_iter().collect()
    }

    #[test]
    fn what_has_the_name_of_a_migration_is_read_or_a_problem() {
        for (convention, text) in [
            (Convention::GolangMigrate, ""),
            (Convention::Numbered, ""),
            (Convention::Dbmate, DBMATE),
            (Convention::Goose, GOOSE),
            (Convention::Sqlx, ""),
            (Convention::NodePgMigrate, ""),
            (Convention::Drizzle, ""),
        ] {
            for name in [
                "2_b.up.psql",
                "2_b.ddl",
                "2_b.sql.bak",
                "2_b.sql.gz",
                "2_b.txt",
                "2_b.rb",
                "2_b",
                "x.pgsql",
                "x.dml",
                "x.down.pg",
                "V2__b.psql",
                "R__b.pg",
                "old/0_a.sql",
                "old/0_a.ddl",
            ] {
                let all = files(&[("m/1_a.up.sql", text), ("m/3_c.up.sql", text)]);
                let path = format!("m/{name}");
                let all = [&all[..], &[File { path: &path, text: "SELECT 1" }]].concat();
                let problems = read(&all, Some(convention), &Options::default())
                    .map_or_else(|problem| vec![problem], |set| set.problems);
                let paths: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
                assert_eq!(paths, [path.as_str()], "{convention:?}: {problems:?}");
                let ignore = with(&format!("{}*", &path[..path.len() - 2]));
                let set = read(&all, Some(convention), &ignore);
                let problems = set.map(|set| set.problems);
                assert_eq!(problems, Ok(Vec::new()), "{convention:?} and {path}");
            }
        }
    }

    #[test]
    fn what_others_may_have_beside_is_none() {
        let all = [
            ("1_a.up.sql", ""),
            ("seed.sql", ""),
            ("README.md", ""),
            ("001_notes.md", ""),
            ("meta/0000_snapshot.json", ""),
            ("1_a_test.go", ""),
        ];
        let set = read_as(Convention::GolangMigrate, &all);
        assert_eq!(set.problems, []);
        let paths: Vec<&str> = set.ignored.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["seed.sql"]);
    }

    #[test]
    fn a_convention_reads_most_of_the_files() {
        let names: Vec<String> = (0..609).map(|n| format!("db/{n:04}_x.sql")).collect();
        let views: Vec<String> = (0..7).map(|n| format!("R__v{n}.sql")).collect();
        let all: Vec<File> =
            names.iter().chain(&views).map(|path| File { path, text: "" }).collect();
        for convention in [None, Some(Convention::Flyway)] {
            let Err(problem) = read(&all, convention, &Options::default()) else {
                unreachable!("it was read");
            };
            assert_eq!(
                problem.message,
                "flyway reads 7 of the 616 files of SQL and leaves 609 out, such as \"db/0000_x.sql\", \"db/0001_x.sql\", \"db/0002_x.sql\""
            );
        }
        let set = read(&all, None, &with("db/**"));
        assert_eq!(set.map(|set| (set.migrations.len(), set.ignored.len())), Ok((7, 609)));
        let set = read(&all, None, &with("R__*.sql"));
        assert_eq!(set.map(|set| set.migrations.len()), Ok(609));
    }

    #[test]
    fn knows_when_it_knows_nothing() {
        assert_eq!(
            detected(&[("README.md", ""), ("db/init.sql", "")]),
            "file name \"init.sql\" is not that of a migration"
        );
        assert_eq!(detected(&[]), "file name \"\" is not that of a migration");
    }

    #[test]
    fn options_are_checked() {
        let options: Options = [("prefix".to_owned(), "V".to_owned())].into_iter().collect();
        let Err(problem) = read(&files(&[("1_a.sql", GOOSE)]), None, &options) else {
            unreachable!("it was read");
        };
        assert_eq!(problem.message, "goose has no option \"prefix\"");
    }

    #[test]
    fn what_no_tool_may_have_is_refused() {
        let long = format!("{}_a.sql", "1".repeat(201));
        let set = read_as(
            Convention::Numbered,
            &[("1_two\nlines.sql", ""), (&long, ""), ("C:\\app\\3_c.sql", ""), ("./4_d.sql", "")],
        );
        assert_eq!(set.migrations.len(), 3, "{:?}", set.migrations);
        let messages: Vec<_> = set.problems.iter().map(|p| p.message.as_str()).collect();
        assert!(messages[0].starts_with("invalid migration name"), "{messages:?}");
    }
}

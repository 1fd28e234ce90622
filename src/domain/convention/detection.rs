//! Whose files a folder holds, and what is asked of the files of all tools.

use super::super::version::{MAX_LENGTH, Version};
use super::super::visible;
use super::limits::{check_options, check_paths, check_sizes};
use super::name::{is_other_sql, is_sql, split};
use super::{Claim, Convention, File, Found, Notes, Options, Part, Problem, Set};
use std::collections::{HashMap, HashSet};

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
    check_sizes(&files)?;
    let reading = match convention {
        Some(convention) => Reading::of(convention, &files, options)?,
        None => detect(&files, options)?,
    };
    let Reading { convention, migrations, mut notes } = reading;
    defects(&migrations).into_iter().for_each(|problem| notes.refuse(problem));
    let Notes { mut passed_over, problems } = notes;
    let known: HashSet<&str> = migrations
        .iter()
        .flat_map(|found| &found.paths)
        .chain(passed_over.iter().map(|(path, _)| path))
        .chain(problems.iter().map(|problem| &problem.path))
        .map(String::as_str)
        .collect();
    let rest: Vec<(String, String)> = files
        .iter()
        .filter(|file| is_sql(file.path) || is_other_sql(file.path))
        .filter(|file| !known.contains(file.path))
        .map(|file| {
            let why = match is_sql(file.path) {
                true => format!("{} does not read files of this name", convention.name()),
                false => "its name does not end in .sql".to_owned(),
            };
            (file.path.to_owned(), why)
        })
        .collect();
    passed_over.extend(rest);
    Ok(Set { convention, migrations, passed_over, problems })
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
        if let Some(unknown) = options.names().find(|name| !known.contains(name)) {
            let hint = if known.is_empty() {
                "Leave it out: it has none.".to_owned()
            } else {
                format!("It has these: {}.", known.join(", "))
            };
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

//! Whose files a folder holds, and what is asked of the files of all tools.

use super::super::version::Version;
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
    let reading = match convention {
        Some(convention) => Reading::of(convention, &files, options)?,
        None => detect(&files, options)?,
    };
    let Reading { convention, migrations, notes } = reading;
    let Notes { mut passed_over, mut problems } = notes;
    problems.extend(defects(&migrations));
    let known: HashSet<&str> = migrations
        .iter()
        .flat_map(|found| &found.paths)
        .chain(passed_over.iter().map(|(path, _)| path))
        .chain(problems.iter().map(|problem| &problem.path))
        .map(String::as_str)
        .collect();
    let rest: Vec<(String, String)> = files
        .iter()
        .filter(|file| !known.contains(file.path))
        .map(|file| {
            let why = match convention {
                Convention::Numbered => "it is not named as a migration is".to_owned(),
                _ => format!("{} does not read files of this name", convention.name()),
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
    // An option says whose they are, too.
    let knows =
        |convention: &Convention| options.names().all(|name| convention.options().contains(&name));
    let mut first: Option<Reading> = None;
    for convention in candidates.iter().copied().filter(knows) {
        let reading = Reading::of(convention, files, options)?;
        match &first {
            None => first = Some(reading),
            Some(first) if first.migrations == reading.migrations => {}
            Some(_) => {
                let names: Vec<&str> = candidates.iter().map(|c| c.name()).collect();
                let message = format!("the files could be those of {}", names.join(" or "));
                let hint = format!("Say which: convention => '{}', for example.", names[0]);
                return Err(Problem::of("", message, hint));
            }
        }
    }
    match first {
        Some(reading) => Ok(reading),
        None => Reading::of(candidates[0], files, options),
    }
}

fn unknown(files: &[File]) -> Problem {
    let file = files.iter().find(|file| file.path.ends_with(".sql")).or(files.first());
    let path = file.map_or("", |file| file.path);
    let base = path.rsplit('/').next().unwrap_or(path);
    Problem::of(
        path,
        format!("file name \"{}\" is not that of a migration", base.escape_debug()),
        "Name it NNN_name.sql, where NNN are digits, or say whose files they are, such as convention => 'flyway'.",
    )
}

/// What would be wrong with migrations of any convention.
fn defects(migrations: &[Found]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut parts: HashMap<(Vec<u8>, Part), &Found> = HashMap::new();
    let mut repeatables: HashMap<&str, &Found> = HashMap::new();
    for found in migrations {
        let path = found.paths.first().map_or("", String::as_str);
        if found.name.trim().is_empty() || found.name.chars().any(char::is_control) {
            let message = format!("invalid migration name \"{}\"", found.name.escape_debug());
            problems.push(Problem::of(path, message, "Rename it: a line that says what it does."));
        }
        let Some(text) = &found.version else {
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

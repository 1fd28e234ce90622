//! Helpers for the tests of importers.

use super::{File, ImportedMigration, Importer, Options, Problem, Set, by_name, read};

/// The importer with this name, which must exist.
pub fn importer(name: &str) -> &'static dyn Importer {
    match by_name(name) {
        Some(importer) => importer,
        None => unreachable!("no importer has the name {name}"),
    }
}

/// Files from pairs of path and text.
pub fn files<'a>(given: &[(&'a str, &'a str)]) -> Vec<File<'a>> {
    given.iter().map(|(path, text)| File { path, text }).collect()
}

/// Options from pairs of name and value.
pub fn options(given: &[(&str, &str)]) -> Options {
    given.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// What a tool's importer reads; an error is the only problem of an empty set.
pub fn read_as(tool: &str, given: &[(&str, &str)]) -> Set {
    let convention = importer(tool);
    match read(&files(given), Some(convention), &Options::default()) {
        Ok(set) => set,
        Err(problem) => {
            Set { convention, migrations: Vec::new(), ignored: Vec::new(), problems: vec![problem] }
        }
    }
}

/// The tool that is detected, or the error.
pub fn detected(given: &[(&str, &str)]) -> String {
    match read(&files(given), None, &Options::default()) {
        Ok(set) => set.convention.name().to_owned(),
        Err(problem) => problem.message,
    }
}

/// Asserts that the first problem is in this line (0: it names no line) and has this message.
pub fn refused(text: &str, problems: &[Problem], line: usize, message: &str) {
    assert_eq!(problems[0].line.unwrap_or(0), line, "{text}");
    assert!(problems[0].message.contains(message), "{text}: {}", problems[0].message);
}

/// A line for each migration: version, name, parts, requirements, transaction.
pub fn summary(set: &Set) -> Vec<String> {
    let line = |migration: &ImportedMigration| {
        let parts: Vec<&str> =
            [("up", &migration.up), ("down", &migration.down), ("verify", &migration.verify)]
                .into_iter()
                .filter_map(|(part, text)| text.as_ref().map(|_| part))
                .collect();
        let version = migration.version.as_deref().unwrap_or("-");
        let mut line = format!("{version} {} {}", migration.name, parts.join("+"));
        for required in &migration.requires {
            line += &format!(" requires:{required}");
        }
        line += match migration.transactional {
            None => "",
            Some(true) => " tx",
            Some(false) => " no-tx",
        };
        line
    };
    set.migrations.iter().map(line).collect()
}

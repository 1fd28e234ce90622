//! Flyway's file names.

use super::super::name::is_readable_migration;
use super::super::{Options, Problem};
use std::cmp::Ordering;

/// The events of a run for which Flyway looks for a script of that name.
const EVENTS: [&str; 43] = [
    "afterBaseline",
    "afterBaselineError",
    "afterClean",
    "afterCleanError",
    "afterConnect",
    "afterDeploy",
    "afterDeployError",
    "afterEachMigrate",
    "afterEachMigrateError",
    "afterEachMigrateStatement",
    "afterEachMigrateStatementError",
    "afterEachUndo",
    "afterEachUndoError",
    "afterEachUndoStatement",
    "afterEachUndoStatementError",
    "afterInfo",
    "afterInfoError",
    "afterMigrate",
    "afterMigrateApplied",
    "afterMigrateError",
    "afterRepair",
    "afterRepairError",
    "afterUndo",
    "afterUndoError",
    "afterValidate",
    "afterValidateError",
    "afterVersioned",
    "beforeBaseline",
    "beforeClean",
    "beforeConnect",
    "beforeCreateSchema",
    "beforeDeploy",
    "beforeEachMigrate",
    "beforeEachMigrateStatement",
    "beforeEachUndo",
    "beforeEachUndoStatement",
    "beforeInfo",
    "beforeMigrate",
    "beforeRepair",
    "beforeRepeatables",
    "beforeUndo",
    "beforeValidate",
    "createSchema",
];

/// How files are named: as Flyway does by default, or as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The prefix of a version.
    pub prefix: String,
    /// The prefix of a version that a file undoes.
    pub undo: String,
    /// The prefix of a repeatable migration.
    pub repeatable: String,
    /// The prefix of a baseline.
    pub baseline: String,
    /// The separator of version and description.
    pub separator: String,
    /// The endings of scripts.
    pub suffixes: Vec<String>,
}

impl Default for Naming {
    fn default() -> Naming {
        Naming {
            prefix: "V".to_owned(),
            undo: "U".to_owned(),
            repeatable: "R".to_owned(),
            baseline: "B".to_owned(),
            separator: "__".to_owned(),
            suffixes: vec![".sql".to_owned()],
        }
    }
}

/// What a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It applies a version.
    Versioned,
    /// It undoes a version.
    Undo,
    /// It replaces all versions up to its own.
    Baseline,
    /// It runs again when it has changed.
    Repeatable,
    /// It runs at this event.
    Callback(&'static str),
}

/// A parsed name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What the script is for.
    pub kind: Kind,
    /// The version, with points; empty: there is none.
    pub version: String,
    /// The description.
    pub description: String,
}

impl Naming {
    /// Applies options. Error: a name would be empty, or not be read.
    pub fn configure(&mut self, options: &Options) -> Result<(), Problem> {
        for (name, value) in [
            ("prefix", &mut self.prefix),
            ("undo_prefix", &mut self.undo),
            ("repeatable_prefix", &mut self.repeatable),
            ("baseline_prefix", &mut self.baseline),
            ("separator", &mut self.separator),
        ] {
            if let Some(given) = options.get(name) {
                *value = given.to_owned();
            }
        }
        if let Some(given) = options.get("suffixes") {
            self.suffixes = list(given)
                .map_err(|message| Problem::of("", message, "Give the endings of scripts."))?;
        }
        if self.separator.is_empty() {
            let hint = "Give the separator of version and description, such as __.";
            return Err(Problem::of("", "the separator of names is empty", hint));
        }
        let names = self.suffixes.iter().flat_map(|suffix| {
            let sep = &self.separator;
            let with = |prefix: &str, version: &str| format!("{prefix}{version}{sep}x{suffix}");
            let versioned = [&self.prefix, &self.undo, &self.baseline].map(|it| with(it, "1"));
            versioned.into_iter().chain([with(&self.repeatable, "")])
        });
        // The name alone decides whether a file is loaded, before the tool is known.
        if let Some(other) = names.into_iter().find(|name| !is_readable_migration(name)) {
            let message = format!("files with names such as {other:?} are not read");
            let hint = "Use names that end in .sql.";
            return Err(Problem::of("", message, hint));
        }
        if self.suffixes.is_empty() {
            let hint = "Separate them by commas, such as .sql,.pgsql.";
            return Err(Problem::of("", "no suffix of names is given", hint));
        }
        Ok(())
    }

    /// A script's name without its suffix; None: the file is no script.
    pub fn stem<'a>(&self, base: &'a str) -> Option<&'a str> {
        self.suffixes.iter().find_map(|suffix| {
            let at = base.len().checked_sub(suffix.len())?;
            let ending = base.get(at..)?;
            if ending.eq_ignore_ascii_case(suffix) { base.get(..at) } else { None }
        })
    }

    /// Parses a name without suffix. Error: the reason why Flyway does not read the file.
    pub fn read(&self, stem: &str) -> Result<Name, String> {
        let own = [
            (self.prefix.as_str(), Kind::Versioned),
            (self.undo.as_str(), Kind::Undo),
            (self.repeatable.as_str(), Kind::Repeatable),
            (self.baseline.as_str(), Kind::Baseline),
        ];
        // The longest prefix wins, so that the others are found if that of versions is empty.
        let found = EVENTS
            .iter()
            .map(|event| (*event, Kind::Callback(event)))
            .chain(own)
            .filter_map(|(prefix, kind)| Some((stem.strip_prefix(prefix)?, kind)))
            .min_by_key(|(rest, kind)| (rest.len(), *kind != Kind::Versioned));
        let Some((rest, kind)) = found else {
            return Err("its name has none of Flyway's prefixes".to_owned());
        };
        let (version, description) = rest.split_once(&self.separator).unwrap_or((rest, ""));
        let description = description.replace('_', " ");
        let version = match (kind, version) {
            (Kind::Repeatable | Kind::Callback(_), "") => String::new(),
            (Kind::Repeatable | Kind::Callback(_), _) => {
                let separator = &self.separator;
                return Err(format!("Flyway expects {separator} after the prefix of its name"));
            }
            (_, version) => dotted(version)
                .ok_or_else(|| format!("Flyway does not see a version in {version:?}"))?,
        };
        Ok(Name { kind, version, description })
    }
}

/// The items of a list with commas. Error: there are too many.
pub fn list(text: &str) -> Result<Vec<String>, String> {
    const MOST: usize = 100;
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.take(MOST + 1).map(str::to_owned).collect();
    match parts.len() > MOST {
        true => Err(format!("more than {MOST} suffixes of names are given")),
        false => Ok(parts),
    }
}

/// A version as Flyway shows it: numbers with points between.
fn dotted(text: &str) -> Option<String> {
    let version = text.replace('_', ".");
    let numbers =
        version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    numbers.then_some(version)
}

/// The sort key of a version in Flyway: its numbers without zeros at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<String>);

impl Key {
    /// The key of a version with points.
    pub fn of(version: &str) -> Key {
        let mut parts: Vec<String> =
            version.split('.').map(|part| part.trim_start_matches('0').to_owned()).collect();
        while parts.len() > 1 && parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        Key(parts)
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        let numbers = self.0.iter().zip(&other.0);
        numbers
            .map(|(a, b)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::version::Version;

    fn read(naming: &Naming, base: &str) -> Option<(Kind, String, String)> {
        let name = naming.read(naming.stem(base)?).ok()?;
        Some((name.kind, name.version, name.description))
    }

    fn named(kind: Kind, version: &str, description: &str) -> Option<(Kind, String, String)> {
        Some((kind, version.to_owned(), description.to_owned()))
    }

    #[test]
    fn reads_names() {
        let naming = Naming::default();
        for (base, expected) in [
            ("V1__a_b.sql", named(Kind::Versioned, "1", "a b")),
            ("V1_2__x.SQL", named(Kind::Versioned, "1.2", "x")),
            ("V1.2.10__é y.sql", named(Kind::Versioned, "1.2.10", "é y")),
            ("V001__x__y.sql", named(Kind::Versioned, "001", "x  y")),
            ("V7.sql", named(Kind::Versioned, "7", "")),
            ("V20240131120000__.sql", named(Kind::Versioned, "20240131120000", "")),
            ("U1_2__x.sql", named(Kind::Undo, "1.2", "x")),
            ("R__all_views.sql", named(Kind::Repeatable, "", "all views")),
            ("B3__so_far.sql", named(Kind::Baseline, "3", "so far")),
            ("afterMigrate.sql", named(Kind::Callback("afterMigrate"), "", "")),
            ("afterMigrateApplied__x.sql", named(Kind::Callback("afterMigrateApplied"), "", "x")),
            ("beforeEachMigrate.sql", named(Kind::Callback("beforeEachMigrate"), "", "")),
            ("v1__x.sql", None),
            ("V1_x.sql", None),
            ("V__x.sql", None),
            ("V1___x.sql", named(Kind::Versioned, "1", " x")),
            ("V1_.sql", None),
            ("V1a__x.sql", None),
            ("R1__x.sql", None),
            ("README.sql", None),
            ("afterMigrate_x.sql", None),
            ("V1__x.txt", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(read(&naming, base), expected, "{base}");
        }
    }

    #[test]
    fn reads_names_as_configured() {
        let mut naming = Naming::default();
        let options: Options = [
            ("prefix", ""),
            ("separator", "-"),
            ("undo_prefix", "undo"),
            ("repeatable_prefix", "again"),
            ("suffixes", ".ddl, .SQL"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        assert_eq!(naming.configure(&options), Ok(()));
        for (base, expected) in [
            ("1-x.sql", named(Kind::Versioned, "1", "x")),
            ("1_2-x_y.ddl", named(Kind::Versioned, "1.2", "x y")),
            ("undo1-x.sql", named(Kind::Undo, "1", "x")),
            ("again-x.sql", named(Kind::Repeatable, "", "x")),
            ("afterMigrate.sql", named(Kind::Callback("afterMigrate"), "", "")),
            ("V1-x.sql", None),
            ("README.sql", None),
        ] {
            assert_eq!(read(&naming, base), expected, "{base}");
        }
        for (prefix, suffixes, is_read) in [
            ("V", ".sql,.pg", true),
            ("", ".pg", true),
            ("M", ".sql,.pgsql", true),
            ("M", ".sql,.pg", false),
            ("V", ".java", false),
        ] {
            let options: Options = [("prefix", prefix), ("suffixes", suffixes)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let read = Naming::default().configure(&options);
            assert_eq!(read.is_ok(), is_read, "{prefix} {suffixes}");
        }
        for name in ["separator", "suffixes"] {
            let options: Options = [(name.to_owned(), String::new())].into_iter().collect();
            assert!(Naming::default().configure(&options).is_err(), "{name}");
        }
    }

    #[test]
    fn orders_as_the_registry_does() {
        let versions = ["0", "1", "01.1", "1.2", "1.2.0.1", "1.10", "2", "10", "20240131120000"];
        let key = |text: &str| Version::parse(text).map(|v| v.key().to_vec()).unwrap_or_default();
        for a in versions {
            for b in versions {
                assert_eq!(Key::of(a).cmp(&Key::of(b)), key(a).cmp(&key(b)), "{a} and {b}");
            }
        }
        assert_eq!(Key::of("1"), Key::of("01.0.00"));
        assert_eq!(Key::of("0"), Key::of("00.0"));
    }
}

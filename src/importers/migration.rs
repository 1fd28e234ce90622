//! A migration as files define it.

use super::File;
use crate::domain::moment::Moment;
use crate::domain::room;

/// A migration that was read from files. A part that they do not hold is None.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportedMigration {
    /// The version; None: a repeatable migration.
    pub version: Option<String>,
    /// The name, for people.
    pub name: String,
    /// The SQL that applies it. If it is a section of the file, its first line says at which line
    /// of the file it begins, so that errors report the file's own lines.
    pub up: Option<String>,
    /// The SQL that rolls it back.
    pub down: Option<String>,
    /// The SQL that verifies it.
    pub verify: Option<String>,
    /// The migrations that it requires, as add() accepts them.
    pub requires: Vec<String>,
    /// Whether it can run inside a transaction; None: the statements decide.
    pub transactional: Option<bool>,
    /// When a repeatable migration runs.
    pub moment: Moment,
    /// The files that it consists of: those of up, down and verify, in this order, then files with
    /// settings for it. A file that holds several parts is listed once.
    pub paths: Vec<String>,
}

impl ImportedMigration {
    /// The migration of a tool that identifies it by a whole name. The version is the digits at
    /// the beginning of the name, or else all of it.
    pub fn with_name(name: &str, file: &File) -> ImportedMigration {
        let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
        let (digits, rest) = name.split_at(end);
        let short = rest.trim_start_matches(['_', '-']);
        let fits = !digits.is_empty() && (rest.is_empty() || rest.len() > short.len());
        let (version, short) = if fits { (digits, short) } else { (name, name) };
        ImportedMigration {
            version: Some(version.to_owned()),
            name: if short.is_empty() { name } else { short }.to_owned(),
            up: Some(room::owned(file.text)),
            paths: vec![file.path.to_owned()],
            ..ImportedMigration::default()
        }
    }

    /// The path of the first file; empty: there is none.
    pub fn path(&self) -> &str {
        self.paths.first().map_or("", String::as_str)
    }
}

/// The part of a migration that a file or a section of it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The SQL that applies it.
    Up,
    /// The SQL that rolls it back.
    Down,
}

impl Part {
    /// The argument of add() for it.
    pub fn word(self) -> &'static str {
        match self {
            Part::Up => "up",
            Part::Down => "down",
        }
    }
}

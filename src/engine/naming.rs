//! What migrations and their scripts are called in messages.

use crate::store::overview::Pending;

/// A script of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptKind {
    /// Applies it.
    Up,
    /// Rolls it back.
    Down,
    /// Must hold before it is applied.
    Precondition,
    /// Must hold after it was applied.
    Verify,
}

/// A migration in one line: its version and name, or the name of a repeatable one.
pub fn title(version: Option<&str>, name: &str) -> String {
    match version {
        Some(version) => format!("{version} ({name})"),
        None => format!("repeatable ({name})"),
    }
}

/// A script in the words of a CONTEXT line.
pub fn label(part: ScriptKind, version: Option<&str>, name: &str, project: &str) -> String {
    let of = match part {
        ScriptKind::Up => "",
        ScriptKind::Down => "down of ",
        ScriptKind::Precondition => "precondition of ",
        ScriptKind::Verify => "verify of ",
    };
    let migration = match version {
        Some(version) => format!("migration {version}"),
        None => "repeatable migration".to_owned(),
    };
    format!("{of}{migration} ({name}) of project {project}")
}

/// The version of a migration, or the name of a repeatable one.
pub fn title_of(migration: &Pending) -> &str {
    migration.version.as_deref().unwrap_or(&migration.name)
}

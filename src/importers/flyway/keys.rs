//! The settings of Flyway that decide which scripts run and how.

use super::config::is_utf8;

/// What a setting means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is honoured, by this name; with the option that decides it, too.
    Honoured(&'static str, Option<&'static str>),
    /// It decides neither what runs nor how, or what it decides is set for the project.
    Harmless,
    /// It would have to be honoured, and isn't; with what to do.
    Refused(&'static str),
}

const HONOURED: [(&str, Option<&str>); 8] = [
    ("sqlMigrationPrefix", Some("prefix")),
    ("sqlMigrationSeparator", Some("separator")),
    ("sqlMigrationSuffixes", Some("suffixes")),
    ("undoSqlMigrationPrefix", Some("undo_prefix")),
    ("repeatableSqlMigrationPrefix", Some("repeatable_prefix")),
    ("baselineMigrationPrefix", Some("baseline_prefix")),
    ("executeInTransaction", None),
    ("locations", None),
];

const TAKE_OUT: &str =
    "Take it out, or leave the file out: options => '{\"ignore\": \"flyway.*\"}'.";
const LIMITS: &str = "Take it out; the arguments of apply() say which versions are applied.";
const SCHEMA: &str = "Give the project a search_path by set_project(), and take this out, or leave the file out: options => '{\"ignore\": \"flyway.*\"}'.";

/// What is refused, unless it has one of these values.
const REFUSED: [(&str, &[&str], &str); 13] = [
    ("target", &["latest"], LIMITS),
    ("cherryPick", &[], LIMITS),
    ("skipExecutingMigrations", &["false"], LIMITS),
    ("initSql", &[], "Put it into a migration, or set what it sets by set_project()."),
    ("defaultSchema", &["public"], SCHEMA),
    ("schemas", &["public"], SCHEMA),
    ("callbackLocations", &[], TAKE_OUT),
    ("callbacks", &[], TAKE_OUT),
    ("resolvers", &[], TAKE_OUT),
    ("skipDefaultResolvers", &["false"], TAKE_OUT),
    ("skipDefaultCallbacks", &["false"], TAKE_OUT),
    ("placeholderPrefix", &["${"], "Write placeholders as ${name}, and take this out."),
    ("placeholderSuffix", &["}"], "Write placeholders as ${name}, and take this out."),
];

/// What a setting of this value means.
pub fn role(key: &str, value: &str) -> Role {
    if let Some((name, option)) = HONOURED.iter().find(|(name, _)| *name == key) {
        return Role::Honoured(name, *option);
    }
    // What is set for one environment would count for that alone.
    if key.starts_with("environments.") && key.contains(".flyway.") {
        let inner = key.rsplit(".flyway.").next().unwrap_or_default();
        return match role(inner, value) {
            Role::Harmless => Role::Harmless,
            _ => Role::Refused(TAKE_OUT),
        };
    }
    if key == "encoding" && !is_utf8(value) {
        return Role::Refused("Write the scripts in UTF-8, and take this out.");
    }
    match REFUSED.iter().find(|(name, ..)| *name == key) {
        Some((_, harmless, hint)) if !value.is_empty() && !harmless.contains(&value) => {
            Role::Refused(hint)
        }
        _ => Role::Harmless,
    }
}

//! The settings of Flyway that decide which scripts run and how.

/// What is done about a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is supported. Its name, and the option that overrides it.
    Supported(&'static str, Option<&'static str>),
    /// It does not matter: it decides neither what runs nor how, or is a setting of the project here.
    Harmless,
    /// It matters, and is not supported. The HINT.
    Refused(&'static str),
}

const SUPPORTED: [(&str, Option<&str>); 8] = [
    ("sqlMigrationPrefix", Some("prefix")),
    ("sqlMigrationSeparator", Some("separator")),
    ("sqlMigrationSuffixes", Some("suffixes")),
    ("undoSqlMigrationPrefix", Some("undo_prefix")),
    ("repeatableSqlMigrationPrefix", Some("repeatable_prefix")),
    ("baselineMigrationPrefix", Some("baseline_prefix")),
    ("executeInTransaction", None),
    ("locations", None),
];

const REMOVE: &str = "Remove it, or leave the file out: options => '{\"ignore\": \"flyway.*\"}'.";
const LIMITS: &str = "Remove it; the arguments of apply() decide which versions are applied.";
const SCHEMA: &str = "Give the project a search_path by set_project(), and remove this, or leave the file out: options => '{\"ignore\": \"flyway.*\"}'.";

/// Settings that are refused unless they have one of these values.
const REFUSED: [(&str, &[&str], &str); 13] = [
    ("target", &["latest"], LIMITS),
    ("cherryPick", &[], LIMITS),
    ("skipExecutingMigrations", &["false"], LIMITS),
    ("initSql", &[], "Move it to a migration, or set what it sets by set_project()."),
    ("defaultSchema", &["public"], SCHEMA),
    ("schemas", &["public"], SCHEMA),
    ("callbackLocations", &[], REMOVE),
    ("callbacks", &[], REMOVE),
    ("resolvers", &[], REMOVE),
    ("skipDefaultResolvers", &["false"], REMOVE),
    ("skipDefaultCallbacks", &["false"], REMOVE),
    ("placeholderPrefix", &["${"], "Write placeholders as ${name}, and remove this."),
    ("placeholderSuffix", &["}"], "Write placeholders as ${name}, and remove this."),
];

/// What is done about a setting with this value.
pub fn role(key: &str, value: &str) -> Role {
    if let Some((name, option)) = SUPPORTED.iter().find(|(name, _)| *name == key) {
        return Role::Supported(name, *option);
    }
    // Settings for one environment would be valid for that one alone.
    if key.starts_with("environments.") && key.contains(".flyway.") {
        let inner = key.rsplit(".flyway.").next().unwrap_or_default();
        return match role(inner, value) {
            Role::Harmless => Role::Harmless,
            _ => Role::Refused(REMOVE),
        };
    }
    if key == "encoding" && !is_utf8(value) {
        return Role::Refused("Write the scripts in UTF-8, and remove this.");
    }
    match REFUSED.iter().find(|(name, ..)| *name == key) {
        Some((_, harmless, hint)) if !value.is_empty() && !harmless.contains(&value) => {
            Role::Refused(hint)
        }
        _ => Role::Harmless,
    }
}

/// Whether UTF-8 contains an encoding.
pub fn is_utf8(encoding: &str) -> bool {
    let plain: String = encoding.chars().filter(char::is_ascii_alphanumeric).collect();
    ["utf8", "usascii", "ascii"].iter().any(|name| plain.eq_ignore_ascii_case(name))
}

/// The value of a setting that is true or false.
pub fn boolean(key: &str, value: &str) -> Result<bool, String> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(format!("{key} is neither true nor false")),
    }
}

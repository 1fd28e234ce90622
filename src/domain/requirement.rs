//! The requirements of a migration: another one of its project, one of another project, or an
//! extension.

use super::version::{InvalidVersion, Version, repeatable_key};
use super::visible::is_invisible;
use std::fmt;

/// The word before the colon of an extension. So no project can have this name.
pub const EXTENSION: &str = "extension";

/// The word before the colon of a repeatable migration of the same project, even if a project has
/// this name.
pub const REPEATABLE: &str = "repeatable";

/// Something that must exist before a migration runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// A migration of the same project, as in `003`.
    Within(Version),
    /// A migration of another project, as in `billing:003`.
    Other {
        /// The project's name.
        project: String,
        /// The migration's version.
        version: Version,
    },
    /// A repeatable migration of the same project, as in `repeatable:views`.
    Repeatable(String),
    /// An installed extension, as in `extension:vector`.
    Extension(String),
}

/// Why a text isn't a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidRequirement {
    /// Its version isn't valid.
    Version(InvalidVersion),
    /// Nothing is before the colon, or nothing after `extension:` or `repeatable:`.
    Empty,
    /// It holds this character, which cannot be seen.
    Character(char),
}

impl fmt::Display for InvalidRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidRequirement::Version(why) => write!(f, "As a version: {why}"),
            InvalidRequirement::Character(c) => {
                write!(f, "It holds the character U+{:04X}, which cannot be seen.", *c as u32)
            }
            InvalidRequirement::Empty => write!(f, "One side of the colon is empty."),
        }
    }
}

impl Requirement {
    /// The key and the title of the migration, if it is one of the same project.
    pub fn within(&self) -> Option<(Vec<u8>, String)> {
        match self {
            Requirement::Within(version) => {
                Some((version.key().to_vec(), version.text().to_owned()))
            }
            Requirement::Repeatable(name) => {
                Some((repeatable_key(name), format!("{REPEATABLE}:{name}")))
            }
            _ => None,
        }
    }

    /// Reads a requirement of a migration of `project`, whose own name before a colon may be left
    /// out.
    pub fn parse(text: &str, project: &str) -> Result<Requirement, InvalidRequirement> {
        let version = |text| Version::parse(text).map_err(InvalidRequirement::Version);
        if let Some(c) = text.chars().find(|c| is_invisible(*c)) {
            return Err(InvalidRequirement::Character(c));
        }
        // Neither versions nor project names have a colon.
        match text.split_once(':') {
            None => Ok(Requirement::Within(version(text)?)),
            Some(("", _) | (EXTENSION | REPEATABLE, "")) => Err(InvalidRequirement::Empty),
            Some((EXTENSION, name)) => Ok(Requirement::Extension(name.to_owned())),
            Some((REPEATABLE, name)) => Ok(Requirement::Repeatable(name.to_owned())),
            Some((own, text)) if own == project => Ok(Requirement::Within(version(text)?)),
            Some((other, text)) => {
                Ok(Requirement::Other { project: other.to_owned(), version: version(text)? })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_kind() {
        let within = |v| Version::parse(v).map(Requirement::Within);
        assert_eq!(Requirement::parse("003", "app").ok(), within("003").ok());
        assert_eq!(Requirement::parse("app:003", "app").ok(), within("003").ok());
        assert_eq!(
            Requirement::parse("billing:1.2", "app").ok(),
            Version::parse("1.2")
                .ok()
                .map(|version| Requirement::Other { project: "billing".to_owned(), version })
        );
        assert_eq!(
            Requirement::parse("extension:uuid-ossp", "app"),
            Ok(Requirement::Extension("uuid-ossp".to_owned()))
        );
        for name in ["views", "a:b", "003"] {
            assert_eq!(
                Requirement::parse(&format!("repeatable:{name}"), "app"),
                Ok(Requirement::Repeatable(name.to_owned()))
            );
        }
    }

    #[test]
    fn refuses_what_is_none() {
        use InvalidRequirement::*;
        for (text, why) in [
            ("", Version(InvalidVersion::Empty)),
            (":1", Empty),
            ("billing:", Version(InvalidVersion::Empty)),
            ("extension:", Empty),
            ("repeatable:", Empty),
            ("a:b:c", Version(InvalidVersion::Character(':'))),
            ("1 ", Version(InvalidVersion::OuterSpace)),
        ] {
            assert_eq!(Requirement::parse(text, "app"), Err(why), "{text:?}");
        }
    }
}

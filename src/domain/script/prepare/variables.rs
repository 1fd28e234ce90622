//! The variables of a project, and how its scripts refer to them.

use crate::domain::mask::Mask;
use std::collections::{BTreeSet, HashMap};

/// How the scripts of a project write their placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// They have none, except variables that a script sets itself with `\set`.
    #[default]
    None,
    /// `${x}`, anywhere but in comments and data. `${$}` is a dollar sign, so that `${$}{x}` is a
    /// literal `${x}`.
    Dollar,
    /// `:x`, `:'x'` and `:"x"`, outside of quotes.
    Psql,
}

impl Syntax {
    /// The syntax of this name. None: there is none.
    pub fn parse(name: &str) -> Option<Syntax> {
        match name {
            "none" => Some(Syntax::None),
            "${x}" => Some(Syntax::Dollar),
            ":x" => Some(Syntax::Psql),
            _ => None,
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Syntax::None => "none",
            Syntax::Dollar => "${x}",
            Syntax::Psql => ":x",
        }
    }
}

/// The variables of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// The project's name. Empty: there is no project, and no placeholder is reported.
    pub project: String,
    /// How scripts refer to them.
    pub syntax: Syntax,
    /// Their values.
    pub values: HashMap<String, String>,
    /// The names of those whose values are secrets.
    pub secrets: BTreeSet<String>,
}

impl Variables {
    /// The beginning of placeholders that are expanded or reported. Flyway's own placeholders have
    /// no other meaning, so a script that has one is never run as it is.
    pub(super) fn placeholder_begin(&self) -> Option<&'static [u8]> {
        match self.syntax {
            Syntax::Dollar => Some(b"${"),
            _ if self.project.is_empty() => None,
            _ => Some(b"${flyway:"),
        }
    }

    /// The values of secrets, to be hidden in what is kept or shown.
    pub fn mask(&self) -> Mask {
        Mask::of(self.secrets.iter().filter_map(|name| self.values.get(name)).map(String::as_str))
    }
}

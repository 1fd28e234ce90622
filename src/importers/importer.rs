//! What an importer is given, and what it has to do.

use super::{ImportedMigration, Notes, Problem};
use crate::domain::script::prepare::Syntax;
use std::collections::BTreeMap;

/// The migration files of a tool, or of another convention for naming them and marking their
/// parts.
pub trait Importer: Sync {
    /// The value of the argument `convention`.
    fn name(&self) -> &'static str;

    /// The options that it accepts, apart from `ignore`, which all accept.
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it reads a file that is not SQL, such as a configuration or a plan. The argument is
    /// the file's name without folders. Other files of that kind are not loaded at all.
    fn reads_beside_sql(&self, _base: &str) -> bool {
        false
    }

    /// The syntax of variables in the files, if the tool replaces them.
    fn variables(&self) -> Option<Syntax> {
        None
    }

    /// Whether files look like those of the tool.
    fn claims(&self, files: &[File]) -> Claim;

    /// Reads files, which may include those of other tools, and returns the migrations in the
    /// tool's order. A problem that does not keep it from reading on goes to `notes`. A file that
    /// it neither reads nor notes is noted by the caller.
    fn read(
        &self,
        files: &[File],
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem>;
}

/// How sure an importer is that files belong to its tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// They do not.
    No,
    /// They may: the names match, but other tools use such names, too.
    Possible,
    /// They do: only this tool has such names or markers.
    Sure,
}

impl Claim {
    /// Sure if it has a sign of the tool, or none.
    pub fn sure_if(has_sign: bool) -> Claim {
        if has_sign { Claim::Sure } else { Claim::No }
    }
}

/// A file in memory.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// The path within the folder, with `/` between its parts.
    pub path: &'a str,
    /// The content, without byte order mark.
    pub text: &'a str,
}

/// The option that all importers accept: patterns of files that are left out.
pub const IGNORE: &str = "ignore";

/// The argument `options`: names and values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    values: BTreeMap<String, String>,
}

impl Options {
    /// The value of an option, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names of all options that are given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Options {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(values: T) -> Options {
        Options { values: values.into_iter().collect() }
    }
}

//! The migration that a call names.

use crate::domain::version::{InvalidVersion, Version, repeatable_key};
use crate::engine::errors::{invalid_version, unknown_version};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::project::Project;

/// The text by which a call names a migration: a version, or the name of a repeatable migration.
pub struct MigrationRef<'a> {
    text: &'a str,
    version: std::result::Result<Version, InvalidVersion>,
    may_be_repeatable: bool,
}

impl<'a> MigrationRef<'a> {
    /// A version or the name of a repeatable migration.
    pub fn new(text: &'a str) -> MigrationRef<'a> {
        MigrationRef { text, version: Version::parse(text), may_be_repeatable: true }
    }

    /// A version.
    pub(super) fn of_version(version: &'a Version) -> MigrationRef<'a> {
        MigrationRef {
            text: version.text(),
            version: Ok(version.clone()),
            may_be_repeatable: false,
        }
    }

    /// Finds the migration in a project. Returns its `version_key`, and whether it is applied.
    /// Errors: there is no such migration (42704), and the text is not a version (22023).
    pub(super) fn find(&self, batch: &Batch, project: &Project) -> Result<(Vec<u8>, bool)> {
        let version = self.version.as_ref().ok().map(|version| version.key().to_vec());
        let repeatable = self.may_be_repeatable.then(|| repeatable_key(self.text));
        for key in version.into_iter().chain(repeatable) {
            if let Some((_, applied)) = batch.find(project.id, &key, View::Newest)? {
                return Ok((key, applied));
            }
        }
        Err(self.unknown(&project.name))
    }

    /// The text as the caller wrote it.
    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The error of a migration that does not exist (42704), or of a text that is not a version
    /// (22023).
    pub(super) fn unknown(&self, project: &str) -> Error {
        match self.version {
            Ok(_) => unknown_version(self.text, project),
            Err(why) => invalid_version(self.text, why),
        }
    }
}

//! Has one importer read files.

use super::importer::IGNORE;
use super::{File, ImportedMigration, Importer, Notes, Options, Problem};

/// What an importer has read.
pub struct Reading {
    /// The importer.
    pub importer: &'static dyn Importer,
    /// The migrations, in the order of the tool.
    pub migrations: Vec<ImportedMigration>,
    /// What it has noted.
    pub notes: Notes,
}

impl Reading {
    /// Has an importer read files. Errors: an option is unknown; the importer cannot go on.
    pub fn of(
        importer: &'static dyn Importer,
        files: &[File],
        options: &Options,
    ) -> Result<Reading, Problem> {
        let known = importer.options();
        let is_known = |name: &&str| *name == IGNORE || known.contains(name);
        if let Some(unknown) = options.names().find(|name| !is_known(name)) {
            let hint = format!("It has these: {}.", [&[IGNORE][..], known].concat().join(", "));
            let message = format!("{} has no option \"{unknown}\"", importer.name());
            return Err(Problem::of("", message, hint));
        }
        let mut notes = Notes::default();
        let migrations = importer.read(files, options, &mut notes)?;
        Ok(Reading { importer, migrations, notes })
    }
}

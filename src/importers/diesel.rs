//! diesel: a folder for each migration, with `up.sql`, `down.sql` and `metadata.toml`.

use super::format;
use super::path::split;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};
use crate::domain::room;
use std::collections::BTreeMap;

const METADATA: &str = "metadata.toml";

const NAMES: [&str; 3] = ["up.sql", "down.sql", METADATA];

/// The files in the folder of a migration, by name.
type Files<'a> = BTreeMap<&'a str, &'a File<'a>>;

/// diesel.
pub struct Diesel;

impl Importer for Diesel {
    fn name(&self) -> &'static str {
        "diesel"
    }

    fn reads_beside_sql(&self, base: &str) -> bool {
        base == METADATA
    }

    /// One file must be named `up.sql`. Other tools may have a `down.sql` in folders, too.
    fn claims(&self, files: &[File]) -> Claim {
        let has = |name: &str| {
            files.iter().any(|file| in_folder(file.path).is_some_and(|(_, base)| base == name))
        };
        if has("up.sql") {
            Claim::Sure
        } else if has("down.sql") {
            Claim::Possible
        } else {
            Claim::No
        }
    }

    /// diesel runs migrations in the order of their versions as text.
    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let mut folders: BTreeMap<&str, Files> = BTreeMap::new();
        for file in files {
            if let Some((folder, base)) = in_folder(file.path) {
                folders.entry(folder).or_default().insert(base, file);
            }
        }
        folders.retain(|_, files| files.keys().any(|base| base.ends_with(".sql")));
        let root = folder::only_folder(&folder::uppermost_folders(folders.keys().copied()))?;
        let mut migrations = Vec::new();
        for (folder, files) in folders {
            let (parent, name) = split(folder);
            if Some(parent) == root {
                migrations.push(migration(name, &files, notes));
                continue;
            }
            for file in files.values() {
                notes.unread(file.path, "it is in a folder that diesel does not read");
            }
        }
        migrations.sort_by(|a, b| a.version.cmp(&b.version));
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

/// The folder and the name of a file that is in a folder of its own.
fn in_folder(path: &str) -> Option<(&str, &str)> {
    let (folder, base) = split(path);
    (!folder.is_empty() && NAMES.contains(&base)).then_some((folder, base))
}

fn migration(folder: &str, files: &Files, notes: &mut Notes) -> ImportedMigration {
    let (version, rest) = folder.split_once('_').unwrap_or((folder, folder));
    let text = |base: &str| files.get(base).map(|file| room::owned(file.text));
    let transactional = match files.get(METADATA).map(|file| runs_in_transaction(file)) {
        None | Some(Ok(true)) => None,
        Some(Ok(false)) => Some(false),
        Some(Err(problem)) => {
            notes.refuse(problem);
            None
        }
    };
    let paths = NAMES.iter().filter_map(|base| files.get(base)).map(|file| file.path.to_owned());
    ImportedMigration {
        version: Some(version.replace('-', "")),
        name: if rest.is_empty() { folder } else { rest }.to_owned(),
        up: text("up.sql"),
        down: text("down.sql"),
        transactional,
        paths: paths.collect(),
        ..ImportedMigration::default()
    }
}

/// The setting in `metadata.toml`. diesel takes a file without it for false.
fn runs_in_transaction(file: &File) -> Result<bool, Problem> {
    let hint = "Write run_in_transaction = false, or remove the file.";
    let settings = format::settings(file)?;
    match settings.iter().find(|setting| setting.key == "run_in_transaction") {
        None => Ok(false),
        Some(setting) => setting.value.parse().map_err(|_| {
            let message = "run_in_transaction is neither true nor false";
            Problem::at(file.path, setting.line, message, hint)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};

    #[test]
    fn reads_folders() {
        let all = [
            ("migrations/00000000000000_diesel_initial_setup/up.sql", "SELECT 0"),
            ("migrations/00000000000000_diesel_initial_setup/down.sql", ""),
            ("migrations/2024-01-31-120000_create_users/up.sql", "SELECT 1"),
            ("migrations/2024-01-31-120000_create_users/notes.sql", "SELECT 1"),
            ("migrations/2024-02-01-120000-0000_index users/up.sql", "CREATE INDEX"),
            (
                "migrations/2024-02-01-120000-0000_index users/metadata.toml",
                "# why\r\nrun_in_transaction = false # so\r\n",
            ),
            ("migrations/3_x/up.sql", ""),
            ("migrations/3_x/metadata.toml", "run_in_transaction=true"),
        ];
        let set = read_as("diesel", &all);
        assert_eq!(
            summary(&set),
            [
                "00000000000000 diesel_initial_setup up+down",
                "20240131120000 create_users up",
                "202402011200000000 index users up no-tx",
                "3 x up requires:202402011200000000",
            ]
        );
        assert_eq!(set.migrations[2].paths.len(), 2);
        assert_eq!(set.ignored[0].0, "migrations/2024-01-31-120000_create_users/notes.sql");
        assert_eq!(detected(&all), "diesel");
        assert_eq!(detected(&[("up.sql", "")]), "file name \"up.sql\" is not that of a migration");
    }

    #[test]
    fn reads_metadata() {
        for (text, expected) in
            [("", "1 a up no-tx"), ("x = 1\n[t]\nrun_in_transaction = true", "1 a up no-tx")]
        {
            let set = read_as("diesel", &[("1_a/up.sql", ""), ("1_a/metadata.toml", text)]);
            assert_eq!(summary(&set), [expected]);
        }
        let set = read_as(
            "diesel",
            &[("1_a/up.sql", ""), ("1_a/metadata.toml", "\nrun_in_transaction = \"no\"")],
        );
        assert_eq!(set.problems[0].line, Some(2));
    }
}

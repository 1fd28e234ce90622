//! diesel: a folder for each migration, with `up.sql`, `down.sql` and `metadata.toml`.

use super::format::settings;
use super::name::split;
use super::{Claim, File, Found, Notes, Options, Problem, folder};
use crate::domain::room;
use std::collections::BTreeMap;

const NAMES: [&str; 3] = ["up.sql", "down.sql", "metadata.toml"];

/// A file in a folder of its own: path of that folder, and the file's name.
fn own(path: &str) -> Option<(&str, &str)> {
    let (folder, base) = split(path);
    (!folder.is_empty() && NAMES.contains(&base)).then_some((folder, base))
}

/// Whether files are its own: one is named `up.sql`. A `down.sql` may stand beside what
/// other tools have in folders, too.
pub fn claims(files: &[File]) -> Claim {
    let has =
        |name: &str| files.iter().any(|file| own(file.path).is_some_and(|(_, base)| base == name));
    if has("up.sql") {
        Claim::Sure
    } else if has("down.sql") {
        Claim::Possible
    } else {
        Claim::No
    }
}

/// Reads them. It runs them in the order of their versions as text.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut migrations: BTreeMap<&str, BTreeMap<&str, &File>> = BTreeMap::new();
    for file in files {
        if let Some((folder, base)) = own(file.path) {
            migrations.entry(folder).or_default().insert(base, file);
        }
    }
    migrations.retain(|_, parts| parts.keys().any(|base| base.ends_with(".sql")));
    let roots = folder::folders(migrations.keys().copied());
    if let [one, other, ..] = roots[..] {
        return Err(folder::several(one, other));
    }
    let mut found = Vec::new();
    for (folder, parts) in migrations {
        let (root, name) = split(folder);
        if !roots.contains(&root) {
            for file in parts.values() {
                notes.unread(file.path, "it is in a folder that diesel does not read");
            }
            continue;
        }
        let (version, rest) = name.split_once('_').unwrap_or((name, name));
        let text = |base: &str| parts.get(base).map(|file| room::owned(file.text));
        let transactional = match parts.get("metadata.toml") {
            None => None,
            Some(file) => match runs_in_transaction(file) {
                Ok(runs) => (!runs).then_some(false),
                Err(problem) => {
                    notes.refuse(problem);
                    None
                }
            },
        };
        found.push(Found {
            version: Some(version.replace('-', "")),
            name: if rest.is_empty() { name } else { rest }.to_owned(),
            up: text("up.sql"),
            down: text("down.sql"),
            transactional,
            paths: NAMES
                .iter()
                .filter_map(|base| parts.get(base))
                .map(|f| f.path.to_owned())
                .collect(),
            ..Found::default()
        });
    }
    found.sort_by(|a, b| a.version.cmp(&b.version));
    folder::keep_order(&mut found);
    Ok(found)
}

/// What metadata.toml says. To diesel a file without the key says no.
fn runs_in_transaction(file: &File) -> Result<bool, Problem> {
    let hint = "Write run_in_transaction = false, or remove the file.";
    let settings = settings::read(file)?;
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
    use super::super::Convention;
    use super::super::testing::{detected, read_as, said};

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
        let set = read_as(Convention::Diesel, &all);
        assert_eq!(
            said(&set),
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
            let set =
                read_as(Convention::Diesel, &[("1_a/up.sql", ""), ("1_a/metadata.toml", text)]);
            assert_eq!(said(&set), [expected]);
        }
        let set = read_as(
            Convention::Diesel,
            &[("1_a/up.sql", ""), ("1_a/metadata.toml", "\nrun_in_transaction = \"no\"")],
        );
        assert_eq!(set.problems[0].line, Some(2));
    }
}

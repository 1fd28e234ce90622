//! What most importers do: find the folder, pair up and down files, keep the tool's order.

use super::name::{is_migration, is_sql};
use super::path::{base, depth, split};
use super::{File, ImportedMigration, Notes, Problem};
use crate::domain::halt;
use crate::domain::version::Version;
use std::collections::{BTreeSet, HashSet};

/// The files, with their names, of a tool that reads a single folder without those below it.
/// `is_own` decides by the name whether a file is the tool's. The folder is the uppermost one that
/// has such a file; SQL in others is noted as unread. Error: several folders have such files.
pub fn single_folder<'a>(
    files: &[File<'a>],
    tool: &str,
    notes: &mut Notes,
    is_own: impl Fn(&str) -> bool,
) -> Result<Vec<(File<'a>, &'a str)>, Problem> {
    let paths = files.iter().map(|file| file.path).filter(|path| is_own(base(path)));
    let folder = only_folder(&uppermost_folders(paths))?;
    let mut own = Vec::new();
    for file in files {
        let (place, base) = split(file.path);
        if Some(place) != folder {
            if (is_sql(base) || is_migration(base)) && folder.is_some() {
                notes.unread(file.path, format!("it is in a folder that {tool} does not read"));
            }
        } else if is_own(base) {
            own.push((*file, base));
        }
    }
    Ok(own)
}

/// The uppermost ones of the folders that hold these paths.
pub fn uppermost_folders<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let all: BTreeSet<&str> = paths.map(|path| split(path).0).collect();
    let level = |folder: &str| if folder.is_empty() { 0 } else { 1 + depth(folder) };
    let least = all.iter().map(|folder| level(folder)).min();
    all.into_iter().filter(|folder| Some(level(folder)) == least).collect()
}

/// The folder, if there is one. Error: there are several.
pub fn only_folder<'a>(folders: &[&'a str]) -> Result<Option<&'a str>, Problem> {
    match folders {
        [one, other, ..] => Err(several_folders(one, other)),
        _ => Ok(folders.first().copied()),
    }
}

/// The problem that migrations are in several folders.
pub fn several_folders(one: &str, other: &str) -> Problem {
    let message = format!("migrations are in several folders, such as \"{one}\" and \"{other}\"");
    Problem::of("", message, "Load one of them, or each into a project of its own.")
}

/// Merges migrations that hold the up and the down of one version; the name and the rest are
/// those of the up. Migrations that hold the same part are not merged. The result is in version
/// order.
pub fn merge_parts(mut migrations: Vec<ImportedMigration>) -> Vec<ImportedMigration> {
    migrations.sort_by_cached_key(|migration| (key(migration), migration.up.is_none()));
    let mut merged: Vec<ImportedMigration> = Vec::with_capacity(migrations.len());
    for next in migrations {
        match merged.last_mut() {
            Some(last)
                if last.up.is_some()
                    && last.down.is_none()
                    && next.up.is_none()
                    && key(last) == key(&next) =>
            {
                last.down = next.down;
                last.paths.extend(next.paths);
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// Keeps the order of the tool, in which the migrations are given. One whose version is lower than
/// that of an earlier one would run too early; it requires the migration before it. Repeatable
/// ones are skipped.
pub fn keep_order(migrations: &mut [ImportedMigration]) {
    let mut highest: Option<Vec<u8>> = None;
    let mut before: Option<String> = None;
    for migration in migrations.iter_mut() {
        let Some(version) = migration.version.clone() else { continue };
        let key = key(migration);
        match (&highest, before) {
            (Some(highest), Some(before)) if *highest > key => {
                if !migration.requires.contains(&before) {
                    migration.requires.push(before);
                }
            }
            _ => highest = Some(key),
        }
        before = Some(version);
    }
}

/// Makes versions unique for a tool that identifies migrations by whole names, which may share
/// their digits. The versions of all but the first get the name appended.
pub fn make_unique(migrations: &mut [ImportedMigration]) {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    for migration in migrations.iter_mut() {
        if !seen.insert(key(migration))
            && let Some(version) = &mut migration.version
        {
            *version = format!("{version}_{}", migration.name);
        }
    }
}

/// The sort key of a version; that of an invalid one, which is refused later, is the text.
fn key(migration: &ImportedMigration) -> Vec<u8> {
    halt::work(halt::STEP);
    let text = migration.version.as_deref().unwrap_or_default();
    Version::parse(text).map_or_else(|_| text.as_bytes().to_vec(), |version| version.key().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(version: &str, up: Option<&str>, down: Option<&str>) -> ImportedMigration {
        ImportedMigration {
            version: Some(version.into()),
            name: "x".into(),
            up: up.map(Into::into),
            down: down.map(Into::into),
            paths: vec![version.into()],
            ..ImportedMigration::default()
        }
    }

    #[test]
    fn merges_parts() {
        let merged = merge_parts(vec![
            found("10", Some("a"), None),
            found("002", None, Some("b")),
            found("2", Some("c"), None),
            found("3", None, Some("d")),
            found("4", Some("e"), None),
            found("04", Some("f"), None),
        ]);
        let versions: Vec<_> = merged.iter().filter_map(|f| f.version.as_deref()).collect();
        assert_eq!(versions, ["2", "3", "4", "04", "10"]);
        assert_eq!(merged[0].down.as_deref(), Some("b"));
        assert_eq!(merged[0].paths, ["2", "002"]);
    }

    #[test]
    fn keeps_another_order_than_that_of_versions() {
        let mut all: Vec<ImportedMigration> =
            ["1", "10", "2", "3", "11"].iter().map(|v| found(v, Some(""), None)).collect();
        keep_order(&mut all);
        let requires: Vec<_> = all.iter().map(|f| f.requires.join(",")).collect();
        assert_eq!(requires, ["", "", "10", "2", ""]);
    }

    #[test]
    fn finds_the_folder() {
        let paths = ["db/migrations/1_a.sql", "db/migrations/old/0_b.sql", "db/migrations/2_b.sql"];
        assert_eq!(uppermost_folders(paths.into_iter()), ["db/migrations"]);
        assert_eq!(uppermost_folders(["a/1.sql", "b/1.sql"].into_iter()), ["a", "b"]);
        assert_eq!(uppermost_folders(["1.sql", "b/1.sql"].into_iter()), [""]);
    }

    #[test]
    fn makes_versions_unique() {
        let mut all = vec![found("1", Some(""), None), found("1", Some(""), None)];
        make_unique(&mut all);
        assert_eq!(all[1].version.as_deref(), Some("1_x"));
    }
}

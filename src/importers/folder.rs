//! The folder in which a tool finds its files, and the order in which it runs them.

use super::name::{is_migration, is_sql, split};
use super::{File, Found, Notes, Problem};
use crate::domain::halt;
use crate::domain::version::Version;
use std::collections::{BTreeSet, HashMap};

/// The files of a tool that reads one folder, without those below it: which are the
/// tool's is said of their names. Their folder is the uppermost one that has such a file;
/// SQL elsewhere is not read. Errors: several folders have them.
pub fn flat<'a>(
    files: &[File<'a>],
    tool: &str,
    notes: &mut Notes,
    is_own: impl Fn(&str) -> bool,
) -> Result<Vec<(File<'a>, &'a str)>, Problem> {
    let folders = folders(files.iter().map(|file| file.path).filter(|path| is_own(split(path).1)));
    if let [one, other, ..] = folders[..] {
        return Err(several(one, other));
    }
    let folder = folders.first().copied();
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

/// The uppermost ones of the folders that hold the given paths.
pub fn folders<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let all: BTreeSet<&str> = paths.map(|path| split(path).0).collect();
    let depth = |folder: &str| if folder.is_empty() { 0 } else { 1 + folder.matches('/').count() };
    let least = all.iter().map(|folder| depth(folder)).min();
    all.into_iter().filter(|folder| Some(depth(folder)) == least).collect()
}

/// That migrations are in several folders.
pub fn several(one: &str, other: &str) -> Problem {
    let message = format!("migrations are in several folders, such as \"{one}\" and \"{other}\"");
    Problem::of("", message, "Load one of them, or each into a project of its own.")
}

/// Makes one migration of files that hold different parts of one version; the one with the
/// up says the rest. What holds the same part stays apart. In version order.
pub fn join(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_cached_key(|found| (key(found), found.up.is_none()));
    let mut joined: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        match joined.last_mut() {
            Some(last)
                if last.up.is_some()
                    && last.down.is_none()
                    && next.up.is_none()
                    && key(last) == key(&next) =>
            {
                last.down = next.down;
                last.paths.extend(next.paths);
            }
            _ => joined.push(next),
        }
    }
    joined
}

/// Has each migration that would come too early, by the order of versions, require the one
/// that the tool runs before it.
pub fn keep_order(found: &mut [Found]) {
    let mut highest: Option<(Vec<u8>, String)> = None;
    let mut before: Option<String> = None;
    for migration in found.iter_mut() {
        let Some(version) = migration.version.clone() else { continue };
        let key = key(migration);
        match (&highest, before) {
            (Some((above, _)), Some(before)) if *above > key => {
                if !migration.requires.contains(&before) {
                    migration.requires.push(before);
                }
            }
            _ => highest = Some((key, version.clone())),
        }
        before = Some(version);
    }
}

/// Gives migrations that share the digits of their names, of which a tool knows the whole
/// name alone, different versions: all but the first have the name in it, too.
pub fn set_apart(found: &mut [Found]) {
    let mut seen: HashMap<Vec<u8>, ()> = HashMap::new();
    for migration in found.iter_mut() {
        if seen.insert(key(migration), ()).is_some()
            && let Some(version) = &mut migration.version
        {
            *version = format!("{version}_{}", migration.name);
        }
    }
}

fn key(found: &Found) -> Vec<u8> {
    halt::work(halt::STEP);
    let text = found.version.as_deref().unwrap_or_default();
    Version::parse(text).map_or_else(|_| text.as_bytes().to_vec(), |version| version.key().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(version: &str, up: Option<&str>, down: Option<&str>) -> Found {
        Found {
            version: Some(version.into()),
            name: "x".into(),
            up: up.map(Into::into),
            down: down.map(Into::into),
            paths: vec![version.into()],
            ..Found::default()
        }
    }

    #[test]
    fn joins_parts() {
        let joined = join(vec![
            found("10", Some("a"), None),
            found("002", None, Some("b")),
            found("2", Some("c"), None),
            found("3", None, Some("d")),
            found("4", Some("e"), None),
            found("04", Some("f"), None),
        ]);
        let versions: Vec<_> = joined.iter().filter_map(|f| f.version.as_deref()).collect();
        assert_eq!(versions, ["2", "3", "4", "04", "10"]);
        assert_eq!(joined[0].down.as_deref(), Some("b"));
        assert_eq!(joined[0].paths, ["2", "002"]);
    }

    #[test]
    fn keeps_an_order_that_is_not_ours() {
        let mut all: Vec<Found> =
            ["1", "10", "2", "3", "11"].iter().map(|v| found(v, Some(""), None)).collect();
        keep_order(&mut all);
        let requires: Vec<_> = all.iter().map(|f| f.requires.join(",")).collect();
        assert_eq!(requires, ["", "", "10", "2", ""]);
    }

    #[test]
    fn finds_the_folder() {
        let paths = ["db/migrations/1_a.sql", "db/migrations/old/0_b.sql", "db/migrations/2_b.sql"];
        assert_eq!(folders(paths.into_iter()), ["db/migrations"]);
        assert_eq!(folders(["a/1.sql", "b/1.sql"].into_iter()), ["a", "b"]);
        assert_eq!(folders(["1.sql", "b/1.sql"].into_iter()), [""]);
    }

    #[test]
    fn sets_apart_what_shares_digits() {
        let mut all = vec![found("1", Some(""), None), found("1", Some(""), None)];
        set_apart(&mut all);
        assert_eq!(all[1].version.as_deref(), Some("1_x"));
    }
}

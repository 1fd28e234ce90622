//! Prisma: a folder for each migration, with `migration.sql`.

use super::name::split;
use super::{Claim, File, Found, Notes, Options, Problem, folder};
use crate::domain::room;

/// The folder of a migration.
fn own(path: &str) -> Option<&str> {
    let (folder, base) = split(path);
    (!folder.is_empty() && base == "migration.sql").then_some(folder)
}

/// Whether files are its own: one has such a name.
pub fn claims(files: &[File]) -> Claim {
    if files.iter().any(|file| own(file.path).is_some()) { Claim::Sure } else { Claim::No }
}

/// Reads them. It runs them in the order of the folders' names as text.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let roots = folder::folders(files.iter().filter_map(|file| own(file.path)));
    if let [one, other, ..] = roots[..] {
        return Err(folder::several(one, other));
    }
    let mut named = Vec::new();
    for file in files {
        let Some((root, name)) = own(file.path).map(split) else { continue };
        if roots.contains(&root) {
            named.push((name, file));
        } else {
            notes.unread(file.path, "it is in a folder that Prisma does not read");
        }
    }
    named.sort_by_key(|(name, _)| *name);
    let mut found: Vec<Found> =
        named.into_iter().map(|(name, file)| migration(name, file)).collect();
    folder::set_apart(&mut found);
    folder::keep_order(&mut found);
    Ok(found)
}

/// A migration of which the name is all that the tool knows: the digits that it begins
/// with are the version, or all of it.
pub fn migration(name: &str, file: &File) -> Found {
    let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    let (digits, rest) = name.split_at(end);
    let short = rest.trim_start_matches(['_', '-']);
    let fits = !digits.is_empty() && (rest.is_empty() || rest.len() > short.len());
    let (version, short) = if fits { (digits, short) } else { (name, name) };
    Found {
        version: Some(version.to_owned()),
        name: if short.is_empty() { name } else { short }.to_owned(),
        up: Some(room::owned(file.text)),
        paths: vec![file.path.to_owned()],
        ..Found::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, read_as, said};

    #[test]
    fn reads_folders() {
        let all = [
            ("prisma/migrations/migration_lock.toml", ""),
            ("prisma/migrations/20240131120000_add users/migration.sql", "SELECT 2"),
            ("prisma/migrations/20240131120000_b/migration.sql", "SELECT 3"),
            ("prisma/migrations/0_init/migration.sql", "SELECT 1"),
            ("prisma/migrations/20240131120000_b/down.sql", "SELECT 4"),
            ("prisma/migrations/manual/migration.sql", "SELECT 5"),
        ];
        let set = read_as(Convention::Prisma, &all);
        assert_eq!(
            said(&set),
            [
                "0 init up",
                "20240131120000 add users up",
                "20240131120000_b b up",
                "manual manual up",
            ]
        );
        assert_eq!(set.ignored.len(), 1);
        assert_eq!(detected(&all), "prisma");
    }
}

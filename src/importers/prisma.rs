//! Prisma: a folder for each migration, with `migration.sql`.

use super::path::split;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};

/// Prisma.
pub struct Prisma;

impl Importer for Prisma {
    fn name(&self) -> &'static str {
        "prisma"
    }

    /// One file must have the name.
    fn claims(&self, files: &[File]) -> Claim {
        let is_own = |file: &File| migration_folder(file.path).is_some();
        Claim::sure_if(files.iter().any(is_own))
    }

    /// Prisma runs migrations in the order of the folders' names as text.
    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let folders = files.iter().filter_map(|file| migration_folder(file.path));
        let root = folder::only_folder(&folder::uppermost_folders(folders))?;
        let mut named = Vec::new();
        for file in files {
            let Some((parent, name)) = migration_folder(file.path).map(split) else { continue };
            if Some(parent) == root {
                named.push((name, file));
            } else {
                notes.unread(file.path, "it is in a folder that Prisma does not read");
            }
        }
        named.sort_by_key(|(name, _)| *name);
        let mut migrations: Vec<ImportedMigration> = named
            .into_iter()
            .map(|(name, file)| ImportedMigration::with_name(name, file))
            .collect();
        folder::make_unique(&mut migrations);
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

/// The folder of the migration that a file holds.
fn migration_folder(path: &str) -> Option<&str> {
    let (folder, base) = split(path);
    (!folder.is_empty() && base == "migration.sql").then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};

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
        let set = read_as("prisma", &all);
        assert_eq!(
            summary(&set),
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

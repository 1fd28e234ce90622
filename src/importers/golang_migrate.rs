//! golang-migrate: `N_name.up.sql` and `N_name.down.sql`.

use super::name::{NumberedName, numbered};
use super::path::base;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Part, Problem, folder};
use crate::domain::room;

/// golang-migrate.
pub struct GolangMigrate;

impl Importer for GolangMigrate {
    fn name(&self) -> &'static str {
        "golang-migrate"
    }

    /// All numbered names must say which part the file holds.
    fn claims(&self, files: &[File]) -> Claim {
        let mut names = files.iter().filter_map(|file| numbered(base(file.path))).peekable();
        match names.peek().is_some() && names.all(|name| name.part.is_some()) {
            true => Claim::Possible,
            false => Claim::No,
        }
    }

    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let is_own = |base: &str| parse_name(base).is_some();
        let files = folder::single_folder(files, self.name(), notes, is_own)?;
        let migrations = files.into_iter().filter_map(|(file, base)| {
            let (name, part) = parse_name(base)?;
            let text = Some(room::owned(file.text));
            let (up, down) = if part == Part::Up { (text, None) } else { (None, text) };
            Some(ImportedMigration {
                version: Some(name.version),
                name: name.name,
                up,
                down,
                paths: vec![file.path.to_owned()],
                ..ImportedMigration::default()
            })
        });
        Ok(folder::merge_parts(migrations.collect()))
    }
}

fn parse_name(base: &str) -> Option<(NumberedName, Part)> {
    let name = numbered(base)?;
    let part = name.part?;
    Some((name, part))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, files, read_as, summary};
    use super::*;

    const SET: &[(&str, &str)] = &[
        ("m/1_init.up.sql", "CREATE TABLE a ();\r\n"),
        ("m/1_init.down.sql", ""),
        ("m/10_tên lạ.up.SQL", "\u{feff}SELECT 10"),
        ("m/2_hole.up.sql", "SELECT 2"),
        ("m/seed.sql", "INSERT"),
        ("m/old/0_x.up.sql", "SELECT 0"),
        ("m/README.md", ""),
    ];

    #[test]
    fn reads_pairs() {
        let set = read_as("golang-migrate", SET);
        assert_eq!(summary(&set), ["1 init up+down", "2 hole up", "10 tên lạ up"]);
        assert_eq!(set.migrations[0].down.as_deref(), Some(""));
        assert_eq!(set.migrations[0].paths, ["m/1_init.up.sql", "m/1_init.down.sql"]);
        assert_eq!(set.migrations[2].up.as_deref(), Some("SELECT 10"));
        assert_eq!(set.ignored.len(), 1, "{:?}", set.ignored);
        assert_eq!(set.problems[0].path, "m/old/0_x.up.sql");
    }

    #[test]
    fn is_found_out() {
        assert_eq!(detected(SET), "golang-migrate");
        assert_eq!(GolangMigrate.claims(&files(&[("1_a.up.sql", ""), ("2_b.sql", "")])), Claim::No);
    }

    #[test]
    fn the_same_part_twice_is_a_problem() {
        let set = read_as("golang-migrate", &[("1_a.up.sql", ""), ("01_b.up.sql", "")]);
        assert_eq!(
            set.problems[0].message,
            "01_b.up.sql and 1_a.up.sql hold the same part of one migration: both hold the up of version 1"
        );
    }
}

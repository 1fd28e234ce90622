//! golang-migrate: `N_name.up.sql` and `N_name.down.sql`.

use super::name::{FileName, numbered};
use super::{Claim, File, Found, Notes, Options, Part, Problem, folder};
use crate::domain::room;

const TOOL: &str = "golang-migrate";

fn own(base: &str) -> Option<(FileName, Part)> {
    let name = numbered(base)?;
    let part = name.part?;
    Some((name, part))
}

/// Whether files are its own: all numbered ones say which part they hold.
pub fn claims(files: &[File]) -> Claim {
    let mut names =
        files.iter().filter_map(|file| numbered(super::name::split(file.path).1)).peekable();
    if names.peek().is_some() && names.all(|name| name.part.is_some()) {
        Claim::Possible
    } else {
        Claim::No
    }
}

/// Reads them. A version of which only one part is there stays in parts.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let files = folder::flat(files, TOOL, notes, |base| own(base).is_some())?;
    let found = files.into_iter().filter_map(|(file, base)| {
        let (name, part) = own(base)?;
        let text = Some(room::owned(file.text));
        let (up, down) = if part == Part::Up { (text, None) } else { (None, text) };
        Some(Found {
            version: Some(name.version),
            name: name.name,
            up,
            down,
            paths: vec![file.path.to_owned()],
            ..Found::default()
        })
    });
    Ok(folder::join(found.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, files, read_as, said};
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
        let set = read_as(Convention::GolangMigrate, SET);
        assert_eq!(said(&set), ["1 init up+down", "2 hole up", "10 tên lạ up"]);
        assert_eq!(set.migrations[0].down.as_deref(), Some(""));
        assert_eq!(set.migrations[0].paths, ["m/1_init.up.sql", "m/1_init.down.sql"]);
        assert_eq!(set.migrations[2].up.as_deref(), Some("SELECT 10"));
        assert_eq!(set.ignored.len(), 1, "{:?}", set.ignored);
        assert_eq!(set.problems[0].path, "m/old/0_x.up.sql");
    }

    #[test]
    fn is_found_out() {
        assert_eq!(detected(SET), "golang-migrate");
        assert_eq!(claims(&files(&[("1_a.up.sql", ""), ("2_b.sql", "")])), Claim::No);
    }

    #[test]
    fn the_same_part_twice_is_a_problem() {
        let set = read_as(Convention::GolangMigrate, &[("1_a.up.sql", ""), ("01_b.up.sql", "")]);
        assert_eq!(
            set.problems[0].message,
            "01_b.up.sql and 1_a.up.sql hold the same part of one migration: both hold the up of version 1"
        );
    }
}

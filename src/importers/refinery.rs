//! refinery: `V1__x.sql` applies a version, and so does `U1__x.sql`, which refinery also runs after
//! later versions have been applied. There are no downs.

use super::path::base;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem};
use crate::domain::room;

/// refinery.
pub struct Refinery;

impl Importer for Refinery {
    fn name(&self) -> &'static str {
        "refinery"
    }

    /// Flyway has the same names, and is more likely unless there are migrations in Rust.
    fn claims(&self, files: &[File]) -> Claim {
        let claim = |file: &File| match split_ending(file.path) {
            Some((stem, Ending::Rust)) if parse_stem(stem).is_some() => Claim::Sure,
            Some((stem, Ending::Sql)) if parse_stem(stem).is_some() => Claim::Possible,
            _ => Claim::No,
        };
        files.iter().map(claim).max().unwrap_or(Claim::No)
    }

    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let mut migrations = Vec::new();
        for file in files {
            let Some((stem, ending)) = split_ending(file.path) else { continue };
            let Some((version, name)) = parse_stem(stem) else { continue };
            if ending == Ending::Rust {
                let message = "a migration in Rust cannot run inside the server";
                let hint = "Write the SQL that it generates into a file with the same version, and remove this one.";
                notes.refuse(Problem::of(file.path, message, hint));
                continue;
            }
            migrations.push(ImportedMigration {
                version: Some(version.to_owned()),
                name: name.to_owned(),
                up: Some(room::owned(file.text)),
                paths: vec![file.path.to_owned()],
                ..ImportedMigration::default()
            });
        }
        // Numbers of any length: the longer one is greater.
        let number = |migration: &ImportedMigration| {
            let version = migration.version.as_deref().unwrap_or_default();
            let digits = version.trim_start_matches('0');
            (digits.len(), digits.to_owned())
        };
        migrations.sort_by_cached_key(number);
        Ok(migrations)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Sql,
    Rust,
}

fn split_ending(path: &str) -> Option<(&str, Ending)> {
    let base = base(path);
    let sql = base.strip_suffix(".sql").map(|stem| (stem, Ending::Sql));
    sql.or_else(|| base.strip_suffix(".rs").map(|stem| (stem, Ending::Rust)))
}

/// Version and name.
fn parse_stem(stem: &str) -> Option<(&str, &str)> {
    let (version, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_number = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_number && is_word).then_some((version, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files<'a>(paths: &[&'a str]) -> Vec<File<'a>> {
        paths.iter().map(|path| File { path, text: path }).collect()
    }

    #[test]
    fn reads_both_prefixes() {
        let mut notes = Notes::default();
        let files = files(&["V10__b_c.sql", "x/U2__é.sql", "V1__a-b.sql", "V1.1__x.sql", "mod.rs"]);
        let found = Refinery.read(&files, &Options::default(), &mut notes).unwrap_or_default();
        let read: Vec<_> = found.iter().map(|f| (f.version.as_deref(), f.name.as_str())).collect();
        assert_eq!(read, [(Some("2"), "é"), (Some("10"), "b_c")]);
        assert_eq!(found[1].up.as_deref(), Some("V10__b_c.sql"));
        assert_eq!(notes, Notes::default());
    }

    #[test]
    fn refuses_rust() {
        let mut notes = Notes::default();
        let files = files(&["V1__a.sql", "V2__b.rs"]);
        let read = Refinery.read(&files, &Options::default(), &mut notes);
        assert_eq!(read.map(|migrations| migrations.len()), Ok(1));
        assert_eq!(notes.problems.len(), 1);
        assert_eq!(notes.problems[0].path, "V2__b.rs");
    }

    #[test]
    fn claims_its_names() {
        for (paths, claim) in [
            (&["V1__a.sql", "V2__b.rs"][..], Claim::Sure),
            (&["V1__a.sql"], Claim::Possible),
            (&["V1.2__a.sql", "R__x.sql", "lib.rs"], Claim::No),
        ] {
            assert_eq!(Refinery.claims(&files(paths)), claim, "{paths:?}");
        }
    }
}

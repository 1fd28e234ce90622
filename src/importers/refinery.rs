//! refinery: `V1__x.sql` applies a version, and so does `U1__x.sql`, which refinery also
//! runs when later versions are applied already. There are no downs.

use super::{Claim, File, Found, Notes, Options, Problem};
use crate::domain::room;

/// The options that it knows.
pub const OPTIONS: &[&str] = &[];

/// Whether files are its own. What has Flyway's names, too, is rather Flyway's, unless
/// there are migrations in Rust.
pub fn claims(files: &[File]) -> Claim {
    let claim = |file: &File| match stem(file.path) {
        Some((stem, Ending::Rust)) if read_stem(stem).is_some() => Claim::Sure,
        Some((stem, Ending::Sql)) if read_stem(stem).is_some() => Claim::Possible,
        _ => Claim::No,
    };
    files.iter().map(claim).max().unwrap_or(Claim::No)
}

/// Reads them. What it neither reads nor notes is noted by the caller.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut found = Vec::new();
    for file in files {
        let Some((stem, ending)) = stem(file.path) else { continue };
        let Some((version, name)) = read_stem(stem) else { continue };
        if ending == Ending::Rust {
            let message = "a migration in Rust cannot run inside the server";
            let hint = "Write the SQL that it makes into a file of the same version, and take this one away.";
            notes.refuse(Problem::of(file.path, message, hint));
            continue;
        }
        found.push(Found {
            version: Some(version.to_owned()),
            name: name.to_owned(),
            up: Some(room::owned(file.text)),
            paths: vec![file.path.to_owned()],
            ..Found::default()
        });
    }
    // Numbers without a limit: the longer one is greater.
    let number = |found: &Found| {
        let digits = found.version.as_deref().unwrap_or_default().trim_start_matches('0');
        (digits.len(), digits.to_owned())
    };
    found.sort_by_cached_key(number);
    Ok(found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Sql,
    Rust,
}

fn stem(path: &str) -> Option<(&str, Ending)> {
    let base = path.rsplit('/').next().unwrap_or(path);
    let sql = base.strip_suffix(".sql").map(|stem| (stem, Ending::Sql));
    sql.or_else(|| base.strip_suffix(".rs").map(|stem| (stem, Ending::Rust)))
}

/// Version and name.
fn read_stem(stem: &str) -> Option<(&str, &str)> {
    let (version, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    let numbered = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    let named = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (numbered && named).then_some((version, name))
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
        let found = read(&files, &Options::default(), &mut notes).unwrap_or_default();
        let read: Vec<_> = found.iter().map(|f| (f.version.as_deref(), f.name.as_str())).collect();
        assert_eq!(read, [(Some("2"), "é"), (Some("10"), "b_c")]);
        assert_eq!(found[1].up.as_deref(), Some("V10__b_c.sql"));
        assert_eq!(notes, Notes::default());
    }

    #[test]
    fn refuses_rust() {
        let mut notes = Notes::default();
        let files = files(&["V1__a.sql", "V2__b.rs"]);
        assert_eq!(read(&files, &Options::default(), &mut notes).map(|found| found.len()), Ok(1));
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
            assert_eq!(claims(&files(paths)), claim, "{paths:?}");
        }
    }
}

//! graphile-migrate: `committed/000001-name.sql` with `--! Previous:`, `--! Hash:`.

use super::name::{is_sql, split_digits};
use super::path::{base, split};
use super::section::{cut, lines};
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};
use crate::domain::script::prepare::Syntax;

/// graphile-migrate.
pub struct GraphileMigrate;

impl Importer for GraphileMigrate {
    fn name(&self) -> &'static str {
        "graphile-migrate"
    }

    fn variables(&self) -> Option<Syntax> {
        Some(Syntax::Psql)
    }

    /// One file must have the header.
    fn claims(&self, files: &[File]) -> Claim {
        let has_header = |file: &File| {
            parse_name(base(file.path)).is_some() && header(file.text).previous.is_some()
        };
        Claim::sure_if(files.iter().any(has_header))
    }

    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let committed = committed(files, notes);
        let is_own = |base: &str| parse_name(base).is_some();
        let mut own: Vec<_> = folder::single_folder(&committed, self.name(), notes, is_own)?
            .into_iter()
            .filter_map(|(file, base)| parse_name(base).map(|(number, slug)| (number, slug, file)))
            .collect();
        own.sort_by_key(|(number, _, _)| {
            let digits = number.trim_start_matches('0');
            (digits.len(), digits)
        });
        let mut migrations = Vec::new();
        let mut before: Option<&str> = None;
        let is_single = own.len() == 1;
        for (number, slug, file) in own {
            let header = header(file.text);
            let (Some(previous), Some(hash)) = (header.previous, header.hash) else {
                notes.refuse(Problem::at(
                    file.path,
                    1,
                    "\"--! Previous:\" or \"--! Hash:\" is missing",
                    "Commit the migration with graphile-migrate, or restore the file.",
                ));
                continue;
            };
            if !is_single && previous != before.unwrap_or("-") {
                notes.refuse(Problem::at(
                    file.path,
                    1,
                    "it does not follow the file before it: \"--! Previous:\" has another hash",
                    "Restore the files as they were committed.",
                ));
            }
            before = Some(hash);
            let name = header.message.unwrap_or(slug);
            let body = header.end..file.text.len();
            migrations.push(ImportedMigration {
                version: Some(number.to_owned()),
                name: if name.is_empty() { number } else { name }.to_owned(),
                transactional: forbids_transaction(&file.text[body.clone()]).then_some(false),
                up: Some(cut(file.text, &[body])),
                paths: vec![file.path.to_owned()],
                ..ImportedMigration::default()
            });
        }
        Ok(migrations)
    }
}

/// The files that are committed; the others are noted.
fn committed<'a>(files: &[File<'a>], notes: &mut Notes) -> Vec<File<'a>> {
    let mut committed = Vec::new();
    for file in files.iter().filter(|file| is_sql(file.path)) {
        let (folder, base) = split(file.path);
        let parent = split(folder).1;
        if base == "current.sql" || parent == "current" {
            notes.ignore(file.path, "it is not committed yet");
        } else if parent == "fixtures" || file.path.contains("fixtures/") {
            notes.ignore(file.path, "committed files that include a fixture contain its text");
        } else if header(file.text).hash.is_some() || parent == "committed" {
            committed.push(*file);
        } else {
            notes.unread(file.path, "graphile-migrate does not run it as a migration");
        }
    }
    committed
}

/// The headers at the beginning of a file.
#[derive(Default)]
struct Header<'a> {
    previous: Option<&'a str>,
    hash: Option<&'a str>,
    message: Option<&'a str>,
    /// The offset at which the body begins.
    end: usize,
}

fn header<'a>(text: &'a str) -> Header<'a> {
    let mut header = Header::default();
    for line in lines(text) {
        let Some(rest) = line.text.strip_prefix("--! ") else { break };
        if !rest.starts_with(|c: char| c.is_ascii_uppercase()) {
            break;
        }
        header.end = line.end;
        let (key, value) = rest.split_once(':').unwrap_or((rest, ""));
        let value = Some(value.trim()).filter(|value| !value.is_empty());
        match key.trim_end() {
            "Previous" => header.previous = value,
            "Hash" => header.hash = value,
            "Message" => header.message = value,
            _ => {}
        }
    }
    header
}

/// The number and the rest of a file's name.
fn parse_name(base: &str) -> Option<(&str, &str)> {
    let (number, rest) = split_digits(base.strip_suffix(".sql")?);
    let fits = !number.is_empty() && (rest.is_empty() || rest.starts_with('-'));
    fits.then(|| (number, rest.trim_start_matches('-')))
}

/// Whether the first line of the body that is not empty disables the transaction.
fn forbids_transaction(body: &str) -> bool {
    let first = body.trim_start();
    let Some(rest) = first.strip_prefix("--!") else { return false };
    rest.trim_start()
        .strip_prefix("no-transaction")
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};

    const FIRST: &str =
        "--! Previous: -\n--! Hash: sha1:aa\n\n--! split: 1-a.sql\nCREATE TABLE a ();\n";
    const SECOND: &str = "--! Previous: sha1:aa\r\n--! Hash: sha1:bb\r\n--! Message: Add a: b\r\n\r\n--! no-transaction\r\nVACUUM;";

    #[test]
    fn reads_what_is_committed() {
        let all = [
            ("migrations/committed/000001.sql", FIRST),
            ("migrations/committed/000002-add-a.sql", SECOND),
            ("migrations/current.sql", "SELECT 1"),
            ("migrations/current/1-x.sql", "SELECT 1"),
            ("migrations/fixtures/f/1_x.sql", "SELECT 1"),
            ("migrations/afterReset.sql", "SELECT 1"),
        ];
        let set = read_as("graphile-migrate", &all);
        assert_eq!(summary(&set), ["000001 000001 up", "000002 Add a: b up no-tx"]);
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some("-- pg_migrations: line 3\n\n--! split: 1-a.sql\nCREATE TABLE a ();\n")
        );
        assert_eq!(set.ignored.len(), 4, "{:?}", set.ignored);
        assert_eq!(detected(&all), "graphile-migrate");
        assert_eq!(detected(&[("000002-add-a.sql", SECOND)]), "graphile-migrate");
    }

    #[test]
    fn refuses_a_broken_chain() {
        let set = read_as(
            "graphile-migrate",
            &[
                ("committed/000001.sql", FIRST),
                ("committed/000002.sql", FIRST),
                ("committed/000003.sql", "SELECT 1"),
            ],
        );
        let messages: Vec<_> = set.problems.iter().map(|p| p.message.as_str()).collect();
        assert!(messages[0].contains("does not follow"), "{messages:?}");
        assert!(messages[1].contains("is missing"), "{messages:?}");
    }
}

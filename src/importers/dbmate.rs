//! dbmate: `V_name.sql` with `-- migrate:up` and `-- migrate:down`.

use super::name::split_digits;
use super::path::base;
use super::section::{Line, Section, contains, head, lines};
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Part, Problem, folder};

/// dbmate.
pub struct Dbmate;

impl Importer for Dbmate {
    fn name(&self) -> &'static str {
        "dbmate"
    }

    /// One file must have a marker.
    fn claims(&self, files: &[File]) -> Claim {
        let has_marker = |file: &File| {
            parse_name(base(file.path)).is_some()
                && contains(file.text, "migrate:")
                && lines(file.text).any(|line| marker(&line).is_some())
        };
        Claim::sure_if(files.iter().any(has_marker))
    }

    /// dbmate runs files in the order of their names as text.
    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let is_own = |base: &str| parse_name(base).is_some();
        let mut files = folder::single_folder(files, self.name(), notes, is_own)?;
        files.sort_by_key(|(_, base)| *base);
        let mut migrations = Vec::new();
        for (file, base) in files {
            let Some((version, name)) = parse_name(base) else { continue };
            let Some(sections) = notes.take(sections(&file)) else { continue };
            migrations.push(ImportedMigration {
                version: Some(version.to_owned()),
                name: name.to_owned(),
                up: sections.up.map(Section::finish),
                down: sections.down.map(Section::finish),
                transactional: sections.transactional,
                paths: vec![file.path.to_owned()],
                ..ImportedMigration::default()
            });
        }
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

/// The version and name of a file: the digits that it begins with, and the rest.
fn parse_name(base: &str) -> Option<(&str, &str)> {
    let (version, name) = split_digits(base.strip_suffix(".sql")?);
    let name = name.trim_start_matches(['_', '-', ' ', '.']);
    (!version.is_empty()).then_some((version, if name.is_empty() { version } else { name }))
}

/// The part that begins at a line, and whether it runs without a transaction.
fn marker(line: &Line) -> Option<(Part, bool)> {
    let rest = line.text.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let (part, options) = if let Some(options) = rest.strip_prefix("up") {
        (Part::Up, options)
    } else {
        (Part::Down, rest.strip_prefix("down")?)
    };
    if !options.is_empty() && !options.starts_with(char::is_whitespace) {
        return None;
    }
    // The last one of several counts.
    let last = options.split_whitespace().rfind(|option| option.starts_with("transaction:"));
    Some((part, last == Some("transaction:false")))
}

/// Whether a line is a marker except for case and indentation. dbmate only recognises lower case at
/// the beginning of a line, and would run a down together with the up.
fn is_almost_marker(line: &Line) -> bool {
    let comment = line.text.trim_start();
    if !comment.starts_with("--") {
        return false;
    }
    let text = head(comment).to_ascii_lowercase();
    marker(line).is_none() && marker(&Line { text: &text, ..*line }).is_some()
}

/// The sections of a file. It may have several of each part, which run in their order.
#[derive(Default)]
struct Sections {
    up: Option<Section>,
    down: Option<Section>,
    transactional: Option<bool>,
}

fn sections(file: &File) -> Result<Sections, Problem> {
    let mut sections = Sections::default();
    let mut part = None;
    for line in lines(file.text) {
        let wrong =
            |message: &str, hint: &str| Err(Problem::at(file.path, line.number, message, hint));
        if is_almost_marker(&line) {
            return wrong(
                "dbmate does not recognise the marker in this form",
                "Write it in lower case, at the beginning of the line.",
            );
        }
        match (marker(&line), part) {
            (Some((Part::Down, _)), None | Some(Part::Down)) => {
                return wrong(
                    "\"-- migrate:down\" without a \"-- migrate:up\" above it",
                    "Move it below the SQL that it rolls back.",
                );
            }
            (Some((Part::Up, without_transaction)), _) => {
                part = Some(Part::Up);
                sections.up.get_or_insert_default();
                if without_transaction {
                    sections.transactional = Some(false);
                }
            }
            (Some((Part::Down, _)), Some(Part::Up)) => {
                part = Some(Part::Down);
                sections.down.get_or_insert_default();
            }
            (None, Some(Part::Up)) => sections.up.get_or_insert_default().add(file.text, &line),
            (None, Some(Part::Down)) => sections.down.get_or_insert_default().add(file.text, &line),
            (None, None) if is_blank_or_comment(&line) => {}
            (None, None) => {
                return wrong("text before \"-- migrate:up\"", "Add \"-- migrate:up\" above it.");
            }
        }
    }
    match sections.up {
        Some(_) => Ok(sections),
        None => Err(Problem::without_up(file.path, "-- migrate:up")),
    }
}

fn is_blank_or_comment(line: &Line) -> bool {
    let text = line.text.trim();
    text.is_empty() || text.starts_with("--")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, refused, summary};

    fn one(text: &str) -> super::super::Set {
        read_as("dbmate", &[("db/migrations/20240131120000_a.sql", text)])
    }

    #[test]
    fn reads_sections() {
        let text = "-- a note\n\n--migrate:up  transaction:false\r\nCREATE TABLE a ();\n-- migrate:upper\n\n-- migrate:down\nDROP TABLE a";
        let set = one(text);
        assert_eq!(summary(&set), ["20240131120000 a up+down no-tx"]);
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some("-- pg_migrations: line 4\nCREATE TABLE a ();\n-- migrate:upper\n\n")
        );
        assert_eq!(
            set.migrations[0].down.as_deref(),
            Some("-- pg_migrations: line 8\nDROP TABLE a")
        );
        assert_eq!(detected(&[("1_a.sql", text)]), "dbmate");
    }

    #[test]
    fn a_down_may_be_empty_missing_or_several() {
        assert_eq!(summary(&one("-- migrate:up\n-- migrate:down")), ["20240131120000 a up+down"]);
        assert_eq!(summary(&one("-- migrate:up transaction:true")), ["20240131120000 a up"]);
        let set =
            one("-- migrate:up\n1\n-- migrate:down\n2\n-- migrate:up\n3\n-- migrate:down\n4\n");
        assert_eq!(set.migrations[0].up.as_deref(), Some("-- pg_migrations: line 2\n1\n\n\n\n3\n"));
        assert_eq!(
            set.migrations[0].down.as_deref(),
            Some("-- pg_migrations: line 4\n2\n\n\n\n4\n")
        );
    }

    #[test]
    fn refuses_what_dbmate_refuses() {
        for (text, line, message) in [
            ("CREATE TABLE a ();\n-- migrate:up", 1, "text before"),
            ("-- nothing\n", 0, "there is no"),
            ("-- migrate:up\n  -- migrate:down\nDROP TABLE a;", 2, "in this form"),
            ("-- Migrate:Up\n", 1, "in this form"),
            ("-- migrate:down\n-- migrate:up", 1, "without a"),
            ("-- migrate:up\n-- migrate:down\n\n-- migrate:down", 4, "without a"),
        ] {
            refused(text, &one(text).problems, line, message);
        }
    }

    #[test]
    fn the_order_is_that_of_names() {
        let up = "-- migrate:up\n";
        let set = read_as(
            "dbmate",
            &[
                ("2_b.sql", up),
                ("1_a.sql", up),
                ("10_c.sql", up),
                ("schema.sql", ""),
                ("3.SQL", up),
            ],
        );
        assert_eq!(summary(&set), ["10 c up", "1 a up requires:10", "2 b up requires:1"]);
        assert_eq!(set.ignored[0].0, "schema.sql");
        assert_eq!(set.problems[0].path, "3.SQL");
    }
}

//! node-pg-migrate: SQL files named `N_name.sql`, with `-- Up Migration` and `-- Down Migration`.

use super::name::{begins_with_digit, split_digits};
use super::path::base;
use super::section::{cut, head, lines};
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Part, Problem, folder};
use crate::domain::room;
use crate::domain::script::skip_blank;

/// node-pg-migrate.
pub struct NodePgMigrate;

impl Importer for NodePgMigrate {
    fn name(&self) -> &'static str {
        "node-pg-migrate"
    }

    /// One file must have the markers as the tool's template has them.
    fn claims(&self, files: &[File]) -> Claim {
        Claim::sure_if(files.iter().any(has_template))
    }

    /// node-pg-migrate runs files in the order of their numbers. Those with 17 digits are times.
    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let mut numbered = Vec::new();
        let is_own = |base: &str| is_sql(base) || is_code(base);
        for (file, base) in folder::single_folder(files, self.name(), notes, is_own)? {
            if is_code(base) {
                notes.refuse(Problem::of(
                    file.path,
                    "a migration in JavaScript cannot run inside the server",
                    "Write it in SQL, with the same number; node-pg-migrate prints the SQL with --dry-run.",
                ));
                continue;
            }
            match number(base) {
                Some(number) => numbered.push((number, base, file)),
                None => notes.refuse(Problem::unknown_name(file.path)),
            }
        }
        numbered.sort_by_key(|(number, base, _)| (*number, *base));
        let mut migrations = Vec::new();
        for (_, base, file) in numbered {
            let read = sections(&file, notes);
            let Some((up, down)) = notes.take(read) else { continue };
            migrations.push(ImportedMigration {
                up: Some(up),
                down,
                ..ImportedMigration::with_name(base.trim_end_matches(".sql"), &file)
            });
        }
        folder::make_unique(&mut migrations);
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

const CODE: [&str; 6] = [".js", ".ts", ".cjs", ".mjs", ".cts", ".mts"];

fn is_sql(base: &str) -> bool {
    base.ends_with(".sql")
}

fn is_code(base: &str) -> bool {
    let code = CODE.iter().any(|ending| base.ends_with(ending));
    code && !base.ends_with(".d.ts") && begins_with_digit(base)
}

/// Whether a file has the markers as the template has them: the first one is above all SQL, and
/// nothing follows them in their lines. In files of other tools the same words are a note.
fn has_template(file: &File) -> bool {
    let base = base(file.path);
    let is_single_part = [".up.sql", ".down.sql"].iter().any(|ending| base.ends_with(ending));
    let markers = || lines(file.text).filter(|line| marker(line.text).is_some());
    let is_bare = |text: &str| {
        let text = text.trim_end();
        text.len() < 1000 && text.to_ascii_lowercase().ends_with(" migration")
    };
    is_sql(base)
        && !is_single_part
        && begins_with_digit(base)
        && markers()
            .next()
            .is_some_and(|line| skip_blank(&file.text[..line.start], 0) == line.start)
        && markers().any(|line| marker(line.text) == Some(Part::Up))
        && markers().all(|line| is_bare(line.text))
}

/// The part that begins at a line: `--`, more hyphens and white space, then the words, in any case.
fn marker(line: &str) -> Option<Part> {
    let rest = line.trim_start().strip_prefix("--")?;
    let rest = rest.trim_start_matches(|c: char| c == '-' || c.is_whitespace());
    let rest = head(rest).to_ascii_lowercase();
    let mut words = rest.split_whitespace();
    let part = match words.next()? {
        "up" => Part::Up,
        "down" => Part::Down,
        _ => return None,
    };
    words.next()?.starts_with("migration").then_some(part)
}

/// The up and the down of a file.
fn sections(file: &File, notes: &mut Notes) -> Result<(String, Option<String>), Problem> {
    let first = |part| lines(file.text).find(|line| marker(line.text) == Some(part));
    let section = |from: usize, to: usize| cut(file.text, std::slice::from_ref(&(from..to)));
    let end = file.text.len();
    let (begin, up, down) = match (first(Part::Up), first(Part::Down)) {
        (None, None) => return Ok((room::owned(file.text), None)),
        (None, Some(down)) => {
            return Err(Problem::at(
                file.path,
                down.number,
                "there is a \"-- Down Migration\", but no \"-- Up Migration\"",
                "Add one above the SQL that applies the migration.",
            ));
        }
        (Some(up), None) => (up.start, section(up.start, end), None),
        (Some(up), Some(down)) if up.start < down.start => {
            (up.start, section(up.start, down.start), Some(section(down.start, end)))
        }
        (Some(up), Some(down)) => {
            (down.start, section(up.start, end), Some(section(down.start, up.start)))
        }
    };
    if skip_blank(&file.text[..begin], 0) < begin {
        notes.ignore(file.path, "node-pg-migrate does not run text above the first marker");
    }
    // A down that was left empty in the template is none.
    Ok((up, down.filter(|down| skip_blank(down, 0) < down.len())))
}

/// The number that a file's name begins with. 17 digits are a time in UTC; it is converted to
/// milliseconds since 1970, which are the other numbers.
fn number(base: &str) -> Option<i128> {
    let (digits, _) = split_digits(base);
    let number: i128 = digits.parse().ok()?;
    if digits.len() != 17 {
        return Some(number);
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i128>().unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    // The days since 1970, with years that begin in March.
    let year = if month < 3 { year - 1 } else { year };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + ((month + 9) % 12 * 306 + 5) / 10 + day
            - 719_469;
    let seconds = ((days * 24 + part(8, 10)) * 60 + part(10, 12)) * 60 + part(12, 14);
    Some(seconds * 1000 + part(14, 17))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};
    use super::*;

    #[test]
    fn reads_sections() {
        let text =
            "-- Up Migration\r\nCREATE TABLE a ();\n\n---- down   MIGRATION of it\nDROP TABLE a;";
        let set = read_as("node-pg-migrate", &[("1391877300255_a-b.sql", text)]);
        assert_eq!(summary(&set), ["1391877300255 a-b up+down"]);
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some("-- Up Migration\r\nCREATE TABLE a ();\n\n")
        );
        assert_eq!(
            set.migrations[0].down.as_deref(),
            Some("-- pg_migrations: line 4\n---- down   MIGRATION of it\nDROP TABLE a;")
        );
        let template = "-- Up Migration\nSELECT 1;\n-- Down Migration\n";
        assert_eq!(detected(&[("1_a.sql", template)]), "node-pg-migrate");
        assert_eq!(summary(&read_as("node-pg-migrate", &[("1_a.sql", template)])), ["1 a up"]);
        // Notes to people.
        for note in [
            "SELECT 0;\n-- Up migration\nSELECT 1;",
            "-- Up migration: the tables\nSELECT 1;",
            "-- Up migration\nSELECT 1;\n-- Down migration (commented out)\n-- SELECT 2;",
            "SELECT 1;\n-- Down Migration\n-- SELECT 2;\n",
        ] {
            let set = read_as("numbered", &[("1_a.sql", note)]);
            assert_eq!(summary(&set), ["1 a up"], "{note}");
            assert_eq!(detected(&[("1_a.sql", "SELECT 1"), ("2_b.sql", note)]), "numbered");
        }
        assert_eq!(detected(&[("1_a.up.sql", "-- Up migration")]), "golang-migrate");
    }

    #[test]
    fn the_down_may_come_first_or_be_missing() {
        let set = read_as(
            "node-pg-migrate",
            &[
                ("1_a.sql", "-- down migration\n1\n-- up migration\n2\n"),
                ("2_b.sql", "SELECT 1"),
                ("3_c.sql", "-- a note\nSELECT 0;\n-- Up Migration\nSELECT 1"),
            ],
        );
        assert_eq!(summary(&set), ["1 a up+down", "2 b up", "3 c up"]);
        assert_eq!(
            set.migrations[2].up.as_deref(),
            Some("-- pg_migrations: line 3\n-- Up Migration\nSELECT 1")
        );
        assert_eq!(set.ignored.len(), 1);
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some("-- pg_migrations: line 3\n-- up migration\n2\n")
        );
        assert_eq!(set.migrations[0].down.as_deref(), Some("-- down migration\n1\n"));
    }

    #[test]
    fn times_come_where_they_belong() {
        assert_eq!(number("19700101000000000_a.sql"), Some(0));
        assert_eq!(number("20200513070724505_a.sql"), Some(1_589_353_644_505));
        assert_eq!(number("20240229235959999.sql"), Some(1_709_251_199_999));
        let set = read_as(
            "node-pg-migrate",
            &[
                ("20200513070724505_a.sql", ""),
                ("1589353644504_b.sql", ""),
                ("1589353644506_c.sql", ""),
            ],
        );
        assert_eq!(
            summary(&set),
            [
                "1589353644504 b up",
                "20200513070724505 a up",
                "1589353644506 c up requires:20200513070724505"
            ]
        );
    }

    #[test]
    fn refuses_what_cannot_be() {
        let set = read_as(
            "node-pg-migrate",
            &[
                ("1_a.sql", "\n-- Down Migration\n"),
                ("2_b.js", ""),
                ("x.sql", ""),
                ("helper.ts", ""),
            ],
        );
        let paths: Vec<_> = set.problems.iter().map(|p| (p.path.as_str(), p.line)).collect();
        assert_eq!(paths, [("2_b.js", None), ("x.sql", None), ("1_a.sql", Some(2))]);
    }
}

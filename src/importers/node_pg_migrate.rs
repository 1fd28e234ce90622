//! node-pg-migrate's files of SQL: `N_name.sql` with `-- Up Migration` and
//! `-- Down Migration`.

use super::name::split;
use super::section::{cut, head, lines};
use super::{Claim, File, Found, Notes, Options, Part, Problem, folder, prisma, unknown_name};
use crate::domain::room;
use crate::domain::script::skip_blank;

const CODE: [&str; 6] = [".js", ".ts", ".cjs", ".mjs", ".cts", ".mts"];

fn is_sql(base: &str) -> bool {
    base.ends_with(".sql")
}

fn is_code(base: &str) -> bool {
    let code = CODE.iter().any(|ending| base.ends_with(ending));
    code && !base.ends_with(".d.ts") && base.starts_with(|c: char| c.is_ascii_digit())
}

/// The part that begins at a line: `--`, more hyphens and white space, then the word, in
/// any case.
fn mark(line: &str) -> Option<Part> {
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

/// Whether files are its own: one begins with the mark of its up as its template has it,
/// above all SQL and with nothing behind it in the line, and that of its down is like it. In
/// files of other tools the same words are a note to people.
pub fn claims(files: &[File]) -> Claim {
    let marked = |file: &File| {
        let base = split(file.path).1;
        let single = [".up.sql", ".down.sql"].iter().any(|ending| base.ends_with(ending));
        let marks = || lines(file.text).filter(|line| mark(line.text).is_some());
        let is_bare = |text: &str| {
            let text = text.trim_end();
            text.len() < 1000 && text.to_ascii_lowercase().ends_with(" migration")
        };
        is_sql(base)
            && !single
            && base.starts_with(|c: char| c.is_ascii_digit())
            && marks()
                .next()
                .is_some_and(|line| skip_blank(&file.text[..line.start], 0) == line.start)
            && marks().any(|line| mark(line.text) == Some(Part::Up))
            && marks().all(|line| is_bare(line.text))
    };
    if files.iter().any(marked) { Claim::Sure } else { Claim::No }
}

/// Reads them. It runs them in the order of their numbers, of which those with 17 digits
/// are times.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut numbered = Vec::new();
    for (file, base) in
        folder::flat(files, "node-pg-migrate", notes, |base| is_sql(base) || is_code(base))?
    {
        if is_code(base) {
            notes.refuse(Problem::of(
                file.path,
                "a migration in JavaScript cannot run inside the server",
                "Write it in SQL, with the same number; node-pg-migrate shows it with --dry-run.",
            ));
            continue;
        }
        match number(base) {
            Some(number) => numbered.push((number, base, file)),
            None => notes.refuse(unknown_name(file.path)),
        }
    }
    numbered.sort_by_key(|(number, base, _)| (*number, *base));
    let mut found = Vec::new();
    for (_, base, file) in numbered {
        match sections(&file, notes) {
            Ok((up, down)) => {
                let named = prisma::migration(base.trim_end_matches(".sql"), &file);
                found.push(Found { up: Some(up), down, ..named });
            }
            Err(problem) => notes.refuse(problem),
        }
    }
    folder::set_apart(&mut found);
    folder::keep_order(&mut found);
    Ok(found)
}

fn sections(file: &File, notes: &mut Notes) -> Result<(String, Option<String>), Problem> {
    let first = |part| lines(file.text).find(|line| mark(line.text) == Some(part));
    let section = |from: usize, to: usize| cut(file.text, std::slice::from_ref(&(from..to)));
    let end = file.text.len();
    let (begin, up, down) = match (first(Part::Up), first(Part::Down)) {
        (None, None) => return Ok((room::owned(file.text), None)),
        (None, Some(down)) => {
            return Err(Problem::at(
                file.path,
                down.number,
                "there is a \"-- Down Migration\", but no \"-- Up Migration\"",
                "Put one above what applies the migration.",
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
        notes.ignore(file.path, "node-pg-migrate does not run text above the first mark");
    }
    // Of a template that nobody has filled in there is nothing to run.
    Ok((up, down.filter(|down| skip_blank(down, 0) < down.len())))
}

/// The number that a file's name begins with; 17 digits are a time in UTC, which counts as
/// the milliseconds of its epoch.
fn number(base: &str) -> Option<i128> {
    let end = base.find(|c: char| !c.is_ascii_digit()).unwrap_or(base.len());
    let digits = &base[..end];
    let number: i128 = digits.parse().ok()?;
    if digits.len() != 17 {
        return Some(number);
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i128>().unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    // Days of the calendar, with years that begin in March.
    let year = if month < 3 { year - 1 } else { year };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + ((month + 9) % 12 * 306 + 5) / 10 + day
            - 719_469;
    let seconds = ((days * 24 + part(8, 10)) * 60 + part(10, 12)) * 60 + part(12, 14);
    Some(seconds * 1000 + part(14, 17))
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, read_as, said};
    use super::*;

    #[test]
    fn reads_sections() {
        let text =
            "-- Up Migration\r\nCREATE TABLE a ();\n\n---- down   MIGRATION of it\nDROP TABLE a;";
        let set = read_as(Convention::NodePgMigrate, &[("1391877300255_a-b.sql", text)]);
        assert_eq!(said(&set), ["1391877300255 a-b up+down"]);
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
        assert_eq!(said(&read_as(Convention::NodePgMigrate, &[("1_a.sql", template)])), ["1 a up"]);
        // Notes to people.
        for note in [
            "SELECT 0;\n-- Up migration\nSELECT 1;",
            "-- Up migration: the tables\nSELECT 1;",
            "-- Up migration\nSELECT 1;\n-- Down migration (commented out)\n-- SELECT 2;",
            "SELECT 1;\n-- Down Migration\n-- SELECT 2;\n",
        ] {
            let set = read_as(Convention::Numbered, &[("1_a.sql", note)]);
            assert_eq!(said(&set), ["1 a up"], "{note}");
            assert_eq!(detected(&[("1_a.sql", "SELECT 1"), ("2_b.sql", note)]), "numbered");
        }
        assert_eq!(detected(&[("1_a.up.sql", "-- Up migration")]), "golang-migrate");
    }

    #[test]
    fn the_down_may_come_first_or_be_missing() {
        let set = read_as(
            Convention::NodePgMigrate,
            &[
                ("1_a.sql", "-- down migration\n1\n-- up migration\n2\n"),
                ("2_b.sql", "SELECT 1"),
                ("3_c.sql", "-- a note\nSELECT 0;\n-- Up Migration\nSELECT 1"),
            ],
        );
        assert_eq!(said(&set), ["1 a up+down", "2 b up", "3 c up"]);
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
            Convention::NodePgMigrate,
            &[
                ("20200513070724505_a.sql", ""),
                ("1589353644504_b.sql", ""),
                ("1589353644506_c.sql", ""),
            ],
        );
        assert_eq!(
            said(&set),
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
            Convention::NodePgMigrate,
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

//! dbmate: `V_name.sql` with `-- migrate:up` and `-- migrate:down`.

use super::name::split;
use super::section::{Line, Section, head, holds, lines};
use super::{Claim, File, Found, Notes, Options, Part, Problem, folder};

const TOOL: &str = "dbmate";

/// The version and name of a file: the digits that it begins with, and the rest.
fn own(base: &str) -> Option<(&str, &str)> {
    let stem = base.strip_suffix(".sql")?;
    let end = stem.find(|c: char| !c.is_ascii_digit()).unwrap_or(stem.len());
    let (version, name) = stem.split_at(end);
    let name = name.trim_start_matches(['_', '-', ' ', '.']);
    (!version.is_empty()).then_some((version, if name.is_empty() { version } else { name }))
}

/// The part that begins at a line, and whether it is to run without a transaction.
fn mark(line: &Line) -> Option<(Part, bool)> {
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

/// Whether a line would be a mark, were it written otherwise: dbmate knows small letters at
/// the beginning of a line alone, and would run a down with the up.
fn is_almost_mark(line: &Line) -> bool {
    let comment = line.text.trim_start();
    if !comment.starts_with("--") {
        return false;
    }
    let text = head(comment).to_ascii_lowercase();
    mark(line).is_none() && mark(&Line { text: &text, ..*line }).is_some()
}

/// Whether files are its own: one has such a mark.
pub fn claims(files: &[File]) -> Claim {
    let marked = |file: &File| {
        own(split(file.path).1).is_some()
            && holds(file.text, "migrate:")
            && lines(file.text).any(|line| mark(&line).is_some())
    };
    if files.iter().any(marked) { Claim::Sure } else { Claim::No }
}

/// Reads them. It runs them in the order of their names as text.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut files = folder::flat(files, TOOL, notes, |base| own(base).is_some())?;
    files.sort_by_key(|(_, base)| *base);
    let mut found = Vec::new();
    for (file, base) in files {
        let Some((version, name)) = own(base) else { continue };
        match sections(&file) {
            Ok((up, down, transactional)) => found.push(Found {
                version: Some(version.to_owned()),
                name: name.to_owned(),
                up: Some(up),
                down,
                transactional,
                paths: vec![file.path.to_owned()],
                ..Found::default()
            }),
            Err(problem) => notes.refuse(problem),
        }
    }
    folder::keep_order(&mut found);
    Ok(found)
}

/// Up, down, and whether there is to be a transaction. A file may hold several of each,
/// which run in their order.
fn sections(file: &File) -> Result<(String, Option<String>, Option<bool>), Problem> {
    let (mut up, mut down): (Option<Section>, Option<Section>) = (None, None);
    let mut part = None;
    let mut transactional = None;
    for line in lines(file.text) {
        if is_almost_mark(&line) {
            return Err(Problem::at(
                file.path,
                line.number,
                "dbmate does not know this mark as it is written",
                "Write it in small letters, at the beginning of the line.",
            ));
        }
        match (mark(&line), part) {
            (Some((Part::Down, _)), None | Some(Part::Down)) => {
                return Err(Problem::at(
                    file.path,
                    line.number,
                    "\"-- migrate:down\" without a \"-- migrate:up\" above it",
                    "Put it below what it takes back.",
                ));
            }
            (Some((Part::Up, without)), _) => {
                part = Some(Part::Up);
                up.get_or_insert_default();
                if without {
                    transactional = Some(false);
                }
            }
            (Some((Part::Down, _)), Some(Part::Up)) => {
                part = Some(Part::Down);
                down.get_or_insert_default();
            }
            (None, Some(Part::Up)) => up.get_or_insert_default().add(file.text, &line),
            (None, Some(Part::Down)) => down.get_or_insert_default().add(file.text, &line),
            (None, None) => {
                let text = line.text.trim();
                if !text.is_empty() && !text.starts_with("--") {
                    return Err(Problem::at(
                        file.path,
                        line.number,
                        "text before \"-- migrate:up\"",
                        "Put \"-- migrate:up\" above it.",
                    ));
                }
            }
        }
    }
    match up {
        Some(up) => Ok((up.finish(), down.map(Section::finish), transactional)),
        None => Err(Problem::without_up(file.path, "-- migrate:up")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, read_as, refused, said};

    fn one(text: &str) -> super::super::Set {
        read_as(Convention::Dbmate, &[("db/migrations/20240131120000_a.sql", text)])
    }

    #[test]
    fn reads_sections() {
        let text = "-- a note\n\n--migrate:up  transaction:false\r\nCREATE TABLE a ();\n-- migrate:upper\n\n-- migrate:down\nDROP TABLE a";
        let set = one(text);
        assert_eq!(said(&set), ["20240131120000 a up+down no-tx"]);
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
        assert_eq!(said(&one("-- migrate:up\n-- migrate:down")), ["20240131120000 a up+down"]);
        assert_eq!(said(&one("-- migrate:up transaction:true")), ["20240131120000 a up"]);
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
            ("-- migrate:up\n  -- migrate:down\nDROP TABLE a;", 2, "as it is written"),
            ("-- Migrate:Up\n", 1, "as it is written"),
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
            Convention::Dbmate,
            &[
                ("2_b.sql", up),
                ("1_a.sql", up),
                ("10_c.sql", up),
                ("schema.sql", ""),
                ("3.SQL", up),
            ],
        );
        assert_eq!(said(&set), ["10 c up", "1 a up requires:10", "2 b up requires:1"]);
        assert_eq!(set.ignored[0].0, "schema.sql");
        assert_eq!(set.problems[0].path, "3.SQL");
    }
}

//! goose: `N_name.sql` with `-- +goose Up` and `-- +goose Down`.

use super::name::split;
use super::section::{Line, Section, head, holds, lines};
use super::{Claim, File, Found, Notes, Options, Problem, folder, unknown_name};

const TOOL: &str = "goose";

/// What a line says to goose: any comment with `+goose` in it does, or is an error.
fn annotation<'a>(line: &Line<'a>) -> Option<&'a str> {
    let comment = line.text.trim_start().strip_prefix("--")?;
    let (_, rest) = comment.split_once("+goose")?;
    Some(rest.trim())
}

/// The version and name of a file: digits up to the first underscore.
fn own(base: &str) -> Option<(&str, &str)> {
    let (version, name) = base.strip_suffix(".sql")?.split_once('_')?;
    let numbered = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    numbered.then_some((version, if name.is_empty() { version } else { name }))
}

/// Whether files are its own: one has such a mark.
pub fn claims(files: &[File]) -> Claim {
    let marked = |file: &File| {
        own(split(file.path).1).is_some()
            && holds(file.text, "+goose")
            && lines(file.text).any(|line| annotation(&line).is_some())
    };
    if files.iter().any(marked) { Claim::Sure } else { Claim::No }
}

/// Reads them.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let candidates =
        folder::flat(files, TOOL, notes, |base| base.ends_with(".sql") || is_go(base))?;
    let mut found = Vec::new();
    for (file, base) in candidates {
        if is_go(base) {
            notes.refuse(Problem::of(
                file.path,
                "a migration in Go cannot run inside the server",
                "Write it in SQL, with the same version.",
            ));
            continue;
        }
        let Some((version, name)) = own(base) else {
            notes.refuse(unknown_name(file.path));
            continue;
        };
        match sections(&file) {
            Ok(Sections { up, down, transactional }) => found.push(Found {
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
    Ok(folder::join(found))
}

fn is_go(base: &str) -> bool {
    base.ends_with(".go")
        && !base.ends_with("_test.go")
        && base.starts_with(|c: char| c.is_ascii_digit())
}

struct Sections {
    up: String,
    down: Option<String>,
    transactional: Option<bool>,
}

fn sections(file: &File) -> Result<Sections, Problem> {
    let wrong = |line: &Line, message: &str, hint: &str| {
        Err(Problem::at(file.path, line.number, message, hint))
    };
    let (mut up, mut down): (Option<Section>, Option<Section>) = (None, None);
    let mut transactional = None;
    // The line of a StatementBegin that isn't ended yet.
    let mut begun: Option<usize> = None;
    for line in lines(file.text) {
        let Some(word) = annotation(&line) else {
            match down.as_mut().or(up.as_mut()) {
                Some(section) => section.add(file.text, &line),
                None if line.text.trim().is_empty() || line.text.trim_start().starts_with("--") => {
                }
                None => {
                    return wrong(
                        &line,
                        "text before \"-- +goose Up\"",
                        "Put \"-- +goose Up\" above it.",
                    );
                }
            }
            continue;
        };
        if line.text.starts_with([' ', '\t']) {
            return wrong(
                &line,
                "white space before a mark of goose",
                "Remove it: goose refuses it, too.",
            );
        }
        match head(word).to_ascii_lowercase().as_str() {
            "up" if up.is_some() => {
                return wrong(
                    &line,
                    "a second \"-- +goose Up\"",
                    "Give it a file and a version of its own.",
                );
            }
            "up" => up = Some(Section::default()),
            "down" if down.is_some() || up.is_none() || begun.is_some() => {
                return wrong(
                    &line,
                    "\"-- +goose Down\" where none can be",
                    "Have one in the file, below \"-- +goose Up\" and outside of StatementBegin and StatementEnd.",
                );
            }
            "down" => down = Some(Section::default()),
            "statementbegin" if up.is_none() || begun.is_some() => {
                return wrong(
                    &line,
                    "\"-- +goose StatementBegin\" where none can be",
                    "End the statement before it, and have it below \"-- +goose Up\".",
                );
            }
            "statementbegin" => begun = Some(line.number),
            "statementend" if begun.take().is_none() => {
                return wrong(
                    &line,
                    "\"-- +goose StatementEnd\" without its beginning",
                    "Begin the statement with \"-- +goose StatementBegin\".",
                );
            }
            "statementend" => {
                // To goose it ends the statement, as a semicolon does to the server.
                if let Some(section) = down.as_mut().or(up.as_mut()) {
                    section.end_statement(file.text, &line);
                }
            }
            "no transaction" => transactional = Some(false),
            "envsub off" => {}
            "envsub on" => {
                return wrong(
                    &line,
                    "variables of the environment (ENVSUB) are not known inside the server",
                    "Write the values into the file, or remove this mark if it uses none.",
                );
            }
            other => {
                let message = format!("unknown mark of goose: \"{}\"", other.escape_debug());
                let hint = "Known are Up, Down, StatementBegin, StatementEnd and NO TRANSACTION.";
                return wrong(&line, &message, hint);
            }
        }
    }
    if let Some(number) = begun {
        let message = "\"-- +goose StatementBegin\" without its end";
        return Err(Problem::at(
            file.path,
            number,
            message,
            "End it with \"-- +goose StatementEnd\".",
        ));
    }
    match up {
        Some(up) => {
            Ok(Sections { up: up.finish(), down: down.map(Section::finish), transactional })
        }
        None => Err(Problem::without_up(file.path, "-- +goose Up")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, read_as, refused, said};

    fn one(text: &str) -> super::super::Set {
        read_as(Convention::Goose, &[("00001_a.sql", text)])
    }

    #[test]
    fn reads_sections() {
        let text =
            "-- a note\r\n--+goose up\r\nCREATE TABLE a ();\r\n\r\n-- +goose Down\r\nDROP TABLE a;";
        let set = one(text);
        assert_eq!(said(&set), ["00001 a up+down"]);
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some("-- pg_migrations: line 3\nCREATE TABLE a ();\r\n\r\n")
        );
        assert_eq!(
            set.migrations[0].down.as_deref(),
            Some("-- pg_migrations: line 6\nDROP TABLE a;")
        );
        assert_eq!(detected(&[("00001_a.sql", text)]), "goose");
    }

    #[test]
    fn ends_statements() {
        let set = one(
            "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nSELECT 1\n-- +goose StatementEnd\n-- +goose statementbegin\nSELECT 2;\n-- +goose STATEMENTEND\n-- +goose Down\n",
        );
        assert_eq!(said(&set), ["00001 a up+down no-tx"]);
        assert_eq!(
            set.migrations[0].up.as_deref(),
            Some(
                "-- pg_migrations: line 4\nSELECT 1\n;-- +goose StatementEnd\n\nSELECT 2;\n-- +goose STATEMENTEND\n"
            )
        );
        assert_eq!(set.migrations[0].down.as_deref(), Some(""));
    }

    #[test]
    fn refuses_what_goose_refuses_or_we_cannot() {
        for (text, line, message) in [
            ("CREATE TABLE a ();", 1, "text before"),
            ("-- nothing", 0, "there is no \"-- +goose Up\""),
            ("-- +goose Up\n-- +goose Up", 2, "a second"),
            ("-- +goose Down\n-- +goose Up", 1, "where none can be"),
            ("-- +goose Up\n-- +goose StatementBegin\n", 2, "without its end"),
            ("-- +goose Up\n-- +goose StatementEnd\n", 2, "without its beginning"),
            ("-- +goose Up\n  -- +goose Down\n", 2, "white space"),
            ("-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${A}';", 2, "ENVSUB"),
            ("-- +goose Up\n-- +goose Dwon\n", 2, "unknown mark of goose: \"dwon\""),
        ] {
            refused(text, &one(text).problems, line, message);
        }
        let set = read_as(
            Convention::Goose,
            &[
                ("1_a.sql", "-- +goose Up"),
                ("2_b.go", ""),
                ("2_b_test.go", ""),
                ("x.sql", ""),
                ("3_c.SQL", ""),
            ],
        );
        assert_eq!(set.problems.len(), 3, "{:?}", set.problems);
        assert_eq!(set.problems[2].path, "3_c.SQL");
    }
}

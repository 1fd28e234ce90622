//! goose: `N_name.sql` with `-- +goose Up` and `-- +goose Down`.

use super::name::begins_with_digit;
use super::path::base;
use super::section::{Line, Section, contains, head, lines};
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};

/// goose.
pub struct Goose;

impl Importer for Goose {
    fn name(&self) -> &'static str {
        "goose"
    }

    /// One file must have an annotation.
    fn claims(&self, files: &[File]) -> Claim {
        let is_annotated = |file: &File| {
            parse_name(base(file.path)).is_some()
                && contains(file.text, "+goose")
                && lines(file.text).any(|line| annotation(&line).is_some())
        };
        Claim::sure_if(files.iter().any(is_annotated))
    }

    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let is_own = |base: &str| base.ends_with(".sql") || is_go(base);
        let mut migrations = Vec::new();
        for (file, base) in folder::single_folder(files, self.name(), notes, is_own)? {
            migrations.extend(notes.take(migration(&file, base)));
        }
        Ok(folder::merge_parts(migrations))
    }
}

fn migration(file: &File, base: &str) -> Result<ImportedMigration, Problem> {
    if is_go(base) {
        let message = "a migration in Go cannot run inside the server";
        return Err(Problem::of(file.path, message, "Write it in SQL, with the same version."));
    }
    let (version, name) = parse_name(base).ok_or_else(|| Problem::unknown_name(file.path))?;
    let Sections { up, down, transactional, .. } = Sections::read(file)?;
    Ok(ImportedMigration {
        version: Some(version.to_owned()),
        name: name.to_owned(),
        up: up.map(Section::finish),
        down: down.map(Section::finish),
        transactional,
        paths: vec![file.path.to_owned()],
        ..ImportedMigration::default()
    })
}

/// The version and name of a file: the digits before the first underscore, and the rest.
fn parse_name(base: &str) -> Option<(&str, &str)> {
    let (version, name) = base.strip_suffix(".sql")?.split_once('_')?;
    let is_number = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((version, if name.is_empty() { version } else { name }))
}

fn is_go(base: &str) -> bool {
    base.ends_with(".go") && !base.ends_with("_test.go") && begins_with_digit(base)
}

/// The annotation in a line. goose takes any comment with `+goose` for one.
fn annotation<'a>(line: &Line<'a>) -> Option<&'a str> {
    let comment = line.text.trim_start().strip_prefix("--")?;
    let (_, rest) = comment.split_once("+goose")?;
    Some(rest.trim())
}

/// An error message and its HINT.
type Refusal = (String, &'static str);

fn refusal(message: &str, hint: &'static str) -> Result<(), Refusal> {
    Err((message.to_owned(), hint))
}

/// The sections of a file, as far as they have been read.
#[derive(Default)]
struct Sections {
    up: Option<Section>,
    down: Option<Section>,
    transactional: Option<bool>,
    /// The line of a StatementBegin whose end has not been reached.
    begun: Option<usize>,
}

impl Sections {
    fn read(file: &File) -> Result<Sections, Problem> {
        let mut sections = Sections::default();
        for line in lines(file.text) {
            let read = match annotation(&line) {
                Some(words) => sections.annotate(file, &line, words),
                None => sections.add(file, &line),
            };
            read.map_err(|(message, hint)| Problem::at(file.path, line.number, message, hint))?;
        }
        if let Some(number) = sections.begun {
            let message = "\"-- +goose StatementBegin\" without its end";
            let hint = "End it with \"-- +goose StatementEnd\".";
            return Err(Problem::at(file.path, number, message, hint));
        }
        match sections.up {
            Some(_) => Ok(sections),
            None => Err(Problem::without_up(file.path, "-- +goose Up")),
        }
    }

    fn current(&mut self) -> Option<&mut Section> {
        self.down.as_mut().or(self.up.as_mut())
    }

    /// Adds a line without annotation.
    fn add(&mut self, file: &File, line: &Line) -> Result<(), Refusal> {
        let text = line.text.trim_start();
        match self.current() {
            Some(section) => section.add(file.text, line),
            None if text.is_empty() || text.starts_with("--") => {}
            None => {
                return refusal("text before \"-- +goose Up\"", "Add \"-- +goose Up\" above it.");
            }
        }
        Ok(())
    }

    /// Follows an annotation.
    fn annotate(&mut self, file: &File, line: &Line, words: &str) -> Result<(), Refusal> {
        if line.text.starts_with([' ', '\t']) {
            return refusal(
                "white space before an annotation of goose",
                "Remove it: goose does not accept it either.",
            );
        }
        match head(words).to_ascii_lowercase().as_str() {
            "up" => self.begin_up(),
            "down" => self.begin_down(),
            "statementbegin" => self.begin_statement(line),
            "statementend" => self.end_statement(file, line),
            "no transaction" => {
                self.transactional = Some(false);
                Ok(())
            }
            "envsub off" => Ok(()),
            "envsub on" => refusal(
                "environment variables (ENVSUB) are not known inside the server",
                "Write the values into the file, or remove the annotation if it uses none.",
            ),
            other => Err((
                format!("unknown annotation of goose: \"{}\"", other.escape_debug()),
                "Known are Up, Down, StatementBegin, StatementEnd and NO TRANSACTION.",
            )),
        }
    }

    fn begin_up(&mut self) -> Result<(), Refusal> {
        match self.up.replace(Section::default()) {
            None => Ok(()),
            Some(_) => {
                refusal("a second \"-- +goose Up\"", "Move it to a file with a version of its own.")
            }
        }
    }

    fn begin_down(&mut self) -> Result<(), Refusal> {
        if self.down.is_some() || self.up.is_none() || self.begun.is_some() {
            return refusal(
                "misplaced \"-- +goose Down\"",
                "Write one in the file, below \"-- +goose Up\" and outside of StatementBegin and StatementEnd.",
            );
        }
        self.down = Some(Section::default());
        Ok(())
    }

    fn begin_statement(&mut self, line: &Line) -> Result<(), Refusal> {
        if self.up.is_none() || self.begun.is_some() {
            return refusal(
                "misplaced \"-- +goose StatementBegin\"",
                "End the statement before it, and move it below \"-- +goose Up\".",
            );
        }
        self.begun = Some(line.number);
        Ok(())
    }

    /// For goose it ends the statement, as a semicolon does for the server.
    fn end_statement(&mut self, file: &File, line: &Line) -> Result<(), Refusal> {
        if self.begun.take().is_none() {
            return refusal(
                "\"-- +goose StatementEnd\" without its beginning",
                "Begin the statement with \"-- +goose StatementBegin\".",
            );
        }
        if let Some(section) = self.current() {
            section.end_statement(file.text, line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, refused, summary};

    fn one(text: &str) -> super::super::Set {
        read_as("goose", &[("00001_a.sql", text)])
    }

    #[test]
    fn reads_sections() {
        let text =
            "-- a note\r\n--+goose up\r\nCREATE TABLE a ();\r\n\r\n-- +goose Down\r\nDROP TABLE a;";
        let set = one(text);
        assert_eq!(summary(&set), ["00001 a up+down"]);
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
        assert_eq!(summary(&set), ["00001 a up+down no-tx"]);
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
            ("-- +goose Down\n-- +goose Up", 1, "misplaced"),
            ("-- +goose Up\n-- +goose StatementBegin\n", 2, "without its end"),
            ("-- +goose Up\n-- +goose StatementEnd\n", 2, "without its beginning"),
            ("-- +goose Up\n  -- +goose Down\n", 2, "white space"),
            ("-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${A}';", 2, "ENVSUB"),
            ("-- +goose Up\n-- +goose Dwon\n", 2, "unknown annotation of goose: \"dwon\""),
        ] {
            refused(text, &one(text).problems, line, message);
        }
        let set = read_as(
            "goose",
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

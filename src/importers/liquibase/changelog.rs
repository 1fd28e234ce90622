//! A file of formatted SQL: its changesets, with what applies them and takes them back.

use super::super::limits;
use super::super::section::{Line, Section, lines};
use super::super::{File, Notes, Problem};
use super::attributes::{self, Head};
use super::filter::Filter;
use super::marks::{header, is_block, is_changeset, mark, not_honoured, word};
use crate::domain::room;
use crate::domain::script::{line_at, shorten, skip_blank};

/// A changeset, with its texts in the lines where they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// What its first line says.
    pub head: Head,
    /// The number of that line.
    pub line: usize,
    /// What applies it.
    pub up: String,
    /// What takes it back, be it nothing. None: that isn't said.
    pub down: Option<String>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changelog {
    /// The path that stands for its own.
    pub logical_path: Option<String>,
    /// All of its changesets, those for other databases, too.
    pub changesets: Vec<ChangeSet>,
}

/// Reads a file. What is wrong, and what isn't run, is noted.
pub fn read(file: &File, filter: &Filter, notes: &mut Notes) -> Changelog {
    let mut changelog = Changelog::default();
    let mut outside = Section::default();
    let mut current: Option<Open> = None;
    let mut lines = lines(file.text);
    while let Some(line) = lines.next() {
        let is_head = header(line.text).is_some() || is_changeset(line.text).is_some();
        if is_head && line.text.len() > limits::LINE {
            let message = format!("the line is longer than {} bytes", limits::LINE);
            notes.refuse(Problem::at(file.path, line.number, message, "Shorten it."));
            continue;
        }
        if let Some(rest) = header(line.text) {
            let given = attributes::attributes(rest);
            let path = given.into_iter().find(|(name, _)| name == "logicalfilepath");
            changelog.logical_path = changelog.logical_path.or(path.map(|(_, path)| path));
        }
        if let Some(rest) = mark(line.text, "ignoreLines:") {
            ignore(rest, &mut lines, line.number, file, notes);
        } else if let Some(rest) = mark(line.text, "property")
            && rest.starts_with(char::is_whitespace)
            && rest.contains("name:")
            && rest.contains("value:")
        {
            let why = format!(
                "the property of line {} is not set: placeholders are set for the project",
                line.number
            );
            notes.ignore(file.path, why);
        } else if let Some(rest) = is_changeset(line.text) {
            if let Some(open) = current.take() {
                room::push(&mut changelog.changesets, open.close(file, notes));
            }
            if changelog.changesets.len() >= limits::MOST {
                let message = format!("it has more than {} changesets", limits::MOST);
                let hint = "Divide it into several files, and load them in parts.";
                notes.refuse(Problem::beyond(file.path, message, hint));
                return changelog;
            }
            let head = mark(line.text, "changeset").and(attributes::read(rest.trim()));
            match head {
                Some(head) => current = Some(Open::of(head, line.number, file, filter, notes)),
                None => {
                    let message = "the line is not one that begins a changeset";
                    let hint = "Write --changeset AUTHOR:ID, with two dashes and no space behind the colon.";
                    notes.refuse(Problem::at(file.path, line.number, message, hint));
                }
            }
        } else if let Some(open) = &mut current {
            open.take(line, &mut lines, file, notes);
        } else {
            outside.put(line.number, line_of(file, line));
        }
    }
    changelog.changesets.extend(current.map(|open| open.close(file, notes)));
    let at = skip_blank(outside.text(), 0);
    if at < outside.text().len() {
        let line = outside.line(line_at(outside.text(), at));
        let why = format!(
            "line {line} stands outside of all changesets, where Liquibase does not run it"
        );
        notes.ignore(file.path, why);
    }
    changelog
}

/// Ignores lines of which the file says that Liquibase shall not see them.
fn ignore<'a>(
    rest: &str,
    lines: &mut impl Iterator<Item = Line<'a>>,
    number: usize,
    file: &File,
    notes: &mut Notes,
) {
    let rest = rest.trim();
    if rest.eq_ignore_ascii_case("start") {
        let is_end =
            |line: &Line| mark(line.text, "ignoreLines:").is_some_and(|rest| rest.trim() == "end");
        lines.find(is_end);
    } else if let Ok(count) = rest.parse::<usize>() {
        if let Some(before) = count.checked_sub(1) {
            lines.nth(before);
        }
    } else {
        let message = "ignoreLines says neither start nor a number of lines";
        let hint = "Write --ignoreLines:start and --ignoreLines:end around the lines.";
        notes.refuse(Problem::at(file.path, number, message, hint));
    }
}

/// A changeset of which the end isn't reached.
struct Open {
    head: Head,
    line: usize,
    is_run: bool,
    up: Section,
    down: Section,
}

impl Open {
    fn of(head: Head, line: usize, file: &File, filter: &Filter, notes: &mut Notes) -> Open {
        let is_run = head.reason_to_skip(filter).is_none();
        if is_run {
            for (message, hint) in head.refusals(filter) {
                notes.refuse(Problem::at(file.path, line, message, hint));
            }
        }
        Open { head, line, is_run, up: Section::default(), down: Section::default() }
    }

    /// Takes a line, and those that belong to it.
    fn take<'a>(
        &mut self,
        line: Line<'a>,
        lines: &mut impl Iterator<Item = Line<'a>>,
        file: &File,
        notes: &mut Notes,
    ) {
        if let Some(rest) = mark(line.text, "rollback")
            && let Some(sql) = rest.strip_prefix(char::is_whitespace)
        {
            self.down.put(line.number, sql);
            self.down.end_line();
        } else if is_block(line.text) {
            for line in lines {
                let end = line.text.trim_end().strip_suffix("*/");
                self.down.put(line.number, end.unwrap_or(line.text));
                self.down.end_line();
                if end.is_some() {
                    return;
                }
            }
            let message = "the rollback in a comment has no end";
            notes.refuse(Problem::at(file.path, line.number, message, "End the comment: */."));
        } else if let Some((what, hint)) = not_honoured(line.text) {
            if self.is_run {
                let message = format!("{what} is not honoured");
                notes.refuse(Problem::at(file.path, line.number, message, hint));
            }
        } else {
            self.up.put(line.number, line_of(file, line));
        }
    }

    fn close(self, file: &File, notes: &mut Notes) -> ChangeSet {
        let Open { head, line, is_run, up, down } = self;
        let said = |word: &str| begins_with(down.text(), word);
        if is_run && refers(down.text()) {
            let at = down.line(1);
            let message = "a rollback by another changeset is not honoured";
            let hint = "Write the SQL that takes the changeset back.";
            notes.refuse(Problem::at(file.path, at, message, hint));
        }
        let down = match () {
            _ if down.text().trim().is_empty() => None,
            _ if said("not required") || said("empty") => Some(Section::default()),
            _ => Some(down),
        };
        if is_run {
            let texts = [Some(&up), down.as_ref()];
            for (delimiter, section) in head.delimiters().into_iter().zip(texts) {
                if let (Some(delimiter), Some(section)) = (delimiter, section)
                    && let Some(at) = delimited(section.text(), delimiter)
                {
                    let at = section.line(at);
                    let message = format!("the text ends statements with {delimiter}");
                    let hint = "End them with a semicolon, and take the delimiter out.";
                    notes.refuse(Problem::at(file.path, at, message, hint));
                }
            }
        }
        ChangeSet { head, line, up: up.finish(), down: down.map(Section::finish) }
    }
}

/// Whether a text begins with a word in any case.
fn begins_with(text: &str, said: &str) -> bool {
    word(text.trim_start(), said).is_some()
}

/// Whether a rollback names another changeset.
fn refers(text: &str) -> bool {
    lines(text).any(|line| {
        let mut words = line.text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|it| word(it, "changesetId").is_some())
    })
}

/// The line in which a delimiter other than a semicolon ends a statement.
fn delimited(text: &str, delimiter: &str) -> Option<usize> {
    // It is a pattern, of which these are the usual parts.
    let wanted: Vec<String> = shorten(delimiter)
        .split('|')
        .map(|part| {
            ["\\n", "\\r", "\\s*", "\\s", "\\", "$"]
                .iter()
                .fold(part.to_owned(), |p, s| p.replace(s, ""))
        })
        .map(|part| part.to_ascii_lowercase())
        .filter(|part| part.chars().any(|c| c != ';'))
        .collect();
    let ends = |line: &Line| {
        let line = line.text.trim();
        wanted.iter().any(|delimiter| {
            let rest = line.len().checked_sub(delimiter.len());
            let ends = rest
                .and_then(|at| line.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(delimiter));
            ends && (rest == Some(0) || (delimiter != "/" && !line.starts_with("--")))
        })
    };
    if wanted.is_empty() { None } else { lines(text).find(ends).map(|line| line.number) }
}

/// A line with its end.
fn line_of<'a>(file: &File<'a>, line: Line) -> &'a str {
    &file.text[line.start..line.end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Changelog, Notes) {
        let mut notes = Notes::default();
        (read(&File { path: "x.sql", text }, &Filter::default(), &mut notes), notes)
    }

    #[test]
    fn reads_changesets() {
        let (changelog, notes) = read_text(
            "--liquibase formatted sql logicalFilePath:a/b.sql\r\n\r\n-- ChangeSet bob:1\r\n\
             --comment: x\r\nCREATE TABLE a ();\r\n--rollback DROP TABLE a;\r\n--rollback DROP TABLE b;\r\n\
             --changeset bob:2\nSELECT 1\n/* liquibase rollback\nSELECT 2;\nSELECT 3; */\n;\n\
             --changeset bob:3\n--rollback empty\nSELECT 'é'",
        );
        assert_eq!(changelog.logical_path.as_deref(), Some("a/b.sql"));
        let read: Vec<_> = changelog
            .changesets
            .iter()
            .map(|set| (set.head.id.as_str(), set.line, set.up.as_str(), set.down.as_deref()))
            .collect();
        let from = |line: usize| format!("-- pg_migrations: line {line}\n");
        assert_eq!(
            read,
            [
                (
                    "1",
                    3,
                    (from(4) + "--comment: x\r\nCREATE TABLE a ();\r\n").as_str(),
                    Some((from(6) + "DROP TABLE a;\nDROP TABLE b;\n").as_str())
                ),
                (
                    "2",
                    8,
                    (from(9) + "SELECT 1\n\n\n\n;\n").as_str(),
                    Some((from(11) + "SELECT 2;\nSELECT 3; \n").as_str())
                ),
                ("3", 14, (from(16) + "SELECT 'é'").as_str(), Some("")),
            ]
        );
        assert_eq!(notes, Notes::default());
    }

    #[test]
    fn passes_over_what_is_not_run() {
        let (changelog, notes) = read_text(
            "--liquibase formatted sql\n-- a note\nSELECT 0;\n--property name:x value:y\n\
             --changeset a:1\n--ignoreLines:start\nSELECT 1;\n--ignoreLines:end\nSELECT 2;\n\
             --ignoreLines:2\nSELECT 3;\nSELECT 4;\nSELECT 5;",
        );
        let expected = "-- pg_migrations: line 9\nSELECT 2;\n\n\n\nSELECT 5;";
        assert_eq!(changelog.changesets[0].up, expected);
        let why: Vec<&str> = notes.ignored.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(
            why,
            [
                "the property of line 4 is not set: placeholders are set for the project",
                "line 3 stands outside of all changesets, where Liquibase does not run it",
            ]
        );
        assert_eq!(notes.problems, []);
    }

    #[test]
    fn refuses_what_is_not_honoured() {
        for (text, line, message) in [
            ("-changeset a:1", 2, "the line is not one that begins a changeset"),
            ("--changeset a", 2, "the line is not one that begins a changeset"),
            ("--changeset", 2, "the line is not one that begins a changeset"),
            ("--changeset a:1 labels:x", 2, "whether labels:x is to run is not said"),
            (
                "--changeset a:1\n--preconditions onFail:HALT\n--precondition-sql-check expectedResult:0 SELECT 1",
                4,
                "a precondition is not honoured",
            ),
            ("--changeset a:1\n\n--include file:x.sql", 4, "an include is not honoured"),
            ("--changeset a:1\n--includeAll path:x", 3, "an include is not honoured"),
            (
                "--changeset a:1\n--rollbackSqlFile path:x",
                3,
                "a rollback in another file is not honoured",
            ),
            ("--changeset a:1\n--tagDatabase: x", 3, "a tag is not honoured"),
            (
                "--changeset a:1\nSELECT 1;\n--rollback changesetId:2 changesetAuthor:a",
                4,
                "a rollback by another changeset is not honoured",
            ),
            (
                "--changeset a:1\n/* liquibase rollback\nx",
                3,
                "the rollback in a comment has no end",
            ),
            ("--changeset a:1 endDelimiter:/\nx\n/\n", 4, "the text ends statements with /"),
            ("--changeset a:1 endDelimiter:\\nGO\nx\ngo", 4, "the text ends statements with \\nGO"),
            ("--changeset a:1 endDelimiter:@@\nx @@", 3, "the text ends statements with @@"),
            (
                "--changeset a:1\n--ignoreLines:x",
                3,
                "ignoreLines says neither start nor a number of lines",
            ),
        ] {
            let (_, notes) = read_text(&format!("--liquibase formatted sql\n{text}"));
            let problems: Vec<_> =
                notes.problems.iter().map(|p| (p.line, p.message.as_str())).collect();
            assert_eq!(problems, [(Some(line), message)], "{text}");
        }
        for text in [
            "--changeset a:1 dbms:oracle context:x endDelimiter:/\n--precondition-x y\nx\n/",
            "--changeset a:1 endDelimiter:;\nSELECT 1;",
            "--changeset a:1 endDelimiter:/\nSELECT 4\n / 2;\n/* x */",
            "--changeset a:1 endDelimiter:go\n-- let it go\nSELECT 1",
            "--changeset a:1\n--preconditions onFail:HALT\n-- include the users\n--rollbacks",
        ] {
            assert_eq!(read_text(text).1.problems, [], "{text}");
        }
    }
}

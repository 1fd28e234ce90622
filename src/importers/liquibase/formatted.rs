//! A file of formatted SQL: its changesets, with the SQL that applies them and rolls them back.

use super::super::limits;
use super::super::section::{Line, Section, lines};
use super::super::{File, Notes, Problem};
use super::attributes;
use super::changeset::{ChangeSet, OpenChangeSet};
use super::filter::Filter;
use super::markers::{header, is_changeset, marker};
use crate::domain::room;
use crate::domain::script::{line_at, skip_blank};

/// A file of formatted SQL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormattedSql {
    /// The path that is used instead of the file's own.
    pub logical_path: Option<String>,
    /// All changesets, even those for other databases.
    pub changesets: Vec<ChangeSet>,
}

/// Reads a file. Problems, and parts that are not run, are noted.
pub fn read(file: &File, filter: &Filter, notes: &mut Notes) -> FormattedSql {
    let mut reading = Reading {
        file,
        filter,
        notes,
        sql: FormattedSql::default(),
        outside: Section::default(),
        current: None,
    };
    let mut lines = lines(file.text);
    while let Some(line) = lines.next() {
        if !reading.line(line, &mut lines) {
            return reading.sql;
        }
    }
    reading.end_changeset();
    reading.note_outside();
    reading.sql
}

/// A file that is being read.
struct Reading<'a, 'b> {
    file: &'a File<'a>,
    filter: &'a Filter<'a>,
    notes: &'b mut Notes,
    sql: FormattedSql,
    /// The lines outside of all changesets.
    outside: Section,
    /// The changeset whose end has not been reached.
    current: Option<OpenChangeSet>,
}

impl Reading<'_, '_> {
    fn refuse(&mut self, line: usize, message: impl Into<String>, hint: &str) {
        self.notes.refuse(Problem::at(self.file.path, line, message, hint));
    }

    /// Reads a line, and those that belong to it. Returns whether to read on.
    fn line<'a>(&mut self, line: Line<'a>, lines: &mut impl Iterator<Item = Line<'a>>) -> bool {
        let changeset = is_changeset(line.text);
        let header = header(line.text);
        if (header.is_some() || changeset.is_some()) && line.text.len() > limits::MAX_LINE {
            let message = format!("the line is longer than {} bytes", limits::MAX_LINE);
            self.refuse(line.number, message, "Shorten it.");
            return true;
        }
        if let Some(rest) = header {
            let mut attributes = attributes::attributes(rest).into_iter();
            let path = attributes.find(|(name, _)| name == "logicalfilepath");
            let logical_path = &mut self.sql.logical_path;
            *logical_path = logical_path.take().or(path.map(|(_, path)| path));
        }
        if let Some(rest) = marker(line.text, "ignoreLines:") {
            self.ignore_lines(rest, lines, line.number);
        } else if is_property(line.text) {
            let why = property_ignored(line.number);
            self.notes.ignore(self.file.path, why);
        } else if let Some(rest) = changeset {
            self.end_changeset();
            return self.begin_changeset(&line, rest);
        } else if let Some(open) = &mut self.current {
            open.add(line, lines, self.file, self.notes);
        } else {
            self.outside.add(self.file.text, &line);
        }
        true
    }

    /// Begins a changeset. Returns whether to read on.
    fn begin_changeset(&mut self, line: &Line, rest: &str) -> bool {
        if self.sql.changesets.len() >= limits::MAX_COUNT {
            let message = format!("it has more than {} changesets", limits::MAX_COUNT);
            let hint = "Split it into several files, and load them in parts.";
            self.notes.refuse(Problem::beyond(self.file.path, message, hint));
            return false;
        }
        match marker(line.text, "changeset").and(attributes::read(rest.trim())) {
            Some(head) => {
                let open = OpenChangeSet::of(head, line.number, self.file, self.filter, self.notes);
                self.current = Some(open);
            }
            None => self.refuse(
                line.number,
                "the line does not begin a changeset",
                "Write --changeset AUTHOR:ID, with two hyphens and no space after the colon.",
            ),
        }
        true
    }

    fn end_changeset(&mut self) {
        if let Some(open) = self.current.take() {
            room::push(&mut self.sql.changesets, open.close(self.file, self.notes));
        }
    }

    /// Skips lines that the file hides from Liquibase.
    fn ignore_lines<'a>(
        &mut self,
        rest: &str,
        lines: &mut impl Iterator<Item = Line<'a>>,
        number: usize,
    ) {
        let rest = rest.trim();
        if rest.eq_ignore_ascii_case("start") {
            let is_end = |line: &Line| {
                marker(line.text, "ignoreLines:").is_some_and(|rest| rest.trim() == "end")
            };
            lines.find(is_end);
        } else if let Ok(count) = rest.parse::<usize>() {
            if let Some(before) = count.checked_sub(1) {
                lines.nth(before);
            }
        } else {
            let message = "ignoreLines is followed by neither start nor a number of lines";
            let hint = "Write --ignoreLines:start and --ignoreLines:end around the lines.";
            self.refuse(number, message, hint);
        }
    }

    fn note_outside(&mut self) {
        let text = self.outside.text();
        let at = skip_blank(text, 0);
        if at < text.len() {
            let line = self.outside.line(line_at(text, at));
            let why = format!(
                "line {line} is outside of all changesets, where Liquibase does not run it"
            );
            self.notes.ignore(self.file.path, why);
        }
    }
}

fn is_property(line: &str) -> bool {
    marker(line, "property").is_some_and(|rest| {
        rest.starts_with(char::is_whitespace) && rest.contains("name:") && rest.contains("value:")
    })
}

/// The reason why a property is ignored.
pub fn property_ignored(line: usize) -> String {
    format!("the property of line {line} is not set: placeholders are set for the project")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (FormattedSql, Notes) {
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
    fn ignores_what_is_not_run() {
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
                "line 3 is outside of all changesets, where Liquibase does not run it",
            ]
        );
        assert_eq!(notes.problems, []);
    }

    #[test]
    fn refuses_what_is_not_supported() {
        for (text, line, message) in [
            ("-changeset a:1", 2, "the line does not begin a changeset"),
            ("--changeset a", 2, "the line does not begin a changeset"),
            ("--changeset", 2, "the line does not begin a changeset"),
            (
                "--changeset a:1 labels:x",
                2,
                "labels:x cannot be evaluated without the option labels",
            ),
            (
                "--changeset a:1\n--preconditions onFail:HALT\n--precondition-sql-check expectedResult:0 SELECT 1",
                4,
                "a precondition is not supported",
            ),
            ("--changeset a:1\n\n--include file:x.sql", 4, "an include is not supported"),
            ("--changeset a:1\n--includeAll path:x", 3, "an include is not supported"),
            (
                "--changeset a:1\n--rollbackSqlFile path:x",
                3,
                "a rollback in another file is not supported",
            ),
            ("--changeset a:1\n--tagDatabase: x", 3, "a tag is not supported"),
            (
                "--changeset a:1\nSELECT 1;\n--rollback changesetId:2 changesetAuthor:a",
                4,
                "a rollback by another changeset is not supported",
            ),
            (
                "--changeset a:1\n/* liquibase rollback\nx",
                3,
                "the comment with the rollback has no end",
            ),
            ("--changeset a:1 endDelimiter:/\nx\n/\n", 4, "the text ends statements with /"),
            ("--changeset a:1 endDelimiter:\\nGO\nx\ngo", 4, "the text ends statements with \\nGO"),
            ("--changeset a:1 endDelimiter:@@\nx @@", 3, "the text ends statements with @@"),
            (
                "--changeset a:1\n--ignoreLines:x",
                3,
                "ignoreLines is followed by neither start nor a number of lines",
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

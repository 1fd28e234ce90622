//! A changeset of formatted SQL.

use super::super::section::{Line, Section, lines};
use super::super::{File, Notes, Problem};
use super::attributes::Head;
use super::filter::Filter;
use super::markers::{is_rollback_comment, marker, unsupported, word};
use crate::domain::script::shorten;

/// A changeset. Its texts are sections of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The content of its first line.
    pub head: Head,
    /// The number of that line.
    pub line: usize,
    /// The SQL that applies it.
    pub up: String,
    /// The SQL that rolls it back, which may be empty. None: there is no rollback.
    pub down: Option<String>,
}

/// A changeset whose end has not been reached.
pub struct OpenChangeSet {
    head: Head,
    line: usize,
    is_run: bool,
    up: Section,
    down: Section,
}

impl OpenChangeSet {
    /// Begins a changeset.
    pub fn of(
        head: Head,
        line: usize,
        file: &File,
        filter: &Filter,
        notes: &mut Notes,
    ) -> OpenChangeSet {
        let is_run = head.reason_to_skip(filter).is_none();
        if is_run {
            for (message, hint) in head.refusals(filter) {
                notes.refuse(Problem::at(file.path, line, message, hint));
            }
        }
        OpenChangeSet { head, line, is_run, up: Section::default(), down: Section::default() }
    }

    /// Adds a line, and those that belong to it.
    pub fn add<'a>(
        &mut self,
        line: Line<'a>,
        lines: &mut impl Iterator<Item = Line<'a>>,
        file: &File,
        notes: &mut Notes,
    ) {
        if let Some(rest) = marker(line.text, "rollback")
            && let Some(sql) = rest.strip_prefix(char::is_whitespace)
        {
            self.down.put(line.number, sql);
            self.down.end_line();
        } else if is_rollback_comment(line.text) {
            for line in lines {
                let end = line.text.trim_end().strip_suffix("*/");
                self.down.put(line.number, end.unwrap_or(line.text));
                self.down.end_line();
                if end.is_some() {
                    return;
                }
            }
            let message = "the comment with the rollback has no end";
            notes.refuse(Problem::at(file.path, line.number, message, "End the comment: */."));
        } else if let Some((what, hint)) = unsupported(line.text) {
            if self.is_run {
                let message = format!("{what} is not supported");
                notes.refuse(Problem::at(file.path, line.number, message, hint));
            }
        } else {
            self.up.add(file.text, &line);
        }
    }

    /// Ends the changeset.
    pub fn close(self, file: &File, notes: &mut Notes) -> ChangeSet {
        let OpenChangeSet { head, line, is_run, up, down } = self;
        let is_empty = |word: &str| begins_with(down.text(), word);
        if is_run && names_changeset(down.text()) {
            let at = down.line(1);
            let message = "a rollback by another changeset is not supported";
            let hint = "Write the SQL that rolls the changeset back.";
            notes.refuse(Problem::at(file.path, at, message, hint));
        }
        let down = match () {
            _ if down.text().trim().is_empty() => None,
            _ if is_empty("not required") || is_empty("empty") => Some(Section::default()),
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
                    let hint = "End them with a semicolon, and remove the delimiter.";
                    notes.refuse(Problem::at(file.path, at, message, hint));
                }
            }
        }
        ChangeSet { head, line, up: up.finish(), down: down.map(Section::finish) }
    }
}

/// Whether a text begins with a word in any case.
fn begins_with(text: &str, wanted: &str) -> bool {
    word(text.trim_start(), wanted).is_some()
}

/// Whether a rollback names another changeset.
fn names_changeset(text: &str) -> bool {
    lines(text).any(|line| {
        let mut words = line.text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|it| word(it, "changesetId").is_some())
    })
}

/// The line in which a delimiter other than a semicolon ends a statement.
fn delimited(text: &str, delimiter: &str) -> Option<usize> {
    // The delimiter is a regular expression. These are its usual parts.
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

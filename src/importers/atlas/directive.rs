//! Atlas's directives: comments such as `-- atlas:txmode none`.

use super::super::section::{self, Line, Section, head};
use super::super::{File, Problem};
use crate::domain::room;
use crate::domain::script::line_at;

/// What the directives of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// Whether the file runs inside a transaction.
    pub in_transaction: bool,
    /// Whether it replaces the files before it.
    pub is_checkpoint: bool,
    /// The delimiter of its statements, and the line of that directive.
    pub delimiter: Option<(String, usize)>,
}

/// The lines with a directive, each with the text after `atlas:`.
pub fn lines<'a>(text: &'a str) -> impl Iterator<Item = (Line<'a>, &'a str)> {
    section::lines(text).filter_map(|line| {
        let comment = line.text.trim_start();
        let comment = comment.strip_prefix("--").or(comment.strip_prefix('#'))?;
        let directive = comment.trim_start().strip_prefix("atlas:")?;
        Some((line, head(directive.trim())))
    })
}

/// An error message and its HINT.
type Refusal = (String, &'static str);

/// Where a directive is.
enum Place {
    /// In the comments at the beginning of the file, where Atlas looks for directives of files.
    Header,
    /// There as well, but without the empty line after them that Atlas requires.
    OpenHeader,
    /// Below.
    Body,
}

impl Directives {
    /// Reads them. Errors: one is not supported, or Atlas would not see it.
    pub fn read(file: &File) -> Result<Directives, Problem> {
        let mut directives =
            Directives { in_transaction: true, is_checkpoint: false, delimiter: None };
        let (last, is_closed) = header(file.text);
        for (line, directive) in lines(file.text) {
            let place = match (line.number <= last, is_closed) {
                (true, true) => Place::Header,
                (true, false) => Place::OpenHeader,
                (false, _) => Place::Body,
            };
            directives
                .add(directive, line.number, place)
                .map_err(|(message, hint)| Problem::at(file.path, line.number, message, hint))?;
        }
        Ok(directives)
    }

    fn add(&mut self, directive: &str, line: usize, place: Place) -> Result<(), Refusal> {
        let (name, value) =
            directive.split_once([' ', '\t']).map_or((directive, ""), |(n, v)| (n, v.trim()));
        match (name, value, place) {
            ("nolint" | "sum", ..) | ("txmode", "file" | "all", _) => {}
            ("delimiter", "", _) if line == 1 => {
                return Err(("the delimiter is empty".to_owned(), "Write what ends statements."));
            }
            ("delimiter", value, _) if line == 1 => {
                self.delimiter = Some((unescaped(value), line));
            }
            ("txmode", "none", Place::Header) => self.in_transaction = false,
            ("checkpoint", _, Place::Header) => self.is_checkpoint = true,
            ("txmode" | "checkpoint", _, Place::OpenHeader) => {
                let hint = "Add an empty line after the comments at the beginning of the file.";
                return Err((format!("Atlas does not see atlas:{name} here"), hint));
            }
            ("txmode", "none", _) | ("checkpoint" | "delimiter", ..) => {
                let hint = "Move it to the beginning of the file, or remove it.";
                return Err((format!("Atlas does not see atlas:{name} here"), hint));
            }
            ("import", ..) => {
                let message = "atlas:import is not supported: the file is part of a schema";
                let hint =
                    "Load the folder of migrations that Atlas has generated from the schema.";
                return Err((message.to_owned(), hint));
            }
            ("txmode", value, _) => {
                let message = format!("there is no transaction mode {value:?}");
                return Err((message, "Write none or file."));
            }
            (name, ..) => {
                let message = format!("directive atlas:{} is not supported", name.escape_debug());
                return Err((message, "Remove it, if the migration is right without it."));
            }
        }
        Ok(())
    }
}

/// The last line of the comments at the beginning, and whether an empty line follows.
fn header(text: &str) -> (usize, bool) {
    let mut last = 0;
    for line in section::lines(text) {
        if !line.text.starts_with("--") && !line.text.starts_with('#') {
            return (last, line.text.is_empty());
        }
        last = line.number;
    }
    (last, false)
}

fn unescaped(delimiter: &str) -> String {
    delimiter.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")
}

/// The text of a file whose statements end with a delimiter, with semicolons instead, since the
/// server knows no other delimiter. Error: the delimiter is not a comment in a line of its own.
pub fn with_semicolons(file: &File, delimiter: &str, line: usize) -> Result<String, Problem> {
    let wanted = delimiter.trim();
    if wanted.is_empty() {
        check_semicolons(file, delimiter)?;
        return Ok(room::owned(file.text));
    }
    if !wanted.starts_with("--") || wanted.contains('\n') {
        let message = format!("the text ends statements with {:?}", head(delimiter));
        let hint = "End them with a semicolon, and remove the delimiter.";
        return Err(Problem::at(file.path, line, message, hint));
    }
    let mut up = Section::default();
    for line in section::lines(file.text) {
        match line.text.trim_end() == wanted {
            true => up.end_statement(file.text, &line),
            false => up.add(file.text, &line),
        }
    }
    Ok(up.finish())
}

/// Checks that statements end with a semicolon as well, where the delimiter is white space.
fn check_semicolons(file: &File, delimiter: &str) -> Result<(), Problem> {
    let mut at = 0;
    for part in file.text.split(delimiter) {
        let is_sql = |line: &Line| !line.text.trim().is_empty() && !line.text.starts_with("--");
        let last = section::lines(part).filter(is_sql).last();
        if let Some(last) = last.filter(|line| !line.text.trim_end().ends_with(';')) {
            let line = line_at(file.text, at) + last.number - 1;
            let message = "a statement ends here without a semicolon";
            return Err(Problem::at(file.path, line, message, "End it with a semicolon."));
        }
        at += part.len() + delimiter.len();
    }
    Ok(())
}

//! Atlas's directives: comments such as `-- atlas:txmode none`.

use super::super::section::{self, Line, Section, head};
use super::super::{File, Problem};

/// What the directives of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// Whether it runs inside a transaction.
    pub in_transaction: bool,
    /// Whether it sums up the files before it.
    pub is_checkpoint: bool,
    /// What ends its statements, and the line that says it.
    pub delimiter: Option<(String, usize)>,
}

/// The lines that hold a directive, with what is after `atlas:`.
pub fn lines<'a>(text: &'a str) -> impl Iterator<Item = (Line<'a>, &'a str)> {
    section::lines(text).filter_map(|line| {
        let comment = line.text.trim_start();
        let comment = comment.strip_prefix("--").or(comment.strip_prefix('#'))?;
        let directive = comment.trim_start().strip_prefix("atlas:")?;
        Some((line, head(directive.trim())))
    })
}

impl Directives {
    /// Reads them. Errors: one is not honoured, or Atlas would not see it.
    pub fn of(file: &File) -> Result<Directives, Problem> {
        let mut said = Directives { in_transaction: true, is_checkpoint: false, delimiter: None };
        let (top, is_seen) = top(file.text);
        for (line, directive) in lines(file.text) {
            let refuse = |message: String, hint: &str| {
                Err(Problem::at(file.path, line.number, message, hint))
            };
            let (name, value) =
                directive.split_once([' ', '\t']).map_or((directive, ""), |(n, v)| (n, v.trim()));
            // Those for a file are above all statements, with an empty line after them.
            let counts = match (line.number <= top, is_seen) {
                (true, true) => Ok(true),
                (true, false) => Err(()),
                (false, _) => Ok(false),
            };
            match (name, value, counts) {
                ("nolint" | "sum", ..) | ("txmode", "file" | "all", _) => {}
                ("delimiter", "", _) if line.number == 1 => {
                    return refuse(
                        "the delimiter is empty".to_owned(),
                        "Say what ends statements.",
                    );
                }
                ("delimiter", value, _) if line.number == 1 => {
                    said.delimiter = Some((unescaped(value), line.number));
                }
                ("txmode", "none", Ok(true)) => said.in_transaction = false,
                ("checkpoint", _, Ok(true)) => said.is_checkpoint = true,
                ("txmode" | "checkpoint", _, Err(())) => {
                    let message = format!("Atlas does not see atlas:{name} here");
                    let hint = "Put an empty line after the comments at the beginning of the file.";
                    return refuse(message, hint);
                }
                ("txmode", "none", _) | ("checkpoint" | "delimiter", ..) => {
                    let message = format!("Atlas does not see atlas:{name} here");
                    let hint = "Put it at the beginning of the file, or take it out.";
                    return refuse(message, hint);
                }
                ("import", ..) => {
                    let message = "atlas:import is not honoured: the file is part of a schema";
                    let hint = "Load the folder of migrations that Atlas has made of the schema.";
                    return refuse(message.to_owned(), hint);
                }
                ("txmode", value, _) => {
                    let message = format!("there is no transaction mode {value:?}");
                    return refuse(message, "Write none or file.");
                }
                (name, ..) => {
                    let message =
                        format!("directive atlas:{} is not honoured", name.escape_debug());
                    let hint = "Take it out, if the migration is right without it.";
                    return refuse(message, hint);
                }
            }
        }
        Ok(said)
    }
}

/// The last line of the comments at the beginning, and whether an empty line is after them.
fn top(text: &str) -> (usize, bool) {
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

/// A text whose statements are ended by a delimiter, for a server that knows the semicolon
/// alone. Error: it would have to be divided in another way than by lines.
pub fn divided(file: &File, delimiter: &str, line: usize) -> Result<String, Problem> {
    let wanted = delimiter.trim();
    if wanted.is_empty() {
        return blank(file, delimiter);
    }
    if !wanted.starts_with("--") || wanted.contains('\n') {
        let message = format!("the text ends statements with {:?}", head(delimiter));
        let hint = "End them with a semicolon, and take the delimiter out.";
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

/// The same where white space ends statements, which have semicolons besides.
fn blank(file: &File, delimiter: &str) -> Result<String, Problem> {
    let mut at = 0;
    for part in file.text.split(delimiter) {
        let is_last = |line: &Line| !line.text.trim().is_empty() && !line.text.starts_with("--");
        let last = section::lines(part).filter(is_last).last();
        if let Some(last) = last.filter(|line| !line.text.trim_end().ends_with(';')) {
            let before = crate::domain::script::line_at(file.text, at);
            let message = "a statement ends here without a semicolon";
            let hint = "End it with a semicolon.";
            return Err(Problem::at(file.path, before + last.number - 1, message, hint));
        }
        at += part.len() + delimiter.len();
    }
    Ok(crate::domain::room::owned(file.text))
}

//! Files that are refused: each is reported with the reason, and nothing is registered.

use super::errors;
use crate::error::{Error, Kind};
use crate::importers::Problem;
use pgrx::PgSqlErrorCode as Code;

/// A file that is refused.
pub struct Refusal {
    file: String,
    // The line about it in the DETAIL.
    line: String,
    // All that is to be said of it, if it is the only one.
    error: Error,
    is_problem: bool,
}

impl Refusal {
    /// For what a reader of files has found.
    pub fn for_problem(problem: Problem) -> Refusal {
        let Problem { path, line, message, hint, .. } = &problem;
        let line = match line {
            Some(line) => format!("{path}, line {line}: {message}. {hint}"),
            None => format!("{path}: {message}. {hint}"),
        };
        let file = path.clone();
        Refusal { file, line, error: errors::problem(problem), is_problem: true }
    }

    /// The path of the file within the folder.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// For an error about the file.
    pub fn for_error(file: String, error: Error) -> Refusal {
        let message = error.summary().1;
        let place = error.location().map_or(0, |location| location.line);
        let line = match error.kind() {
            Some(Kind::Text(_)) if place > 0 => {
                let hint = error.report().and_then(|report| report.hint.as_deref());
                let line = format!("{file}, line {place}: {message}. {}", hint.unwrap_or_default());
                line.trim_end().to_owned()
            }
            _ => format!("{file}: {message}."),
        };
        Refusal { file, line, error, is_problem: false }
    }
}

/// Files cannot be registered (the SQLSTATE of the first one's error). `directory`: the folder,
/// if it is one on the server.
pub fn error(directory: Option<&str>, mut files: Vec<Refusal>) -> Error {
    // One problem says all itself.
    if files.len() == 1
        && let Some(refusal) = files.pop_if(|refusal| refusal.is_problem)
    {
        return refusal.error;
    }
    files.sort_by(|a, b| a.file.cmp(&b.file));
    let code = match files.first() {
        Some(first) => Code::from(first.error.code()),
        None => Code::ERRCODE_INVALID_PARAMETER_VALUE,
    };
    let message = match (directory, files.len()) {
        (Some(directory), 1) => {
            format!("1 file of \"{directory}\" was refused, so nothing of it is registered")
        }
        (Some(directory), n) => {
            format!("{n} files of \"{directory}\" were refused, so nothing of it is registered")
        }
        (None, 1) => "1 file was refused, so nothing of the folder is registered".to_owned(),
        (None, n) => format!("{n} files were refused, so nothing of the folder is registered"),
    };
    let lines: Vec<String> = files.into_iter().map(|refusal| refusal.line).collect();
    Error::new(code, message)
        .detail(lines.join("\n"))
        .hint("Correct or move away these files, and load the folder again. To accept the changed text of a registered version, use replace => true.")
}

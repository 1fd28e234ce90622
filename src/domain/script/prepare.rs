//! A script made ready for the server's parser: placeholders expanded, psql's commands carried
//! out or ignored, the data of COPY taken out.
//!
//! People always see the text as it was registered. A [`SourceMap`] leads to it from what the
//! parser has read. So no message of ours has the values of variables, and lines are those of the
//! file.

mod expansion;
mod source_map;
mod variables;

use super::super::halt;
use super::scan::{PieceKind, scan};
use expansion::Expander;
pub use source_map::SourceMap;
use std::borrow::Cow;
use std::ops::Range;
pub use variables::{Syntax, Variables};

/// The most that the server's parser reads, in bytes.
const LONGEST: usize = (1 << 30) - 3;

/// The most that replaces the variables of a script, values within values included, in bytes.
/// Without a limit a short script whose values hold other variables could ask for all memory and
/// time.
const LONGEST_VALUES: usize = 16 << 20;

/// How many variables without a value are named for a script.
pub const MOST_UNSET: usize = 100;

/// Why a script can't be prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareError {
    /// Where, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub problem: ScriptProblem,
}

/// What is wrong in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptProblem {
    /// A psql command that can't be carried out, and what to do instead.
    Command(String, &'static str),
    /// Variables without a value, each once, and their project.
    Unset(Vec<String>, String),
    /// Flyway's own placeholders in a project that expands none, so that they have no values: their
    /// names, each once, and the project.
    Unexpanded(Vec<String>, String),
    /// Text after `COPY … FROM stdin` in its line.
    TextAfterCopy,
    /// Data that no COPY reads after the expansion.
    StrayData,
    /// After the expansion it is longer than a text can be: see [`LONGEST`] and
    /// [`LONGEST_VALUES`].
    TooLong,
}

/// A script that is ready for the parser.
#[derive(Debug, Clone, Default)]
pub struct PreparedScript<'a> {
    /// What the parser reads.
    pub sql: Cow<'a, str>,
    /// Leads from there to the text as it was registered.
    pub map: SourceMap,
    /// The data of COPY statements, in their order.
    pub data: Vec<CopyData>,
    /// Commands that were ignored: their places and names.
    pub ignored_commands: Vec<(usize, String)>,
}

/// The data of a COPY statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyData {
    /// Where the statement's semicolon is, in what the parser reads.
    pub semicolon: usize,
    /// Where the data is in the text as it was registered.
    pub range: Range<usize>,
}

/// Prepares a script. `conforming` is `standard_conforming_strings`. Errors: see
/// [`ScriptProblem`].
pub fn prepare<'a>(
    text: &'a str,
    conforming: bool,
    variables: &Variables,
) -> Result<PreparedScript<'a>, PrepareError> {
    let scan = scan(text, conforming);
    if let Some(offset) = scan.after_copy {
        return Err(PrepareError { offset, problem: ScriptProblem::TextAfterCopy });
    }
    let begin = variables.placeholder_begin();
    let has_placeholders = begin.is_some_and(|begin| find(text.as_bytes(), 0, begin).is_some());
    let is_plain = |kind: PieceKind| match kind {
        PieceKind::Sql | PieceKind::Comment => true,
        PieceKind::Variable | PieceKind::Bound => variables.syntax != Syntax::Psql,
        PieceKind::Command | PieceKind::Data | PieceKind::EndOfData => false,
    };
    match !has_placeholders && scan.pieces.iter().all(|piece| is_plain(piece.kind)) {
        true => Ok(PreparedScript { sql: Cow::Borrowed(text), ..PreparedScript::default() }),
        false => Expander::new(text, variables).expand(&scan),
    }
}

/// Where a placeholder that begins with these bytes may begin.
fn find(bytes: &[u8], from: usize, begin: &[u8]) -> Option<usize> {
    halt::search(bytes, from, begin.len(), |part| memchr::memmem::find(part, begin))
}

#[cfg(test)]
mod tests;

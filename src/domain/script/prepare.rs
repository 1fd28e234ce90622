//! A migration's text made ready for the server's parser: placeholders expanded, psql's
//! commands honoured or passed over, the data of COPY put aside.
//!
//! Whatever is told to people is told of the text as it was registered: a [`SourceMap`] leads
//! back to it from what the parser has read. So values of variables get into no message
//! of ours, and lines are those of the file.

use super::super::mask::Mask;
use super::super::{halt, room};
use super::command::{self, Argument, Meaning};
use super::scan::{PieceKind, Scan, scan};
use super::shorten;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// The most that the server's parser reads, in bytes.
const LONGEST: usize = (1 << 30) - 3;

/// The most that is put in the place of variables in a text, those in values of others
/// included, in bytes. A value may hold others, so that a short text could ask for all memory
/// and time there is.
const LONGEST_VALUES: usize = 16 << 20;

/// How many variables without a value are named of a text.
pub const MOST_UNSET: usize = 100;

/// How the texts of a project write their placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// None, but for variables that a text sets itself with `\set`.
    #[default]
    None,
    /// `${x}`, anywhere but in comments and data; `${$}` is a dollar sign, so that `${$}{x}` is
    /// a literal `${x}`.
    Dollar,
    /// `:x`, `:'x'` and `:"x"`, outside of quotes.
    Psql,
}

impl Syntax {
    /// By its name. None: there is none of this name.
    pub fn parse(name: &str) -> Option<Syntax> {
        match name {
            "none" => Some(Syntax::None),
            "${x}" => Some(Syntax::Dollar),
            ":x" => Some(Syntax::Psql),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Syntax::None => "none",
            Syntax::Dollar => "${x}",
            Syntax::Psql => ":x",
        }
    }
}

/// The variables of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// The project's name; empty: none, so that nothing is missed in a text.
    pub project: String,
    /// How texts refer to them.
    pub syntax: Syntax,
    /// Their values.
    pub values: HashMap<String, String>,
    /// The names of those whose values are secrets.
    pub secrets: BTreeSet<String>,
}

impl Variables {
    /// With what that begins which is expanded, or missed. Flyway's own placeholders can mean
    /// nothing else, so a text that has one is never run as it is.
    fn placeholder_begin(&self) -> Option<&'static [u8]> {
        match self.syntax {
            Syntax::Dollar => Some(b"${"),
            _ if self.project.is_empty() => None,
            _ => Some(b"${flyway:"),
        }
    }

    /// The values of secrets, to be hidden in what is kept or shown.
    pub fn mask(&self) -> Mask {
        Mask::of(self.secrets.iter().filter_map(|name| self.values.get(name)).map(String::as_str))
    }
}

/// Why a text can't be made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareError {
    /// Where, in bytes.
    pub offset: usize,
    /// Which.
    pub problem: ScriptProblem,
}

/// What is wrong in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptProblem {
    /// A command of psql's that can't be honoured; what to do instead.
    Command(String, &'static str),
    /// Variables that have no value, each once, and the project that they belong to.
    Unset(Vec<String>, String),
    /// Flyway's own placeholders, whose values nobody gives, since the project doesn't expand
    /// any: their names, each once, and the project.
    Unexpanded(Vec<String>, String),
    /// Something behind `COPY … FROM stdin` in its line.
    TextAfterCopy,
    /// Data that no COPY reads, once all is expanded.
    StrayData,
    /// Expanded it is more than a text can be: see [`LONGEST`], or [`LONGEST_VALUES`].
    TooLong,
}

/// A text that is ready.
#[derive(Debug, Clone, Default)]
pub struct PreparedScript<'a> {
    /// What the parser is to read.
    pub sql: Cow<'a, str>,
    /// The way back from there.
    pub map: SourceMap,
    /// The data of COPY statements, in their order.
    pub data: Vec<CopyData>,
    /// Commands that were passed over: where, and their names.
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

/// Leads from places in what the parser reads to places in the text as it was registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    // Where runs begin, there and here. A run goes to the next one's beginning.
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    sql: usize,
    text: usize,
    // Byte by byte the same; else all of it stands for the one place.
    verbatim: bool,
}

impl SourceMap {
    /// The place in the text of a place in what the parser reads, both in bytes.
    pub fn to_source(&self, sql: usize) -> usize {
        let next = self.runs.partition_point(|run| run.sql <= sql);
        match next.checked_sub(1).map(|n| self.runs[n]) {
            Some(run) if run.verbatim => run.text + (sql - run.sql),
            Some(run) => run.text,
            None => sql,
        }
    }

    /// The place in the text where something ends that ends there.
    pub fn to_source_end(&self, sql: usize) -> usize {
        let before = self.runs.partition_point(|run| run.sql < sql);
        match before.checked_sub(1).map(|n| self.runs[n]) {
            Some(run) if run.verbatim => run.text + (sql - run.sql),
            // What stands for an expanded placeholder ends where the next run begins.
            Some(run) => self.runs.get(before).map_or(run.text, |next| next.text),
            None => sql,
        }
    }
}

/// Makes a text ready. `conforming` is `standard_conforming_strings`. Errors: see [`ScriptProblem`].
pub fn prepare<'a>(
    text: &'a str,
    conforming: bool,
    variables: &Variables,
) -> Result<PreparedScript<'a>, PrepareError> {
    let scan = scan(text, conforming);
    let is_variable = |kind: PieceKind| matches!(kind, PieceKind::Variable | PieceKind::Bound);
    let plain =
        |kind: PieceKind| is_variable(kind) || matches!(kind, PieceKind::Sql | PieceKind::Comment);
    let begin = variables.placeholder_begin();
    let is_dollar = begin.is_some_and(|begin| find(text.as_bytes(), 0, begin).is_some());
    if let Some(offset) = scan.after_copy {
        return Err(PrepareError { offset, problem: ScriptProblem::TextAfterCopy });
    }
    let has_variables =
        variables.syntax == Syntax::Psql && scan.pieces.iter().any(|piece| is_variable(piece.kind));
    if scan.pieces.iter().all(|piece| plain(piece.kind)) && !is_dollar && !has_variables {
        return Ok(PreparedScript {
            sql: Cow::Borrowed(text),
            map: SourceMap::default(),
            data: Vec::new(),
            ignored_commands: Vec::new(),
        });
    }
    let mut maker = Maker {
        text,
        variables,
        own: HashMap::new(),
        expanded: 0,
        unset: Unset::default(),
        unexpanded: Unset::default(),
        sql: String::new(),
        runs: Vec::new(),
        data: Vec::new(),
        ignored_commands: Vec::new(),
    };
    maker.make(&scan)?;
    Ok(PreparedScript {
        sql: Cow::Owned(maker.sql),
        map: SourceMap { runs: maker.runs },
        data: maker.data,
        ignored_commands: maker.ignored_commands,
    })
}

struct Maker<'a> {
    text: &'a str,
    variables: &'a Variables,
    // What the text has set itself.
    own: HashMap<String, String>,
    // How much has been put in the place of placeholders.
    expanded: usize,
    unset: Unset,
    unexpanded: Unset,
    sql: String,
    runs: Vec<Run>,
    data: Vec<CopyData>,
    ignored_commands: Vec<(usize, String)>,
}

/// What has no value.
#[derive(Default)]
struct Unset {
    // Where the first one is.
    offset: usize,
    // Their names, in their order, each once.
    names: Vec<String>,
    seen: BTreeSet<String>,
}

impl Unset {
    fn note(&mut self, offset: usize, name: &str) {
        if self.names.is_empty() {
            self.offset = offset;
        }
        let name = shorten(name);
        if self.names.len() < MOST_UNSET && self.seen.insert(name.to_owned()) {
            self.names.push(name.to_owned());
        }
    }
}

impl Maker<'_> {
    fn make(&mut self, scan: &Scan) -> Result<(), PrepareError> {
        let mut end = self.text.len();
        let mut copies = scan.copies.iter();
        for piece in &scan.pieces {
            let range = piece.range.clone();
            halt::work(range.len());
            match piece.kind {
                PieceKind::Sql => self.plain(range)?,
                PieceKind::Comment => self.verbatim(range),
                PieceKind::Variable => self.variable(range, false)?,
                PieceKind::Bound => self.variable(range, true)?,
                PieceKind::Data => {
                    let place = copies.next().map_or(range.start, |place| *place);
                    let semicolon = self.place_in_sql(place);
                    room::push(&mut self.data, CopyData { semicolon, range });
                }
                PieceKind::EndOfData => {}
                PieceKind::Command => {
                    if self.command(range.clone())? {
                        end = range.start;
                        break;
                    }
                }
            }
        }
        // What was expanded at the end ends there, too.
        self.run(end, true);
        // All at once: they are set one after the other.
        let unexpanded = std::mem::take(&mut self.unexpanded);
        self.missed(unexpanded, ScriptProblem::Unexpanded)?;
        let unset = std::mem::take(&mut self.unset);
        self.missed(unset, ScriptProblem::Unset)
    }

    fn missed(
        &self,
        unset: Unset,
        what: fn(Vec<String>, String) -> ScriptProblem,
    ) -> Result<(), PrepareError> {
        match unset.names.is_empty() {
            true => Ok(()),
            false => Err(PrepareError {
                offset: unset.offset,
                problem: what(unset.names, self.variables.project.clone()),
            }),
        }
    }

    /// Where something stands in what the parser reads that came with one of the last runs.
    fn place_in_sql(&self, text: usize) -> usize {
        let run = self.runs.iter().rev().find(|run| run.text <= text);
        run.map_or(0, |run| run.sql + if run.verbatim { text - run.text } else { 0 })
    }

    fn verbatim(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.run(range.start, true);
        room::push_str(&mut self.sql, &self.text[range]);
    }

    /// Notes what comes next.
    fn run(&mut self, text: usize, verbatim: bool) {
        room::push(&mut self.runs, Run { sql: self.sql.len(), text, verbatim });
    }

    fn instead(&mut self, at: usize, value: &str) -> Result<(), PrepareError> {
        self.count(at, value.len())?;
        if self.sql.len() + value.len() > LONGEST {
            return Err(PrepareError { offset: at, problem: ScriptProblem::TooLong });
        }
        if !value.is_empty() {
            self.run(at, false);
            room::push_str(&mut self.sql, value);
        }
        Ok(())
    }

    /// Counts what is put in the place of something.
    fn count(&mut self, at: usize, length: usize) -> Result<(), PrepareError> {
        self.expanded += length;
        match self.expanded > LONGEST_VALUES {
            true => Err(PrepareError { offset: at, problem: ScriptProblem::TooLong }),
            false => Ok(()),
        }
    }

    /// SQL, in which `${x}` is expanded where that is asked for.
    fn plain(&mut self, range: Range<usize>) -> Result<(), PrepareError> {
        let Some(begin) = self.variables.placeholder_begin() else {
            self.verbatim(range);
            return Ok(());
        };
        let (mut at, text) = (range.start, self.text);
        let bytes = &text.as_bytes()[..range.end];
        let close = |part: &[u8]| memchr::memchr(b'}', part);
        while let Some(start) = find(bytes, at, begin) {
            let Some(end) = halt::search(bytes, start, 1, close).map(|n| n + 1) else { break };
            let name = text[start + 2..end - 1].trim();
            let variables = self.variables;
            let value = match name {
                "$" => Some("$"),
                _ => variables.values.get(name).map(String::as_str),
            };
            self.verbatim(at..start);
            match (variables.syntax, value) {
                (Syntax::Dollar, Some(value)) => self.instead(start, value)?,
                (Syntax::Dollar, None) => self.unset.note(start, name),
                _ => {
                    self.unexpanded.note(start, name);
                    self.verbatim(start..end);
                }
            }
            at = end;
        }
        self.verbatim(at..range.end);
        Ok(())
    }

    /// A variable; `may_be_bound`: one that isn't set may be no variable.
    fn variable(&mut self, range: Range<usize>, may_be_bound: bool) -> Result<(), PrepareError> {
        let written = &self.text[range.clone()];
        match self.value(range.start, written)?.map(Cow::into_owned) {
            Some(value) => self.instead(range.start, &value),
            // As psql has it: what isn't set stays as it is. So does the bound of a slice.
            None => {
                let is_asked_for = self.variables.syntax == Syntax::Psql;
                if is_asked_for && !may_be_bound && !is_number(written) {
                    self.unset.note(range.start, written.trim_matches([':', '\'', '"']));
                }
                self.verbatim(range);
                Ok(())
            }
        }
    }

    /// What a variable is to be replaced by, as it is written. None: it isn't set.
    fn value(&self, at: usize, written: &str) -> Result<Option<Cow<'_, str>>, PrepareError> {
        let inner = written.strip_prefix(':').unwrap_or(written);
        let look_up = |name: &str| {
            let own = self.own.get(name);
            own.or_else(|| match self.variables.syntax {
                Syntax::Psql => self.variables.values.get(name),
                _ => None,
            })
        };
        if let Some(name) = inner.strip_prefix("{?").and_then(|name| name.strip_suffix('}')) {
            // In a text that uses no variables it isn't ours to answer.
            let answers = self.variables.syntax == Syntax::Psql || !self.own.is_empty();
            let word = if look_up(name).is_some() { "TRUE" } else { "FALSE" };
            return Ok(answers.then_some(Cow::Borrowed(word)));
        }
        let quoted = |quote| inner.strip_prefix(quote).and_then(|name| name.strip_suffix(quote));
        let found = match (quoted('\''), quoted('"')) {
            (Some(name), _) => look_up(name).map(|value| (value, Some('\''))),
            (_, Some(name)) => look_up(name).map(|value| (value, Some('"'))),
            _ => look_up(inner).map(|value| (value, None)),
        };
        let Some((value, quote)) = found else { return Ok(None) };
        if value.len() > LONGEST_VALUES {
            return Err(PrepareError { offset: at, problem: ScriptProblem::TooLong });
        }
        halt::work(value.len());
        Ok(Some(match quote {
            None => Cow::Borrowed(value),
            Some(quote) => {
                room::ensure(4 * value.len());
                Cow::Owned(match quote {
                    '"' => format!("\"{}\"", value.replace('"', "\"\"")),
                    _ => literal(value),
                })
            }
        }))
    }

    /// A command. True: it ends the script.
    fn command(&mut self, range: Range<usize>) -> Result<bool, PrepareError> {
        let written = &self.text[range.clone()];
        let name = shorten(command::name(written));
        let refused = |why| PrepareError {
            offset: range.start,
            problem: ScriptProblem::Command(format!("\\{name}"), why),
        };
        match command::meaning(written) {
            Meaning::Nothing => self.ignored_commands.push((range.start, format!("\\{name}"))),
            Meaning::Silent => {}
            Meaning::Semicolon => self.instead(range.start, ";")?,
            Meaning::Colon => self.instead(range.start, ":")?,
            Meaning::Set(variable, parts) => {
                let mut value = String::new();
                for part in parts {
                    match part {
                        Argument::Text(text) => room::push_str(&mut value, &text),
                        Argument::Variable(written) => {
                            let found = self.value(range.start, &written)?;
                            let expanded = found.unwrap_or(Cow::Borrowed(&written)).into_owned();
                            self.count(range.start, expanded.len())?;
                            room::push_str(&mut value, &expanded);
                        }
                    }
                }
                self.own.insert(variable, value);
            }
            Meaning::Unset(variable) => {
                self.own.remove(&variable);
            }
            Meaning::Quit => return Ok(true),
            Meaning::Refused(why) => return Err(refused(why)),
        }
        Ok(false)
    }
}

/// Where a placeholder may begin, with these bytes.
fn find(bytes: &[u8], from: usize, begin: &[u8]) -> Option<usize> {
    halt::search(bytes, from, begin.len(), |part| memchr::memmem::find(part, begin))
}

fn is_number(written: &str) -> bool {
    written[1..].bytes().all(|b| b.is_ascii_digit())
}

/// A value as a literal that means the same whatever `standard_conforming_strings` is.
fn literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!(" E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

#[cfg(test)]
mod tests;

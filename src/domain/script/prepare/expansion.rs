//! The expansion of placeholders and psql's commands.

use super::super::command::{self, Argument, Meaning};
use super::super::scan::{PieceKind, Scan};
use super::super::shorten;
use super::source_map::MappedRange;
use super::{
    CopyData, LONGEST, LONGEST_VALUES, MOST_UNSET, PrepareError, PreparedScript, ScriptProblem,
    SourceMap, Syntax, Variables, find,
};
use crate::domain::{halt, room, text};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// A script while it is expanded.
pub(super) struct Expander<'a> {
    text: &'a str,
    variables: &'a Variables,
    // The variables that the script has set itself.
    own: HashMap<String, String>,
    // The size of the values so far.
    expanded: usize,
    unset: UnsetPlaceholders,
    unexpanded: UnsetPlaceholders,
    sql: String,
    runs: Vec<MappedRange>,
    data: Vec<CopyData>,
    ignored_commands: Vec<(usize, String)>,
}

/// Placeholders without a value.
#[derive(Default)]
struct UnsetPlaceholders {
    // Where the first one is.
    offset: usize,
    // Their names, in their order, each once.
    names: Vec<String>,
    seen: BTreeSet<String>,
}

impl UnsetPlaceholders {
    fn note(&mut self, offset: usize, name: &str) {
        if self.names.is_empty() {
            self.offset = offset;
        }
        let name = shorten(name);
        if self.names.len() < MOST_UNSET && self.seen.insert(name.to_owned()) {
            self.names.push(name.to_owned());
        }
    }

    /// Errors: there are some.
    fn report(
        self,
        project: &str,
        problem: fn(Vec<String>, String) -> ScriptProblem,
    ) -> Result<(), PrepareError> {
        match self.names.is_empty() {
            true => Ok(()),
            false => Err(PrepareError {
                offset: self.offset,
                problem: problem(self.names, project.to_owned()),
            }),
        }
    }
}

fn too_long(offset: usize) -> PrepareError {
    PrepareError { offset, problem: ScriptProblem::TooLong }
}

impl<'a> Expander<'a> {
    pub(super) fn new(text: &'a str, variables: &'a Variables) -> Expander<'a> {
        Expander {
            text,
            variables,
            own: HashMap::new(),
            expanded: 0,
            unset: UnsetPlaceholders::default(),
            unexpanded: UnsetPlaceholders::default(),
            sql: String::new(),
            runs: Vec::new(),
            data: Vec::new(),
            ignored_commands: Vec::new(),
        }
    }

    pub(super) fn expand<'s>(mut self, scan: &Scan) -> Result<PreparedScript<'s>, PrepareError> {
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
        // A value at the end of the script ends there, too.
        self.run(end, true);
        // All are named at once, since people set one variable after the other.
        self.unexpanded.report(&self.variables.project, ScriptProblem::Unexpanded)?;
        self.unset.report(&self.variables.project, ScriptProblem::Unset)?;
        Ok(PreparedScript {
            sql: Cow::Owned(self.sql),
            map: SourceMap { runs: self.runs },
            data: self.data,
            ignored_commands: self.ignored_commands,
        })
    }

    /// The place in what the parser reads of a place in one of the last runs.
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

    /// Begins a run.
    fn run(&mut self, text: usize, verbatim: bool) {
        room::push(&mut self.runs, MappedRange { sql: self.sql.len(), text, verbatim });
    }

    /// Puts a value in the place of something.
    fn replace(&mut self, at: usize, value: &str) -> Result<(), PrepareError> {
        self.count(at, value.len())?;
        if self.sql.len() + value.len() > LONGEST {
            return Err(too_long(at));
        }
        if !value.is_empty() {
            self.run(at, false);
            room::push_str(&mut self.sql, value);
        }
        Ok(())
    }

    /// Counts the size of a value.
    fn count(&mut self, at: usize, length: usize) -> Result<(), PrepareError> {
        self.expanded += length;
        match self.expanded > LONGEST_VALUES {
            true => Err(too_long(at)),
            false => Ok(()),
        }
    }

    /// SQL, in which `${x}` is expanded if the project wants it.
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
                (Syntax::Dollar, Some(value)) => self.replace(start, value)?,
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

    /// A variable. `may_be_bound`: one that isn't set may be no variable.
    fn variable(&mut self, range: Range<usize>, may_be_bound: bool) -> Result<(), PrepareError> {
        let written = &self.text[range.clone()];
        match self.value(range.start, written)?.map(Cow::into_owned) {
            Some(value) => self.replace(range.start, &value),
            // As in psql, what isn't set stays as it is. So does the bound of a slice.
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

    fn look_up(&self, name: &str) -> Option<&String> {
        self.own.get(name).or_else(|| match self.variables.syntax {
            Syntax::Psql => self.variables.values.get(name),
            _ => None,
        })
    }

    /// What replaces a variable, as the script writes it. None: it isn't set.
    fn value(&self, at: usize, written: &str) -> Result<Option<Cow<'_, str>>, PrepareError> {
        let inner = written.strip_prefix(':').unwrap_or(written);
        if let Some(name) = inner.strip_prefix("{?").and_then(|name| name.strip_suffix('}')) {
            // A script that uses no variables means something else by it.
            let answers = self.variables.syntax == Syntax::Psql || !self.own.is_empty();
            let word = if self.look_up(name).is_some() { "TRUE" } else { "FALSE" };
            return Ok(answers.then_some(Cow::Borrowed(word)));
        }
        let quoted = |quote| inner.strip_prefix(quote).and_then(|name| name.strip_suffix(quote));
        let found = match (quoted('\''), quoted('"')) {
            (Some(name), _) => self.look_up(name).map(|value| (value, Some('\''))),
            (_, Some(name)) => self.look_up(name).map(|value| (value, Some('"'))),
            _ => self.look_up(inner).map(|value| (value, None)),
        };
        let Some((value, quote)) = found else { return Ok(None) };
        if value.len() > LONGEST_VALUES {
            return Err(too_long(at));
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
        let (offset, written) = (range.start, &self.text[range]);
        let name = format!("\\{}", shorten(command::name(written)));
        match command::meaning(written) {
            Meaning::Nothing => self.ignored_commands.push((offset, name)),
            Meaning::Silent => {}
            Meaning::Semicolon => self.replace(offset, ";")?,
            Meaning::Colon => self.replace(offset, ":")?,
            Meaning::Set(variable, parts) => self.set(offset, variable, parts)?,
            Meaning::Unset(variable) => {
                self.own.remove(&variable);
            }
            Meaning::Quit => return Ok(true),
            Meaning::Refused(why) => {
                return Err(PrepareError { offset, problem: ScriptProblem::Command(name, why) });
            }
        }
        Ok(false)
    }

    /// `\set`
    fn set(
        &mut self,
        offset: usize,
        variable: String,
        parts: Vec<Argument>,
    ) -> Result<(), PrepareError> {
        let mut value = String::new();
        for part in parts {
            match part {
                Argument::Text(text) => room::push_str(&mut value, &text),
                Argument::Variable(written) => {
                    let found = self.value(offset, &written)?;
                    let expanded = found.unwrap_or(Cow::Borrowed(&written)).into_owned();
                    self.count(offset, expanded.len())?;
                    room::push_str(&mut value, &expanded);
                }
            }
        }
        self.own.insert(variable, value);
        Ok(())
    }
}

fn is_number(written: &str) -> bool {
    written[1..].bytes().all(|b| b.is_ascii_digit())
}

/// A value as a literal that means the same whatever `standard_conforming_strings` is.
fn literal(value: &str) -> String {
    let literal = text::literal(value);
    match literal.starts_with('E') {
        // After a letter it would be part of a name.
        true => format!(" {literal}"),
        false => literal,
    }
}

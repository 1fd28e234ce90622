//! The CONTEXT of everything that a script raises.
//!
//! While a script is parsed and run, a callback of the server's error machinery sees each message
//! before it is sent. It adds the line that names the script and the statement, moves an error's
//! position into the script, and keeps notices and warnings.

mod callback;

use super::{cstring, fault};
use crate::domain::mask::Mask;
use crate::domain::script;
use crate::domain::script::prepare::{CopyData, ScriptProblem, SourceMap, Variables, prepare};
use crate::error::{Error, ErrorLocation, Result};
pub use callback::AttachedContext;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::CString;
use std::rc::Rc;

/// Which part of a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The script as a whole is parsed.
    Parsing,
    /// A statement runs.
    Statement {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Where in the script it starts, in bytes.
        offset: usize,
        /// Where it ends.
        end: usize,
        /// The line that it starts in.
        line: usize,
    },
    /// The checks of deferred constraints that its statements left pending.
    Constraints,
}

/// The context of one script. Everything that the server raises while it is
/// [attached](ScriptErrorContext::attach) belongs to it.
pub struct ScriptErrorContext<'a> {
    label: &'a str,
    text: &'a str,
    // The line of its file in which it begins.
    first_line: usize,
    variables: &'a Variables,
    // What was prepared before from the same text.
    offered: Option<Rc<ParserInput>>,
    input: OnceCell<Rc<ParserInput>>,
    stage: Cell<Stage>,
    messages: RefCell<Vec<String>>,
    // Their size in bytes.
    kept: Cell<usize>,
    dropped: Cell<usize>,
    // The line of the last message with a position.
    line: Cell<Option<usize>>,
    // Where the data that a COPY reads begins, and its line, once that was counted.
    data: Cell<Option<(usize, Option<usize>)>>,
    // The table that it copies into.
    copied: RefCell<String>,
    // What is hidden in messages, once there is one.
    mask: OnceCell<Mask>,
    // For the last message with a position: the position, its place in what the parser reads, its
    // place in the text, and its line. The next one mostly comes after it.
    last: Cell<(usize, usize, usize, usize)>,
}

/// What the server's parser is given to read.
pub struct ParserInput {
    /// The value of `standard_conforming_strings` for which it was prepared.
    conforming: bool,
    /// The SQL.
    pub sql: CString,
    /// Leads from the SQL to the text.
    pub map: SourceMap,
    /// The data of COPY statements, which the parser doesn't get.
    pub data: Vec<CopyData>,
    /// The psql commands that were ignored, with their lines.
    pub ignored_commands: Vec<(usize, String)>,
}

impl<'a> ScriptErrorContext<'a> {
    /// `label` is the start of the CONTEXT line, such as `migration 008 (agent config) of
    /// project default`; `text` is what is registered, `variables` what it refers to.
    pub fn new(label: &'a str, text: &'a str, variables: &'a Variables) -> ScriptErrorContext<'a> {
        ScriptErrorContext {
            label,
            text,
            first_line: script::origin::first_line(text),
            variables,
            offered: None,
            input: OnceCell::new(),
            data: Cell::new(None),
            copied: RefCell::default(),
            mask: OnceCell::new(),
            last: Cell::new((1, 0, 0, script::origin::first_line(text))),
            stage: Cell::new(Stage::Parsing),
            messages: RefCell::new(Vec::new()),
            kept: Cell::new(0),
            dropped: Cell::new(0),
            line: Cell::new(None),
        }
    }

    /// The start of the CONTEXT line.
    pub fn label(&self) -> &'a str {
        self.label
    }

    /// The values of secret variables, which are hidden in all that the script raises or returns.
    pub fn mask(&self) -> &Mask {
        self.mask.get_or_init(|| self.variables.mask())
    }

    /// The script as it is registered.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The line of its file in which the script begins, from 1.
    pub fn first_line(&self) -> usize {
        self.first_line
    }

    /// The line of the file of the byte at this offset of the script.
    fn line_at(&self, offset: usize) -> usize {
        self.first_line + script::line_at(self.text, offset) - 1
    }

    /// The context with the [input](ScriptErrorContext::shared_input) of another one that has the
    /// same text and variables, so that it isn't prepared again.
    pub fn with_input(self, offered: Option<Rc<ParserInput>>) -> ScriptErrorContext<'a> {
        ScriptErrorContext { offered, ..self }
    }

    /// What the parser reads, to be used again. None: nothing was
    /// [prepared](ScriptErrorContext::prepare).
    pub fn shared_input(&self) -> Option<Rc<ParserInput>> {
        self.input.get().cloned()
    }

    /// Prepares the script for the parser. Errors: it has something that can't be carried out, or
    /// a variable that isn't set (0A000, 42704).
    pub fn prepare(&self, conforming: bool) -> Result<()> {
        if let Some(input) = self.offered.as_ref().filter(|input| input.conforming == conforming) {
            // A second preparation gives the same.
            self.input.set(Rc::clone(input)).ok();
            return Ok(());
        }
        let script = prepare(self.text, conforming, self.variables)
            .map_err(|fault| self.fault(fault.problem, fault.offset))?;
        let (mut line, mut counted) = (self.first_line, 0);
        let ignored_commands = script.ignored_commands.into_iter().map(|(at, name)| {
            line += script::line_at(&self.text[counted..at], at) - 1;
            counted = at;
            (line, name)
        });
        let ignored_commands = ignored_commands.collect();
        let input = ParserInput {
            conforming,
            sql: cstring(&script.sql),
            map: script.map,
            data: script.data,
            ignored_commands,
        };
        self.input.set(Rc::new(input)).ok();
        Ok(())
    }

    /// The error about a problem in the script.
    pub fn fault(&self, what: ScriptProblem, offset: usize) -> Error {
        fault::error(what, self.place_of(offset))
    }

    /// What the parser reads. None: nothing was [prepared](ScriptErrorContext::prepare).
    pub fn input(&self) -> Option<&ParserInput> {
        self.input.get().map(Rc::as_ref)
    }

    /// From now on a COPY into this table reads data that begins here. None: it has ended.
    pub fn enter_data(&self, data: Option<(usize, String)>) {
        self.data.set(data.as_ref().map(|(offset, _)| (*offset, None)));
        self.copied.replace(data.map(|(_, table)| table).unwrap_or_default());
    }

    /// The line in which the data of a COPY begins.
    fn data_line(&self) -> Option<usize> {
        let (offset, line) = self.data.get()?;
        let line = line.unwrap_or_else(|| self.line_at(offset));
        self.data.set(Some((offset, Some(line))));
        Some(line)
    }

    /// The place in the text, and the line, of a position in what the parser reads.
    fn locate(&self, position: usize) -> Option<(usize, usize)> {
        let input = self.input()?;
        let sql = input.sql.to_bytes();
        let (counted, place, offset, line) = match self.last.get() {
            last if last.0 <= position => last,
            _ => (1, 0, 0, self.first_line),
        };
        let place = place + script::bytes_of_characters(sql.get(place..)?, position - counted);
        let found = input.map.to_source(place);
        let line = line + script::line_at(self.text.get(offset..)?, found - offset) - 1;
        self.last.set((position, place, found, line));
        Some((found, line))
    }

    /// Begins a stage.
    pub fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        self.line.set(None);
    }

    /// The current stage.
    pub fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// The text of the current statement. Empty: there is none.
    pub fn statement(&self) -> &'a str {
        match self.stage.get() {
            Stage::Statement { offset, end, .. } => self.text.get(offset..end).unwrap_or_default(),
            _ => "",
        }
    }

    /// The line of the current statement, or of the error within it.
    pub fn line(&self) -> Option<usize> {
        self.line.get().or(match self.stage.get() {
            Stage::Statement { line, .. } => Some(line),
            _ => None,
        })
    }

    /// The notices so far, which are removed.
    pub fn take_messages(&self) -> Vec<String> {
        let mut messages = self.messages.take();
        if self.dropped.get() > 0 {
            messages.push(format!("({} more)", self.dropped.take()));
        }
        messages
    }

    /// The place of the current statement, for an error of our own about it.
    pub fn place(&self) -> ErrorLocation {
        let offset = match self.stage.get() {
            Stage::Statement { offset, .. } => offset,
            _ => 0,
        };
        self.place_of(offset)
    }

    fn place_of(&self, offset: usize) -> ErrorLocation {
        let line = match self.stage.get() {
            Stage::Parsing => Some(self.line_at(offset)),
            _ => self.line(),
        };
        self.line.set(line);
        let shown = script::excerpt(self.text(), offset);
        ErrorLocation {
            context: self.describe(line),
            excerpt: shown.text,
            position: shown.position as i32,
            line: line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0),
        }
    }

    fn describe(&self, line: Option<usize>) -> String {
        let mut text = self.label.to_owned();
        match self.stage.get() {
            Stage::Parsing => {}
            Stage::Statement { number, of, .. } => {
                text.push_str(&format!(", statement {number} of {of}"));
            }
            Stage::Constraints => text.push_str(", deferred constraints"),
        }
        if let Some(line) = line {
            text.push_str(&format!(", line {line}"));
        }
        text
    }

    /// Attaches the context to the server's error machinery, until what is returned is dropped.
    pub fn attach(&self) -> AttachedContext<'_> {
        AttachedContext::new(self)
    }
}

impl ParserInput {
    /// How much of it there is, in bytes.
    pub fn size(&self) -> usize {
        self.sql.count_bytes()
    }
}

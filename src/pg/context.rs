//! The CONTEXT of everything that a migration raises.
//!
//! While a body is parsed and run, a callback of the server's error machinery sees each
//! message before it is sent. It adds the line that says which migration and statement
//! it comes from, moves an error's position into the body, and keeps what is of NOTICE
//! or WARNING level.

use super::{cstring, interrupt, mask, raw, text};
use crate::domain::mask::Mask;
use crate::domain::script;
use crate::domain::script::prepare::{CopyData, ScriptProblem, SourceMap, Variables, prepare};
use crate::error::{Error, Place, Result};
use core::ffi::{c_int, c_void};
use pgrx::pg_sys;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::{CStr, CString};
use std::rc::Rc;

/// How many notices of one migration are kept; more are counted.
const KEPT: usize = 100;

/// What of a body is being worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The body as a whole is parsed.
    Parsing,
    /// A statement runs.
    Statement {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Where in the body it starts, in bytes.
        offset: usize,
        /// Where it ends.
        end: usize,
        /// The line that it starts in.
        line: usize,
    },
    /// The checks of deferred constraints that its statements left pending.
    Constraints,
}

/// The context of one body. Everything that the server raises between
/// [`ScriptErrorContext::attach`] and the drop of what that returns belongs to it.
pub struct ScriptErrorContext<'a> {
    label: &'a str,
    text: &'a str,
    // The line of its file that its first one is.
    first_line: usize,
    variables: &'a Variables,
    // What was made ready before of the same text.
    offered: Option<Rc<ParserInput>>,
    read: OnceCell<Rc<ParserInput>>,
    step: Cell<Stage>,
    messages: RefCell<Vec<String>>,
    // How much they are, in bytes.
    kept: Cell<usize>,
    dropped: Cell<usize>,
    // The line of the last thing that passed the callback with a position.
    line: Cell<Option<usize>>,
    // Where the data begins that a COPY reads, and in which line, once that is asked for.
    data: Cell<Option<(usize, Option<usize>)>>,
    // The table that it copies into.
    copied: RefCell<String>,
    // What is hidden in messages, once one may hold it.
    mask: OnceCell<Mask>,
    // Of the last message with a position: the position, its place in what the parser
    // reads, its place in the text, and its line. The next one is mostly behind it.
    last: Cell<(usize, usize, usize, usize)>,
}

/// What the server's parser is given to read.
pub struct ParserInput {
    /// `standard_conforming_strings`, by which it was made.
    conforming: bool,
    /// The SQL.
    pub sql: CString,
    /// The way back to the text.
    pub map: SourceMap,
    /// The data of COPY statements, which the parser isn't given.
    pub data: Vec<CopyData>,
    /// The psql commands that were passed over, with their lines.
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
            read: OnceCell::new(),
            data: Cell::new(None),
            copied: RefCell::default(),
            mask: OnceCell::new(),
            last: Cell::new((1, 0, 0, script::origin::first_line(text))),
            step: Cell::new(Stage::Parsing),
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

    /// The values of secret variables, which are hidden in all that the body raises or gives.
    pub fn mask(&self) -> &Mask {
        self.mask.get_or_init(|| self.variables.mask())
    }

    /// The body as it is registered.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The line of its file in which the body begins, from 1.
    pub fn first_line(&self) -> usize {
        self.first_line
    }

    /// The line of the file that holds the byte of the body at this offset.
    fn line_at(&self, offset: usize) -> usize {
        self.first_line + script::line_at(self.text, offset) - 1
    }

    /// The same with what [`ScriptErrorContext::shared_input`] gave of one with this text and these variables,
    /// so that it needn't be made ready again.
    pub fn with_input(self, offered: Option<Rc<ParserInput>>) -> ScriptErrorContext<'a> {
        ScriptErrorContext { offered, ..self }
    }

    /// What the body was made into, to be used again; nothing before [`ScriptErrorContext::prepare`].
    pub fn shared_input(&self) -> Option<Rc<ParserInput>> {
        self.read.get().cloned()
    }

    /// Makes the body ready for the parser. Errors: what can't be honoured in it, or a
    /// variable that isn't set (0A000, 42704).
    pub fn prepare(&self, conforming: bool) -> Result<()> {
        if let Some(read) = self.offered.as_ref().filter(|read| read.conforming == conforming) {
            // Prepared again it is the same.
            self.read.set(Rc::clone(read)).ok();
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
        let read = ParserInput {
            conforming,
            sql: cstring(&script.sql),
            map: script.map,
            data: script.data,
            ignored_commands,
        };
        self.read.set(Rc::new(read)).ok();
        Ok(())
    }

    /// The error about what can't be honoured in the body.
    pub fn fault(&self, what: ScriptProblem, offset: usize) -> Error {
        Error::Script { what, place: self.place_of(offset) }
    }

    /// What the parser reads; nothing before [`ScriptErrorContext::prepare`].
    pub fn input(&self) -> Option<&ParserInput> {
        self.read.get().map(Rc::as_ref)
    }

    /// The same as a C string.
    pub fn sql(&self) -> &CStr {
        self.read.get().map_or(c"", |read| &read.sql)
    }

    /// Says that a COPY into this table reads data that begins here; None: no more.
    pub fn enter_data(&self, data: Option<(usize, String)>) {
        self.data.set(data.as_ref().map(|(offset, _)| (*offset, None)));
        self.copied.replace(data.map(|(_, table)| table).unwrap_or_default());
    }

    /// The line in which the data begins that a COPY reads.
    fn data_line(&self) -> Option<usize> {
        let (offset, line) = self.data.get()?;
        let line = line.unwrap_or_else(|| self.line_at(offset));
        self.data.set(Some((offset, Some(line))));
        Some(line)
    }

    /// Where in the text a position is of what the parser reads, and in which line.
    fn locate(&self, position: usize) -> Option<(usize, usize)> {
        let read = self.input()?;
        let sql = read.sql.to_bytes();
        let (counted, place, offset, line) = match self.last.get() {
            last if last.0 <= position => last,
            _ => (1, 0, 0, self.first_line),
        };
        let place = place + script::bytes_of_characters(sql.get(place..)?, position - counted);
        let found = read.map.to_source(place);
        let line = line + script::line_at(self.text.get(offset..)?, found - offset) - 1;
        self.last.set((position, place, found, line));
        Some((found, line))
    }

    /// Says what is worked on from now on.
    pub fn enter(&self, step: Stage) {
        self.step.set(step);
        self.line.set(None);
    }

    /// What is being worked on.
    pub fn stage(&self) -> Stage {
        self.step.get()
    }

    /// The text of the statement that is being worked on; empty if it is none.
    pub fn statement(&self) -> &'a str {
        match self.step.get() {
            Stage::Statement { offset, end, .. } => self.text.get(offset..end).unwrap_or_default(),
            _ => "",
        }
    }

    /// The line of what is being worked on, or of the error within it.
    pub fn line(&self) -> Option<usize> {
        self.line.get().or(match self.step.get() {
            Stage::Statement { line, .. } => Some(line),
            _ => None,
        })
    }

    /// The notices so far.
    pub fn take_messages(&self) -> Vec<String> {
        let mut messages = self.messages.take();
        if self.dropped.get() > 0 {
            messages.push(format!("({} more)", self.dropped.take()));
        }
        messages
    }

    /// The place of a statement, for an error of our own about it.
    pub fn place(&self) -> Place {
        let offset = match self.step.get() {
            Stage::Statement { offset, .. } => offset,
            _ => 0,
        };
        self.place_of(offset)
    }

    fn place_of(&self, offset: usize) -> Place {
        let line = match self.step.get() {
            Stage::Parsing => Some(self.line_at(offset)),
            _ => self.line(),
        };
        self.line.set(line);
        let shown = script::excerpt(self.text(), offset);
        Place {
            context: self.describe(line),
            excerpt: shown.text,
            position: shown.position as i32,
            line: line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0),
        }
    }

    fn describe(&self, line: Option<usize>) -> String {
        let mut text = self.label.to_owned();
        match self.step.get() {
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

    /// Attaches the context to the server's error machinery.
    pub fn attach(&self) -> Attached<'_> {
        Attached::new(self)
    }
}

impl ParserInput {
    /// How much of it there is, in bytes.
    pub fn size(&self) -> usize {
        self.sql.count_bytes()
    }
}

/// A context in force. Dropping it detaches it, on every way out: a callback left behind
/// would be called with what is no longer there.
pub struct Attached<'a> {
    callback: Box<pg_sys::ErrorContextCallback>,
    _context: &'a ScriptErrorContext<'a>,
}

impl<'a> Attached<'a> {
    fn new(context: &'a ScriptErrorContext<'a>) -> Attached<'a> {
        let mut callback = Box::new(pg_sys::ErrorContextCallback {
            // SAFETY: reads the head of the list.
            previous: unsafe { pg_sys::error_context_stack },
            callback: Some(callback),
            arg: (context as *const ScriptErrorContext).cast_mut().cast::<c_void>(),
        });
        // SAFETY: the box doesn't move while it is linked; drop unlinks it.
        unsafe { pg_sys::error_context_stack = &mut *callback };
        Attached { callback, _context: context }
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        // SAFETY: the list is a stack; `catch` has put it back to where it was with us on
        // top of it, should an error have passed.
        unsafe { pg_sys::error_context_stack = self.callback.previous };
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn callback(argument: *mut c_void) {
    // In a critical section the server must not allocate memory: for want of it, it would
    // have to stop. What it says there is for its own developers.
    // SAFETY: reads a variable of this process.
    if unsafe { pg_sys::CritSectionCount } > 0 {
        return;
    }
    // SAFETY: attached with a context that lives until it is detached.
    let context = unsafe { &*argument.cast::<ScriptErrorContext>() };
    let made = interrupt::quietly(|| {
        let mut line = move_position(context);
        if let Some(in_data) = keep_message(context) {
            context.line.set(Some(in_data));
            line = Some(in_data);
        }
        cstring(&context.describe(line))
    });
    let Some(text) = made else { return };
    // SAFETY: a constant format and a C string. Only want of memory could throw here,
    // which would lose the string's few bytes and nothing else.
    unsafe {
        raw::set_errcontext_domain(core::ptr::null());
        raw::errcontext_msg(c"%s".as_ptr(), text.as_ptr());
    }
}

/// Makes a position in the body, which the server has as one in the client's statement,
/// one in an internal query. Gives the line of the message.
fn move_position(context: &ScriptErrorContext) -> Option<usize> {
    // SAFETY: called by the error machinery, so a message is being made.
    let position = unsafe { pg_sys::geterrposition() };
    if position <= 0 {
        return context.line();
    }
    let Some((offset, line)) = context.locate(position as usize) else { return context.line() };
    if let Stage::Statement { offset: start, end, .. } = context.step.get()
        && !(start..end).contains(&offset)
    {
        // Not a place in this statement: it belongs to the text of another one, such as a
        // prepared statement that is analysed again.
        // SAFETY: as above.
        unsafe { pg_sys::errposition(0) };
        return context.line();
    }
    let shown = script::excerpt(context.text(), offset);
    let text = cstring(&shown.text);
    // SAFETY: as above; the text is copied.
    unsafe {
        pg_sys::errposition(0);
        pg_sys::internalerrposition(shown.position as c_int);
        pg_sys::internalerrquery(text.as_ptr());
    }
    context.line.set(Some(line));
    context.line()
}

/// Keeps what is no error. Gives the line of an error in the data of a COPY.
fn keep_message(context: &ScriptErrorContext) -> Option<usize> {
    // SAFETY: called by the error machinery. The copy is made in the transaction's memory
    // (not in the machinery's own, which the server forbids) and freed at once.
    unsafe {
        let code = pg_sys::geterrcode();
        let scarce = [
            pgrx::PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as c_int,
            pgrx::PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX as c_int,
        ];
        if scarce.contains(&code) {
            return None;
        }
        let former = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
        let data = pg_sys::CopyErrorData();
        let level = (*data).elevel;
        if level >= pg_sys::LOG as c_int {
            mask::in_message(context.mask(), data);
        }
        if [pg_sys::INFO, pg_sys::NOTICE, pg_sys::WARNING].contains(&(level as u32)) {
            let mut kept = context.messages.borrow_mut();
            let room = text::KEPT_MESSAGES.saturating_sub(context.kept.get());
            if kept.len() < KEPT && room > 0 && !(*data).message.is_null() {
                let word = match level as u32 {
                    pg_sys::WARNING => "WARNING",
                    pg_sys::INFO => "INFO",
                    _ => "NOTICE",
                };
                let message = CStr::from_ptr((*data).message).to_string_lossy().into_owned();
                let message = context.mask().hide(message);
                let message = format!("{word}: {}", text::bounded(&message));
                context.kept.set(context.kept.get() + message.len());
                kept.push(message);
            } else {
                context.dropped.set(context.dropped.get() + 1);
            }
        }
        let in_data = context.data.get().and_then(|_| {
            if (*data).context.is_null() {
                return None;
            }
            // What the COPY has said of itself by then: COPY t, line 3, column a.
            // Another one, in a trigger, would stand before it.
            let said = CStr::from_ptr((*data).context).to_string_lossy();
            let table = context.copied.borrow();
            let said = &said[said.rfind(&format!("COPY {table}, "))?..];
            let said = said.get("COPY ".len() + table.len()..)?;
            let mut numbers = said.split(|c: char| !c.is_ascii_digit());
            let number: usize = numbers.find(|digits| !digits.is_empty())?.parse().ok()?;
            context.data_line()?.checked_add(number)?.checked_sub(1)
        });
        pg_sys::FreeErrorData(data);
        pg_sys::MemoryContextSwitchTo(former);
        in_data
    }
}

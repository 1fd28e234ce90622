//! A script as the server's own parser reads it: its statements, and what is special about them.

mod classify;
mod nontransactional;
mod options;

use super::context::{ParserInput, ScriptErrorContext, Stage};
use super::name::Name;
use super::tree::{Tree, command_name};
use crate::domain::script::prepare::ScriptProblem;
use crate::domain::script::{self, skip_blank};
use crate::domain::{halt, room};
use crate::error::Result;
pub use nontransactional::{Form, GlobalObject, ReindexScope};
pub use options::Characteristics;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::ops::Range;

/// A statement of a script.
pub struct ParsedStatement {
    pub(super) tree: Tree,
    command: pg_sys::CommandTag::Type,
    /// Where in the text it starts, after white space and comments, in bytes.
    pub start: usize,
    /// Where it ends, before its semicolon.
    pub end: usize,
    /// The data that it reads, where it is a COPY from the client.
    pub data: Option<Range<usize>>,
    /// The line that it starts in, from 1.
    pub line: usize,
    /// What is special about it.
    pub kind: StatementKind,
    /// Whether it sets `statement_timeout`.
    pub sets_timeout: bool,
    /// It is a DO or CALL, which may commit where it isn't inside a transaction.
    pub is_block: bool,
    /// What it runs, if it is one.
    pub block: Option<Block>,
    /// The table and the index, where it is CREATE INDEX IF NOT EXISTS.
    pub index_if_missing: Option<(Name, String)>,
    /// It sets or resets a setting of the session, not only of the transaction.
    pub sets_session: bool,
    /// The extension that it creates.
    pub creates_extension: Option<String>,
    /// For statements between a BEGIN and its COMMIT, which belong together: the number of their
    /// BEGIN's statement.
    pub section: Option<usize>,
    /// Such a statement is rolled back at the end of its section.
    pub is_undone: bool,
    /// The characteristics with which its transaction begins.
    pub characteristics: Option<Characteristics>,
}

/// What a DO or CALL runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// This text.
    Do(String),
    /// The procedure of this name.
    Call(Name),
}

/// What is special about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    /// Nothing.
    Plain,
    /// BEGIN or START TRANSACTION without options.
    Begin,
    /// COMMIT or END without options.
    Commit,
    /// BEGIN or START TRANSACTION with options.
    BeginWith(Characteristics),
    /// SET TRANSACTION.
    SetTransaction(Characteristics),
    /// ROLLBACK or ABORT without options.
    Rollback,
    /// Other transaction control; its command.
    TransactionControl(String),
    /// The server refuses it inside a transaction; its command, and what it works on.
    NonTransactional(String, Form),
    /// COPY … FROM STDIN, whose data is in the text.
    CopyData,
    /// Sends data to the client, or takes it in a form that no text has; its command.
    ClientCopy(&'static str),
    /// DISCARD ALL.
    DiscardAll,
    /// Creates the reserved schema.
    OwnSchema,
    /// Drops or alters the reserved extension; its command.
    OwnExtension(String),
}

/// Names that a script must not use for objects of its own.
#[derive(Debug, Clone, Copy)]
pub struct Reserved {
    /// An extension.
    pub extension: &'static CStr,
    /// A schema.
    pub schema: &'static CStr,
}

/// `standard_conforming_strings`, by which the parser reads backslashes in literals.
pub fn conforming_strings() -> bool {
    // SAFETY: reads a setting of this process.
    unsafe { pg_sys::standard_conforming_strings }
}

/// Parses a script that was [prepared](ScriptErrorContext::prepare). Errors: syntax errors, with
/// the attached context; data without a COPY that reads it.
pub fn parse(context: &ScriptErrorContext, reserved: &Reserved) -> Result<Vec<ParsedStatement>> {
    let Some(input) = context.shared_input() else { return Ok(Vec::new()) };
    let trees = Tree::parse(&input)?;
    let mut reader = Reader {
        text: context.text(),
        sql: input.sql.to_str().unwrap_or_default(),
        input: &input,
        reserved,
        line: context.first_line(),
        counted: 0,
        claimed: 0,
    };
    let mut statements = room::list(trees.len());
    statements.extend(trees.into_iter().filter_map(|tree| reader.read(tree)));
    match input.data.get(reader.claimed) {
        None => Ok(statements),
        Some(stray) => Err(context.fault(ScriptProblem::StrayData, stray.range.start)),
    }
}

/// Reads one statement after the other.
struct Reader<'a> {
    text: &'a str,
    sql: &'a str,
    input: &'a ParserInput,
    reserved: &'a Reserved,
    // The line of the last statement, and its place. Lines are counted from there, so that the
    // text is read once.
    line: usize,
    counted: usize,
    // How many of the data of COPY statements have their statement.
    claimed: usize,
}

impl Reader<'_> {
    fn read(&mut self, tree: Tree) -> Option<ParsedStatement> {
        halt::work(halt::STEP);
        let (location, length) = tree.place();
        let node = tree.node()?;
        let sql_end = if length > 0 { location + length } else { self.sql.len() };
        let map = &self.input.map;
        let start = map.to_source(skip_blank(self.sql, location).min(sql_end));
        let end = map.to_source_end(sql_end);
        self.line += script::line_at(&self.text[self.counted..start], start) - 1;
        self.counted = start;
        let kind = classify::kind(node, self.reserved);
        let data = (kind == StatementKind::CopyData).then(|| self.claim(sql_end));
        let (block, index_if_missing) = (classify::block(node), classify::index_if_missing(node));
        let creates_extension = classify::creates_extension(node);
        let (sets_timeout, sets_session) =
            (options::sets_timeout(node), options::sets_session(node));
        let command = node.command_tag();
        let is_block = classify::is_block(node);
        Some(ParsedStatement {
            tree,
            command,
            start,
            end,
            data,
            line: self.line,
            kind,
            sets_timeout,
            is_block,
            block,
            index_if_missing,
            sets_session,
            creates_extension,
            section: None,
            is_undone: false,
            characteristics: None,
        })
    }

    /// The data of the COPY that ends here, which may have none.
    fn claim(&mut self, end: usize) -> Range<usize> {
        let data = self.input.data.get(self.claimed).filter(|data| data.semicolon == end);
        self.claimed += usize::from(data.is_some());
        data.map_or(0..0, |data| data.range.clone())
    }
}

impl ParsedStatement {
    /// The stage in which this statement runs: number n of as many.
    pub fn stage(&self, number: usize, of: usize) -> Stage {
        Stage::Statement { number, of, offset: self.start, end: self.end, line: self.line }
    }

    /// Its command, such as `CREATE TABLE`.
    pub fn command(&self) -> String {
        command_name(self.command)
    }

    pub(super) fn command_tag(&self) -> pg_sys::CommandTag::Type {
        self.command
    }

    /// Whether `log_statement` asks for this statement to be logged. Of one that has run it
    /// isn't known any more.
    pub fn is_logged(&self) -> bool {
        // SAFETY: reads a setting of this process.
        let setting = unsafe { pg_sys::log_statement } as pg_sys::LogStmtLevel::Type;
        match setting {
            pg_sys::LogStmtLevel::LOGSTMT_NONE => false,
            pg_sys::LogStmtLevel::LOGSTMT_ALL => true,
            setting => self.tree.node().is_some_and(|node| {
                // SAFETY: a node of the parser.
                let level = unsafe { pg_sys::GetCommandLogLevel(node.as_ptr()) };
                level <= setting
            }),
        }
    }
}

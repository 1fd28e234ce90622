//! The journal of a script whose statements commit one by one: which of them have run.

use crate::domain::checksum::checksum;
use crate::engine::errors;
use crate::error::{Error, Result};
use crate::pg::context::ScriptErrorContext;
use crate::pg::parse::{ParsedStatement, StatementKind};
use crate::pg::transaction;
use crate::store;
use crate::store::journal::{IndexSnapshot, JournalEntry, JournalKey};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The journal of a script.
pub struct Journal<'a> {
    /// The migration, and its direction.
    pub of: JournalKey<'a>,
    /// Version (or name) and project as the arguments of a call.
    pub arguments: &'a str,
    // Statements that have run in a READ ONLY transaction. They are noted after its end.
    unwritten: RefCell<Vec<JournalEntry>>,
}

/// A statement of a script, as the journal has it.
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// The statement.
    pub statement: &'a ParsedStatement,
    /// The checksum of its text and its data.
    pub checksum: [u8; 32],
    /// It begins a transaction.
    pub is_first: bool,
    /// The next statement belongs to the same transaction.
    pub goes_on: bool,
}

impl<'a> Line<'a> {
    /// The statements of a script.
    pub fn all(statements: &'a [ParsedStatement], context: &ScriptErrorContext) -> Vec<Line<'a>> {
        let line = |(n, statement): (usize, &'a ParsedStatement)| {
            let is_same = |other: Option<&ParsedStatement>| {
                statement.section.is_some() && other.is_some_and(|o| o.section == statement.section)
            };
            let data_end = statement.data.as_ref().map_or(0, |data| data.end);
            let end = statement.end.max(data_end);
            Line {
                number: n + 1,
                statement,
                checksum: checksum(&context.text()[statement.start..end]),
                is_first: !is_same(n.checked_sub(1).map(|n| &statements[n])),
                goes_on: is_same(statements.get(n + 1)),
            }
        };
        statements.iter().enumerate().map(line).collect()
    }

    fn entry(&self, is_done: bool, facts: Option<IndexSnapshot>) -> JournalEntry {
        let command = match &self.statement.kind {
            StatementKind::NonTransactional(command, _) => command.clone(),
            _ => self.statement.command(),
        };
        JournalEntry {
            number: self.number,
            checksum: self.checksum.to_vec(),
            command,
            is_done,
            may_commit: self.statement.is_block && self.statement.section.is_none(),
            snapshot: facts,
        }
    }
}

impl<'a> Journal<'a> {
    /// The journal of a migration in a direction.
    pub fn of(of: JournalKey<'a>, arguments: &'a str) -> Journal<'a> {
        Journal { of, arguments, unwritten: RefCell::default() }
    }

    /// Reads the journal in a transaction of its own. Error: a statement that has run was changed
    /// (55000).
    pub fn read(
        &self,
        lines: &[Line],
        context: &ScriptErrorContext,
    ) -> Result<BTreeMap<usize, JournalEntry>> {
        let entries = store::with(|tables| tables.journal(self.of))?;
        transaction::commit()?;
        for entry in entries.values().filter(|entry| entry.is_done) {
            let line = lines.get(entry.number - 1);
            if line.map(|line| &line.checksum[..]) != Some(&entry.checksum) {
                return Err(self.changed(context, entry));
            }
        }
        Ok(entries)
    }

    /// The error for a statement that was changed after it has run or has started.
    pub fn changed(&self, context: &ScriptErrorContext, entry: &JournalEntry) -> Error {
        let is_down = self.of.direction == "down";
        errors::changed_under_way(context.label(), entry.number, self.arguments, is_down)
    }

    /// Notes that a statement starts, and commits.
    pub fn note_started(&self, line: &Line, facts: Option<IndexSnapshot>) -> Result<()> {
        self.write(&line.entry(false, facts))?;
        transaction::commit()
    }

    /// Notes that a statement has run, and commits.
    pub fn note_done(&self, line: &Line, facts: Option<IndexSnapshot>) -> Result<()> {
        self.write(&line.entry(true, facts))?;
        transaction::commit()
    }

    /// Notes that a statement has run in the transaction that is open. If that is READ ONLY, the
    /// note waits for [`Journal::write_waiting`].
    pub fn note_in_transaction(&self, line: &Line) -> Result<()> {
        let entry = line.entry(true, None);
        match transaction::read_only() {
            true => self.unwritten.borrow_mut().push(entry),
            false => self.write(&entry)?,
        }
        Ok(())
    }

    /// Writes the notes that have waited for the end of a transaction, and commits.
    pub fn write_waiting(&self, renew_lock: impl Fn() -> Result<()>) -> Result<()> {
        let waiting = self.unwritten.take();
        if waiting.is_empty() {
            return Ok(());
        }
        renew_lock()?;
        waiting.iter().try_for_each(|entry| self.write(entry))?;
        transaction::commit()
    }

    /// Forgets the notes that wait, because their transaction is rolled back.
    pub fn forget_waiting(&self) {
        self.unwritten.take();
    }

    /// Forgets that a statement was started, and commits.
    pub fn forget_started(&self) -> Result<()> {
        store::with(|tables| tables.forget_started(self.of))?;
        transaction::commit()
    }

    fn write(&self, entry: &JournalEntry) -> Result<()> {
        store::with(|tables| tables.note_statement(self.of, entry, transaction::now()))
    }
}

//! Migrations that can't run inside a transaction: each statement is one of its own.
//!
//! An ordinary statement commits together with its line in the journal, and so do those
//! between a BEGIN and a COMMIT of the text. One that commits
//! by itself gets a line before it starts and another one when it has ended; what became
//! of one that was cut off between is for [`super::interrupted`] to decide. A later run
//! goes on behind what has run, if that part of the text is unchanged.

use super::block;
use super::body::{self, Done, KeptRows};
use super::check::{self, Mode};
use super::condition;
use super::interrupted::{self, Decision};
use super::run::RenewLock;
use super::stepwise::{may_be_tried_again, pause_before_try};
use super::surroundings::Surroundings;
use crate::catalog::index;
use crate::domain::checksum::checksum;
use crate::domain::script::prepare::Variables;
use crate::error::{Error, Result};
use crate::pg::context::Context;
use crate::pg::guc;
use crate::pg::index as new_index;
use crate::pg::integrity::OwnObjects;
use crate::pg::name::{self, Name};
use crate::pg::parse::{Form, Kind, Statement};
use crate::pg::quote_identifier;
use crate::pg::timeout::StatementTimer;
use crate::pg::{memory, portal, settings, transaction};
use crate::store;
use crate::store::journal::{IndexSnapshot, JournalEntry, JournalKey};
use crate::store::project::Project;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a run of such a body needs.
pub struct Script<'a> {
    /// Which journal is kept.
    pub of: JournalKey<'a>,
    /// Its project.
    pub project: &'a Project,
    /// It is marked as one that can't run inside a transaction, so that its blocks may
    /// commit.
    pub is_marked: bool,
    /// The tables of ours that it must leave alone.
    pub objects: &'a RefCell<OwnObjects>,
    /// Makes sure of the project's lock, for the transaction that has just begun.
    pub renew_lock: RenewLock<'a>,
    /// Version (or name) and project as the arguments of a call.
    pub arguments: &'a str,
    /// Shows which statement runs.
    pub show: &'a dyn Fn(usize, usize),
}

/// Runs a body, or what is left of it. To be called right after a commit. Afterwards an
/// empty transaction is open; after an error one that is to be aborted, and settings that
/// the caller has to put back ([`guc::Picture`]).
///
/// Errors: what its statements raise; the part that has run was changed, it touches our
/// tables, an index that it made isn't valid (55000); those of [`interrupted::decide`].
pub fn run(script: &Script, context: &Context) -> Result<Done> {
    // Trees outlive the commits: they are in the memory of the call.
    let memory = memory::Context::new()?;
    // Before the settings, which may hold a limit that is each statement's.
    let timer = RefCell::new((StatementTimer::begin(), false));
    Surroundings::of(Some(script.project))?.set_session()?;
    if let Some(limit) = settings::lock_timeout() {
        guc::set_session("lock_timeout", &limit.to_string())?;
    }
    let checked = memory.enter(|| check::body(context, Mode::Apart))?;
    body::tell_passed_over(context);
    let statements = checked.statements;
    let body = Body { script, context, timer: &timer, unnoted: &RefCell::default() };
    let mut journal = body.read_journal()?;
    // With the data behind it.
    let end = |s: &Statement| s.data.as_ref().map_or(s.end, |data| data.end.max(s.end));
    let texts = statements.iter().map(|s| &context.text()[s.start..end(s)]);
    let sums: Vec<[u8; 32]> = texts.map(checksum).collect();
    for entry in journal.values().filter(|entry| entry.is_done) {
        if sums.get(entry.number - 1).map(|sum| &sum[..]) != Some(&entry.checksum) {
            return Err(Error::ChangedUnderWay {
                migration: context.label().to_owned(),
                statement: entry.number,
                arguments: script.arguments.to_owned(),
                is_down: script.of.direction == "down",
            });
        }
    }
    let of = statements.len();
    let mut kept = KeptRows::default();
    let lines: Vec<Line> = statements
        .iter()
        .enumerate()
        .map(|(n, statement)| {
            let is_of = |other: Option<&Statement>| {
                statement.section.is_some() && other.is_some_and(|o| o.section == statement.section)
            };
            Line {
                number: n + 1,
                statement,
                checksum: &sums[n],
                is_first: !is_of(n.checked_sub(1).map(|n| &statements[n])),
                goes_on: is_of(statements.get(n + 1)),
            }
        })
        .collect();
    let (mut n, mut tries) = (0, 0);
    while let Some(line) = lines.get(n) {
        context.enter(line.statement.step(line.number, of));
        (script.show)(line.number, of);
        match body.step(line, journal.get(&line.number), &mut kept) {
            Ok(()) => {
                journal.remove(&line.number);
                n += 1;
                tries = if line.goes_on { tries } else { 0 };
            }
            // A transaction of the text's own is undone as a whole, so that it can be run again.
            Err(error)
                if line.statement.section.is_some()
                    && may_be_tried_again(&error)
                    && tries < settings::lock_retries() =>
            {
                tries += 1;
                transaction::abort()?;
                body.unnoted.take();
                pause_before_try(context.label(), &error, tries)?;
                n -= lines[..=n].iter().rev().take_while(|line| !line.is_first).count();
            }
            Err(error) => return Err(error),
        }
    }
    // Started once, and not in the text any more.
    for entry in journal.values() {
        (script.renew_lock)()?;
        if let Decision::Run(leftovers) = interrupted::decide(script, context, entry, None)? {
            body.drop_indexes(entry.number, leftovers)?;
        }
    }
    {
        let _attached = context.attach();
        body::tell_hiding()?;
    }
    Ok(kept.done(of, context))
}

/// A statement of a body.
struct Line<'a> {
    number: usize,
    statement: &'a Statement,
    checksum: &'a [u8; 32],
    // It begins a transaction.
    is_first: bool,
    // The next statement belongs to the same transaction.
    goes_on: bool,
}

/// A body under way.
struct Body<'a, 'b> {
    script: &'a Script<'a>,
    context: &'a Context<'b>,
    // The timer, and whether the script has set statement_timeout.
    timer: &'a RefCell<(StatementTimer, bool)>,
    // What has run in a READ ONLY transaction, and gets its lines after it.
    unnoted: &'a RefCell<Vec<JournalEntry>>,
}

impl Body<'_, '_> {
    /// Runs a statement, or goes on with one of which the journal has a line.
    fn step(&self, line: &Line, entry: Option<&JournalEntry>, kept: &mut KeptRows) -> Result<()> {
        let is_done = entry.is_some_and(|entry| entry.is_done);
        if let Some(characteristics) = &line.statement.characteristics
            && line.is_first
            && !is_done
        {
            // The transaction that is open may have taken a snapshot.
            transaction::commit()?;
            let _attached = self.context.attach();
            transaction::set(characteristics)?;
        }
        (self.script.renew_lock)()?;
        match entry {
            // What it set is gone with the session that has run it.
            Some(_) if is_done && line.statement.sets_session => {
                self.arm(line.statement)?;
                let _attached = self.context.attach();
                portal::run(self.context, line.statement, false)?;
                transaction::commit()
            }
            Some(_) if is_done => Ok(()),
            Some(entry) => self.take_up(line, entry, kept),
            None => self.run(line, kept),
        }
    }

    /// Goes on with a statement that was started in a former run.
    fn take_up(&self, line: &Line, entry: &JournalEntry, kept: &mut KeptRows) -> Result<()> {
        let is_same = entry.checksum == line.checksum;
        let current = is_same.then_some(line.statement);
        match interrupted::decide(self.script, self.context, entry, current)? {
            Decision::IsDone => self.note_and_commit(line, true, entry.snapshot.clone()),
            Decision::Complete(other) => {
                self.run_other(line.number, &other)?;
                self.note_and_commit(line, true, None)
            }
            Decision::Run(leftovers) => {
                self.drop_indexes(line.number, leftovers)?;
                self.run(line, kept)
            }
        }
    }

    /// Runs a statement, and notes in the journal that it is done.
    fn run(&self, line: &Line, kept: &mut KeptRows) -> Result<()> {
        if line.statement.is_logged() {
            body::log(self.context, line.statement);
        }
        self.arm(line.statement)?;
        match &line.statement.kind {
            Kind::NonTransactional(_, Form::CreateIndex { table, index: None }) => {
                self.run_unnamed(line, table, kept)
            }
            Kind::NonTransactional(_, form) => self.run_by_itself(line, Some(form), kept),
            _ if line.statement.is_block
                && line.statement.section.is_none()
                && (self.script.is_marked || ends_transactions(line.statement)?) =>
            {
                self.run_by_itself(line, None, kept)
            }
            _ => self.run_in_transaction(line, kept),
        }
    }

    /// One that commits with its line in the journal.
    fn run_in_transaction(&self, line: &Line, kept: &mut KeptRows) -> Result<()> {
        {
            let _attached = self.context.attach();
            kept.keep(portal::run(self.context, line.statement, true)?);
            body::check_index(self.context, line.statement)?;
        }
        self.check_untouched(false)?;
        match transaction::read_only() {
            true => self.unnoted.borrow_mut().push(self.entry(line, true, None)),
            false => self.note(line, true, None)?,
        }
        if line.goes_on {
            return Ok(());
        }
        {
            // What is deferred to the commit may fail there.
            let _attached = self.context.attach();
            transaction::commit()?;
        }
        let unnoted = self.unnoted.take();
        if unnoted.is_empty() {
            return Ok(());
        }
        (self.script.renew_lock)()?;
        unnoted.iter().try_for_each(|entry| self.write(entry))?;
        transaction::commit()
    }

    /// A CREATE INDEX CONCURRENTLY without a name. It gets the name that the server would
    /// choose, so that it is known which index is its own if it is cut off.
    fn run_unnamed(&self, line: &Line, table: &Name, kept: &mut KeptRows) -> Result<()> {
        let mut former = None;
        loop {
            let found = table.find();
            let chosen = found.map(|found| new_index::choose_name(line.statement, found));
            let index = chosen.transpose()?.flatten();
            if let Some(name) = &index {
                new_index::set_name(line.statement, name);
            }
            let form = Form::CreateIndex { table: table.clone(), index: index.clone() };
            match self.run_by_itself(line, Some(&form), kept) {
                // Another session was faster, so that the server chooses another name.
                Err(error) if is_name_taken(&error) && former != index => former = index,
                done => return done,
            }
            (self.script.renew_lock)()?;
        }
    }

    /// What there is before a statement, for the case that it is cut off.
    fn facts(&self, line: &Line, form: &Form) -> Result<Option<IndexSnapshot>> {
        let Some(mut facts) = index::snapshot(form)? else { return Ok(None) };
        if matches!(form, Form::CreateIndex { .. }) {
            let _attached = self.context.attach();
            let table = facts.relation;
            let definition =
                new_index::prospective(line.statement, self.context, table, index::definition);
            facts.definition = match definition {
                Ok(definition) => definition.flatten().map(|definition| {
                    let own = name::of(table).map(|name| quote_identifier(&name.relation));
                    definition.replace(&new_index::copy_name(table), &own.unwrap_or_default())
                }),
                // The statement itself says what is wrong with it.
                Err(error) if condition::is_answer(&error) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(Some(facts))
    }

    /// One that commits by itself.
    fn run_by_itself(&self, line: &Line, form: Option<&Form>, kept: &mut KeptRows) -> Result<()> {
        let limit = match form.is_some_and(waits_for_transactions) {
            true => lift_lock_timeout()?,
            false => None,
        };
        let facts = form.map(|form| self.facts(line, form)).transpose()?.flatten();
        self.note(line, false, facts.clone())?;
        transaction::commit()?;
        let commits = transaction::commits();
        let ran = self.run_top_level(line.statement, limit).and_then(|output| {
            // What is deferred to the commit may fail there.
            let _attached = self.context.attach();
            transaction::commit()?;
            Ok(output)
        });
        match ran {
            Ok(output) => kept.keep(output),
            Err(error) => {
                // Undone as a whole, it was never started.
                if transaction::commits() == commits {
                    transaction::abort()?;
                    store::with(|batch| batch.forget_started(self.script.of))?;
                    transaction::commit()?;
                    put_back_lock_timeout(limit)?;
                }
                return Err(error);
            }
        }
        self.check_untouched(form == Some(&Form::Repeatable))?;
        if let (Some(Form::CreateIndex { index: Some(_), .. }), Some(facts)) = (form, &facts) {
            // With IF NOT EXISTS the server passes over an index that is of no use.
            let (indexes, definition) = (Vec::new(), None);
            let of_name = index::appeared(&IndexSnapshot { indexes, definition, ..facts.clone() })?;
            if let Some(invalid) = of_name.iter().find(|index| !index.is_valid) {
                return Err(Error::InvalidIndex {
                    index: invalid.name.clone(),
                    place: self.context.place(),
                });
            }
        }
        self.note_and_commit(line, true, facts)
    }

    /// Arms the timer for a statement, if the script has a limit of its own.
    fn arm(&self, statement: &Statement) -> Result<()> {
        let (timer, is_set) = &mut *self.timer.borrow_mut();
        timer.arm(*is_set)?;
        *is_set |= statement.sets_timeout;
        Ok(())
    }

    /// Runs a statement that commits by itself, and then sets the limit for waiting for
    /// locks that was lifted for it.
    fn run_top_level(&self, statement: &Statement, limit: Option<i32>) -> Result<portal::Output> {
        let output = {
            let _attached = self.context.attach();
            portal::run_top_level(self.context, statement)
        }?;
        put_back_lock_timeout(limit)?;
        Ok(output)
    }

    /// Runs a statement of ours in the place of the script's.
    fn run_other(&self, number: usize, text: &str) -> Result<()> {
        let memory = memory::Context::new()?;
        let variables = Variables::default();
        let context = Context::new(self.context.label(), text, &variables);
        let body = Body { context: &context, ..*self };
        let statements = memory.enter(|| check::body(&context, Mode::Stepwise))?.statements;
        for statement in &statements {
            context.enter(statement.step(number, number));
            let limit = lift_lock_timeout()?;
            transaction::commit()?;
            body.run_top_level(statement, limit)?;
            transaction::commit()?;
        }
        Ok(())
    }

    fn drop_indexes(&self, number: usize, indexes: Vec<String>) -> Result<()> {
        for index in indexes {
            self.run_other(number, &format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"))?;
        }
        Ok(())
    }

    /// Errors: our tables aren't what they were (55000). Work on the whole database may
    /// have rewritten them, which changes nothing in them.
    fn check_untouched(&self, may_rewrite: bool) -> Result<()> {
        let mut objects = self.script.objects.borrow_mut();
        if may_rewrite {
            objects.follow_files();
        }
        match objects.difference() {
            None => Ok(()),
            Some(detail) => {
                Err(Error::Tampered { migration: self.context.label().to_owned(), detail })
            }
        }
    }

    fn read_journal(&self) -> Result<BTreeMap<usize, JournalEntry>> {
        let journal = store::with(|batch| batch.journal(self.script.of))?;
        transaction::commit()?;
        Ok(journal)
    }

    fn note_and_commit(
        &self,
        line: &Line,
        is_done: bool,
        facts: Option<IndexSnapshot>,
    ) -> Result<()> {
        self.note(line, is_done, facts)?;
        transaction::commit()
    }

    fn note(&self, line: &Line, is_done: bool, facts: Option<IndexSnapshot>) -> Result<()> {
        self.write(&self.entry(line, is_done, facts))
    }

    fn entry(&self, line: &Line, is_done: bool, facts: Option<IndexSnapshot>) -> JournalEntry {
        let command = match &line.statement.kind {
            Kind::NonTransactional(command, _) => command.clone(),
            _ => line.statement.command(),
        };
        JournalEntry {
            number: line.number,
            checksum: line.checksum.to_vec(),
            command,
            is_done,
            may_commit: line.statement.is_block && line.statement.section.is_none(),
            snapshot: facts,
        }
    }

    fn write(&self, entry: &JournalEntry) -> Result<()> {
        store::with(|batch| batch.note_statement(self.script.of, entry, transaction::now()))
    }
}

fn ends_transactions(statement: &Statement) -> Result<bool> {
    block::ends_transactions(statement, |found| store::with(|batch| batch.procedures(found)))
}

/// Whether a statement waits for older transactions, as long as they take.
fn waits_for_transactions(form: &Form) -> bool {
    matches!(
        form,
        Form::CreateIndex { .. } | Form::DropIndex(_) | Form::Reindex(_) | Form::Detach(..)
    )
}

/// Whether there is a relation of a name by now that was free before.
fn is_name_taken(error: &Error) -> bool {
    let Error::Server(error) = error else { return false };
    match error.sqlstate().as_str() {
        "42P07" => true,
        // Both sessions were at it.
        "23505" => error.message().contains("pg_class_relname_nsp_index"),
        _ => false,
    }
}

fn put_back_lock_timeout(limit: Option<i32>) -> Result<()> {
    match limit {
        Some(limit) => guc::set_session("lock_timeout", &limit.to_string()),
        None => Ok(()),
    }
}

/// Lifts the limit for waiting for locks, unless the script or the caller has set it: the
/// likes of CREATE INDEX CONCURRENTLY wait for older transactions in the same way as for
/// locks. Gives the limit.
fn lift_lock_timeout() -> Result<Option<i32>> {
    let limit = settings::is_our_lock_timeout();
    if limit.is_some() {
        guc::set_session("lock_timeout", "0")?;
    }
    Ok(limit)
}

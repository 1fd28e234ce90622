//! The statements of a script that commit one by one.
//!
//! An ordinary statement commits together with its line in the journal. So do the statements
//! between a BEGIN and a COMMIT of the script. A statement that commits by itself gets a line
//! before it starts and another one when it has ended. If it was interrupted between the two,
//! [`interrupted`] decides what to do. A later run continues after the statements that have run,
//! if these are unchanged.

use super::interrupted::{self, Decision};
use super::journal::{Journal, Line};
use super::lock_timeout;
use crate::catalog::index;
use crate::domain::script::prepare::Variables;
use crate::engine::commit_in_block;
use crate::engine::conditions;
use crate::engine::errors;
use crate::engine::retry::{may_be_tried_again, pause_before_try};
use crate::engine::run::RenewLock;
use crate::engine::run_mode::RunMode;
use crate::engine::script::{self, KeptRows, ScriptOutcome};
use crate::engine::script_check;
use crate::engine::script_settings::ScriptSettings;
use crate::error::{Error, Result};
use crate::pg::context::ScriptErrorContext;
use crate::pg::guc;
use crate::pg::index as new_index;
use crate::pg::name::{self, Name};
use crate::pg::parse::{Form, ParsedStatement, StatementKind};
use crate::pg::quote_identifier;
use crate::pg::timeout::StatementTimer;
use crate::pg::{memory, portal, settings, transaction};
use crate::store;
use crate::store::journal::{IndexSnapshot, JournalEntry};
use crate::store::own_objects::OwnObjects;
use crate::store::project::Project;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a run of such a script needs.
pub struct NonTransactionalScript<'a> {
    /// Its journal.
    pub journal: Journal<'a>,
    /// Its project.
    pub project: &'a Project,
    /// It is marked as one that cannot run inside a transaction, so its blocks may commit.
    pub is_marked: bool,
    /// Our own objects, which it must not change.
    pub objects: &'a RefCell<OwnObjects>,
    /// Takes the project's lock in the transaction that has just begun.
    pub renew_lock: RenewLock<'a>,
    /// Shows which statement runs.
    pub show: &'a dyn Fn(usize, usize),
}

/// Runs a script, or what is left of it. Must be called right after a commit. Afterwards an empty
/// transaction is open. After an error, the caller aborts the transaction and restores the
/// settings ([`guc::GucSnapshot`]).
///
/// Errors: those of its statements; a statement that has run was changed, the script changes our
/// tables, an index that it has built is not valid (55000); those of [`interrupted::decide`].
pub fn run(script: &NonTransactionalScript, context: &ScriptErrorContext) -> Result<ScriptOutcome> {
    // Parse trees are in this context, so they survive the commits.
    let memory = memory::Context::new()?;
    // Before the settings, which may hold a limit for each statement.
    let timer = RefCell::new((StatementTimer::begin(), false));
    ScriptSettings::of(Some(script.project))?.set_session()?;
    if let Some(limit) = settings::lock_timeout() {
        guc::set_session("lock_timeout", &limit.to_string())?;
    }
    let checked = memory.enter(|| script_check::check(context, RunMode::NonTransactional))?;
    script::report_ignored_commands(context);
    let lines = Line::all(&checked.statements, context);
    let mut entries = script.journal.read(&lines, context)?;
    let mut kept = KeptRows::default();
    let execution = Execution { script, context, timer: &timer };
    execution.all(&lines, &mut entries, &mut kept)?;
    execution.finish_removed(&entries)?;
    {
        let _attached = context.attach();
        script::warn_of_hiding()?;
    }
    Ok(kept.done(lines.len(), context))
}

/// A script under way.
struct Execution<'a, 'b> {
    script: &'a NonTransactionalScript<'a>,
    context: &'a ScriptErrorContext<'b>,
    // The timer, and whether the script has set statement_timeout.
    timer: &'a RefCell<(StatementTimer, bool)>,
}

impl Execution<'_, '_> {
    /// Runs all statements. `entries` are those of the journal; afterwards only those of
    /// statements that the script no longer has.
    fn all(
        &self,
        lines: &[Line],
        entries: &mut BTreeMap<usize, JournalEntry>,
        kept: &mut KeptRows,
    ) -> Result<()> {
        let (mut n, mut tries) = (0, 0);
        while let Some(line) = lines.get(n) {
            self.context.enter(line.statement.stage(line.number, lines.len()));
            (self.script.show)(line.number, lines.len());
            match self.step(line, entries.get(&line.number), kept) {
                Ok(()) => {
                    entries.remove(&line.number);
                    n += 1;
                    tries = if line.goes_on { tries } else { 0 };
                }
                // A transaction of the script's own is rolled back as a whole, so it can be
                // tried again.
                Err(error)
                    if line.statement.section.is_some()
                        && may_be_tried_again(&error)
                        && tries < settings::lock_retries() =>
                {
                    tries += 1;
                    transaction::abort()?;
                    self.script.journal.forget_waiting();
                    pause_before_try(self.context.label(), &error, tries)?;
                    n -= lines[..=n].iter().rev().take_while(|line| !line.is_first).count();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Cleans up after statements that were started once, and that the script no longer has.
    fn finish_removed(&self, entries: &BTreeMap<usize, JournalEntry>) -> Result<()> {
        for entry in entries.values() {
            (self.script.renew_lock)()?;
            let journal = &self.script.journal;
            if let Decision::Run(leftovers) =
                interrupted::decide(journal, self.context, entry, None)?
            {
                self.drop_indexes(entry.number, leftovers)?;
            }
        }
        Ok(())
    }

    /// Runs a statement, or continues with one that the journal has.
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
            // Its settings have ended with the session that ran it.
            Some(_) if is_done && line.statement.sets_session => {
                self.arm(line.statement)?;
                let _attached = self.context.attach();
                portal::run(self.context, line.statement, false)?;
                transaction::commit()
            }
            Some(_) if is_done => Ok(()),
            Some(entry) => self.resume(line, entry, kept),
            None => self.run(line, kept),
        }
    }

    /// Continues with a statement that was started in an earlier run.
    fn resume(&self, line: &Line, entry: &JournalEntry, kept: &mut KeptRows) -> Result<()> {
        let is_same = entry.checksum == line.checksum;
        let current = is_same.then_some(line.statement);
        let journal = &self.script.journal;
        match interrupted::decide(journal, self.context, entry, current)? {
            Decision::IsDone => journal.note_done(line, entry.snapshot.clone()),
            Decision::Complete(other) => {
                self.run_other(line.number, &other)?;
                journal.note_done(line, None)
            }
            Decision::Run(leftovers) => {
                self.drop_indexes(line.number, leftovers)?;
                self.run(line, kept)
            }
        }
    }

    /// Runs a statement, and notes in the journal that it has run.
    fn run(&self, line: &Line, kept: &mut KeptRows) -> Result<()> {
        if line.statement.is_logged() {
            script::log(self.context, line.statement);
        }
        self.arm(line.statement)?;
        match &line.statement.kind {
            StatementKind::NonTransactional(_, Form::CreateIndex { table, index: None }) => {
                self.run_unnamed(line, table, kept)
            }
            StatementKind::NonTransactional(_, form) => self.run_by_itself(line, Some(form), kept),
            _ if line.statement.is_block
                && line.statement.section.is_none()
                && (self.script.is_marked || ends_transactions(line.statement)?) =>
            {
                self.run_by_itself(line, None, kept)
            }
            _ => self.run_in_transaction(line, kept),
        }
    }

    /// Runs a statement that commits with its line in the journal.
    fn run_in_transaction(&self, line: &Line, kept: &mut KeptRows) -> Result<()> {
        {
            let _attached = self.context.attach();
            kept.keep(portal::run(self.context, line.statement, true)?);
            script::check_index(self.context, line.statement)?;
        }
        self.check_untouched(false)?;
        self.script.journal.note_in_transaction(line)?;
        if line.goes_on {
            return Ok(());
        }
        {
            // Deferred checks may fail at the commit.
            let _attached = self.context.attach();
            transaction::commit()?;
        }
        self.script.journal.write_waiting(self.script.renew_lock)
    }

    /// Runs a CREATE INDEX CONCURRENTLY without a name. It gets the name that the server would
    /// choose, so that the index can be found if the statement is interrupted.
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
                // Another session has taken the name meanwhile, so the server chooses another.
                Err(error) if is_name_taken(&error) && former != index => former = index,
                done => return done,
            }
            (self.script.renew_lock)()?;
        }
    }

    /// What there is before a statement, in case it is interrupted.
    fn facts(&self, line: &Line, form: &Form) -> Result<Option<IndexSnapshot>> {
        let Some(mut facts) = index::snapshot(form)? else { return Ok(None) };
        if matches!(form, Form::CreateIndex { .. }) {
            let _attached = self.context.attach();
            let table = facts.relation;
            let definition = new_index::prospective(line.statement, table, index::definition);
            facts.definition = match definition {
                Ok(definition) => definition.flatten().map(|definition| {
                    let own = name::of(table).map(|name| quote_identifier(&name.relation));
                    definition.replace(&new_index::copy_name(table), &own.unwrap_or_default())
                }),
                // The statement itself will raise the error.
                Err(error) if conditions::is_answer(&error) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(Some(facts))
    }

    /// Runs a statement that commits by itself.
    fn run_by_itself(&self, line: &Line, form: Option<&Form>, kept: &mut KeptRows) -> Result<()> {
        let limit = match form.is_some_and(lock_timeout::waits_for_transactions) {
            true => lock_timeout::lift()?,
            false => None,
        };
        let facts = form.map(|form| self.facts(line, form)).transpose()?.flatten();
        let journal = &self.script.journal;
        journal.note_started(line, facts.clone())?;
        let commits = transaction::commits();
        let ran = self.run_top_level(line.statement, limit).and_then(|output| {
            // Deferred checks may fail at the commit.
            let _attached = self.context.attach();
            transaction::commit()?;
            Ok(output)
        });
        match ran {
            Ok(output) => kept.keep(output),
            Err(error) => {
                // Rolled back as a whole, it was never started.
                if transaction::commits() == commits {
                    transaction::abort()?;
                    journal.forget_started()?;
                    lock_timeout::restore(limit)?;
                }
                return Err(error);
            }
        }
        self.check_untouched(form == Some(&Form::Repeatable))?;
        self.check_new_index(form, facts.as_ref())?;
        journal.note_done(line, facts)
    }

    /// Checks the index of a CREATE INDEX CONCURRENTLY. Error: it is not valid, since the server
    /// accepts an invalid index for IF NOT EXISTS (55000).
    fn check_new_index(&self, form: Option<&Form>, facts: Option<&IndexSnapshot>) -> Result<()> {
        let (Some(Form::CreateIndex { index: Some(_), .. }), Some(facts)) = (form, facts) else {
            return Ok(());
        };
        let (indexes, definition) = (Vec::new(), None);
        let of_name = index::appeared(&IndexSnapshot { indexes, definition, ..facts.clone() })?;
        match of_name.iter().find(|index| !index.is_valid) {
            None => Ok(()),
            Some(invalid) => {
                let index = self.context.mask().hide(invalid.name.clone());
                Err(errors::invalid_index(&index, self.context.place()))
            }
        }
    }

    /// Arms the timer for a statement, if the script has set a limit.
    fn arm(&self, statement: &ParsedStatement) -> Result<()> {
        let (timer, is_set) = &mut *self.timer.borrow_mut();
        timer.arm(*is_set)?;
        *is_set |= statement.sets_timeout;
        Ok(())
    }

    /// Runs a statement that commits by itself, and then restores the limit for waiting for
    /// locks that was lifted for it.
    fn run_top_level(
        &self,
        statement: &ParsedStatement,
        limit: Option<i32>,
    ) -> Result<portal::Output> {
        let output = {
            let _attached = self.context.attach();
            portal::run_top_level(self.context, statement)
        }?;
        lock_timeout::restore(limit)?;
        Ok(output)
    }

    /// Runs a statement of ours in place of the script's.
    fn run_other(&self, number: usize, text: &str) -> Result<()> {
        let memory = memory::Context::new()?;
        let variables = Variables::default();
        let context = ScriptErrorContext::new(self.context.label(), text, &variables);
        let execution = Execution { context: &context, ..*self };
        let checked = memory.enter(|| script_check::check(&context, RunMode::Stepwise))?;
        for statement in &checked.statements {
            context.enter(statement.stage(number, number));
            let limit = lock_timeout::lift()?;
            transaction::commit()?;
            execution.run_top_level(statement, limit)?;
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

    /// Error: our tables were changed (55000). A statement on the whole database may have
    /// rewritten them, which is no change.
    fn check_untouched(&self, may_rewrite: bool) -> Result<()> {
        let mut objects = self.script.objects.borrow_mut();
        if may_rewrite {
            objects.follow_files();
        }
        match objects.difference() {
            None => Ok(()),
            Some(detail) => Err(errors::tampered(self.context.label(), detail)),
        }
    }
}

fn ends_transactions(statement: &ParsedStatement) -> Result<bool> {
    commit_in_block::ends_transactions(statement, |found| {
        store::with(|tables| tables.procedures(found))
    })
}

/// Whether another session has taken a name that was free before.
fn is_name_taken(error: &Error) -> bool {
    let Some(error) = error.server() else { return false };
    match error.sqlstate().as_str() {
        "42P07" => true,
        // Both sessions have tried at the same time.
        "23505" => error.message().contains("pg_class_relname_nsp_index"),
        _ => false,
    }
}

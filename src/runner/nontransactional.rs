//! Migrations that can't run inside a transaction: each statement is one of its own.
//!
//! An ordinary statement commits together with its line in the journal. One that commits
//! by itself gets a line before it starts and another one when it has ended; what became
//! of one that was cut off between is decided by the catalog, as far as that can be told.
//! A later run goes on behind what has run, if that part of the text is unchanged.

use super::body::{Done, KeptRows};
use super::check::{self, Mode};
use crate::domain::checksum::checksum;
use crate::error::{Error, Result};
use crate::pg::context::Context;
use crate::pg::guc::{self, Picture};
use crate::pg::integrity::OwnObjects;
use crate::pg::parse::{Form, Kind, Statement};
use crate::pg::timeout::StatementTimer;
use crate::pg::{memory, message, portal, settings, transaction};
use crate::store::Store;
use crate::store::index::{self, NewIndex, Which};
use crate::store::journal::{Entry, Facts, Of};
use std::cell::RefCell;

/// What a run of such a body needs.
pub struct Script<'a> {
    /// Which journal is kept.
    pub of: Of<'a>,
    /// The settings of its project.
    pub settings: &'a [(String, String)],
    /// It is marked as one that can't run inside a transaction, so that its blocks may
    /// commit.
    pub is_marked: bool,
    /// The tables of ours that it must leave alone.
    pub objects: &'a OwnObjects,
    /// Makes sure of the project's lock, for the transaction that has just begun.
    pub renew_lock: &'a dyn Fn() -> Result<()>,
    /// Shows which statement runs.
    pub show: &'a dyn Fn(usize, usize),
}

/// Runs a body, or what is left of it. To be called right after a commit. Afterwards an
/// empty transaction is open; after an error one that is to be aborted, and settings that
/// the caller has to put back ([`Picture`]).
///
/// Errors: what its statements raise; the part that has run was changed, a block of it was
/// cut off, an index is being built by others or isn't valid (55000).
pub fn run(script: &Script, context: &Context) -> Result<Done> {
    // Trees outlive the commits: they are in the memory of the call.
    let memory = memory::Context::new()?;
    // Before the settings, which may hold a limit that is each statement's.
    let timer = RefCell::new((StatementTimer::begin(), false));
    let settings = effective_settings(script.settings)?;
    for (name, value) in &settings {
        guc::set_session(name, value)?;
    }
    let statements = memory.enter(|| check::body(context, Mode::Stepwise))?.statements;
    let journal = read_journal(script)?;
    let sums: Vec<Vec<u8>> =
        statements.iter().map(|s| checksum(&context.text()[s.start..s.end]).to_vec()).collect();
    for entry in journal.iter().filter(|entry| entry.is_done) {
        if sums.get(entry.number - 1) != Some(&entry.checksum) {
            return Err(Error::ChangedUnderWay {
                migration: context.label().to_owned(),
                statement: entry.number,
            });
        }
    }
    let of = statements.len();
    let mut kept = KeptRows::default();
    for (n, statement) in statements.iter().enumerate() {
        let number = n + 1;
        let line = Line { script, context, statement, number, checksum: &sums[n], timer: &timer };
        (script.renew_lock)()?;
        context.enter(statement.step(number, of));
        (script.show)(number, of);
        match journal.iter().find(|entry| entry.number == number) {
            Some(entry) if entry.is_done => {
                // What it set is gone with the session that has run it.
                if statement.sets_session {
                    line.arm()?;
                    let _attached = context.attach();
                    portal::run(context, statement, false)?;
                    transaction::commit()?;
                }
            }
            entry => {
                let decision = match entry {
                    Some(entry) => line.decide(entry)?,
                    None => Decision::Run,
                };
                line.take(decision, &mut kept)?;
            }
        }
        if let Some(detail) = script.objects.difference() {
            return Err(Error::Tampered { migration: context.label().to_owned(), detail });
        }
    }
    Ok(kept.done(of, context.take_messages()))
}

/// The settings of the project, and a limit for waiting for locks where nobody has set one.
fn effective_settings(project: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut all = project.to_vec();
    if let Some(limit) = settings::lock_timeout()
        && !all.iter().any(|(name, _)| name == "lock_timeout")
    {
        all.push(("lock_timeout".to_owned(), limit.to_string()));
    }
    Ok(all)
}

fn read_journal(script: &Script) -> Result<Vec<Entry>> {
    let store = Store::find()?;
    let batch = store.open()?;
    let journal = batch.journal(script.of)?;
    batch.close()?;
    transaction::commit()?;
    Ok(journal)
}

/// What is to be done about a statement that was started.
enum Decision {
    /// It is run, for the first time or again.
    Run,
    /// It has run.
    IsDone,
    /// These indexes are leftovers of it: they are dropped, then it is run.
    DropAndRun(Vec<String>),
    /// Its work is completed by another statement.
    Complete(String),
}

/// A statement of a body under way.
struct Line<'a, 'b> {
    script: &'a Script<'a>,
    context: &'a Context<'b>,
    statement: &'a Statement,
    number: usize,
    checksum: &'a [u8],
    // The timer, and whether the script has set statement_timeout.
    timer: &'a RefCell<(StatementTimer, bool)>,
}

impl Line<'_, '_> {
    /// What has become of a statement that was started and not noted as done.
    fn decide(&self, entry: &Entry) -> Result<Decision> {
        let is_changed = entry.checksum != self.checksum;
        let decision = match (&self.statement.kind, &entry.facts) {
            _ if entry.may_commit => {
                return Err(Error::Interrupted {
                    migration: self.context.label().to_owned(),
                    command: entry.command.clone(),
                    statement: self.number,
                });
            }
            (
                Kind::NonTransactional(_, Form::CreateIndex { index, beginning, .. }),
                Some(facts),
            ) => {
                let which = index.as_deref().map_or(Which::Unnamed(beginning), Which::Named);
                let new = index::appeared(facts, which)?;
                self.check_nobody_builds(&new)?;
                let (valid, invalid): (Vec<_>, Vec<_>) = new.into_iter().partition(|i| i.is_valid);
                match (valid.is_empty(), invalid.is_empty()) {
                    // Another statement stands here now.
                    _ if is_changed => {
                        warn_of_leftovers(facts, &invalid)?;
                        Decision::DropAndRun(names(invalid))
                    }
                    (_, false) => Decision::DropAndRun(names(invalid)),
                    (true, true) => Decision::Run,
                    (false, true) => Decision::IsDone,
                }
            }
            (_, Some(facts)) if is_changed => {
                warn_of_leftovers(facts, &[])?;
                Decision::Run
            }
            _ if is_changed => Decision::Run,
            (Kind::NonTransactional(_, Form::Reindex(_)), Some(facts)) => {
                let leftovers = index::appeared(facts, Which::Leftovers)?;
                self.check_nobody_builds(&leftovers)?;
                let invalid = leftovers.into_iter().filter(|index| !index.is_valid);
                Decision::DropAndRun(names(invalid.collect()))
            }
            (Kind::NonTransactional(_, Form::DropIndex(_)), Some(facts)) => {
                match index::exists(facts.relation)? {
                    true => Decision::Run,
                    false => Decision::IsDone,
                }
            }
            (Kind::NonTransactional(_, Form::Detach(partition)), _) => {
                match index::detaching(partition)? {
                    None => Decision::IsDone,
                    Some((_, false)) => Decision::Run,
                    Some((parent, true)) => Decision::Complete(format!(
                        "ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE"
                    )),
                }
            }
            (Kind::NonTransactional(_, Form::Named(kind, name, makes)), _) => {
                match index::named(*kind, name)? == *makes {
                    true => Decision::IsDone,
                    false => Decision::Run,
                }
            }
            _ => Decision::Run,
        };
        transaction::commit()?;
        Ok(decision)
    }

    fn check_nobody_builds(&self, indexes: &[NewIndex]) -> Result<()> {
        match indexes.iter().find_map(|index| Some((index, index.builder?))) {
            None => Ok(()),
            Some((index, process)) => Err(Error::IndexInWork {
                index: index.name.clone(),
                process,
                place: self.context.place(),
            }),
        }
    }

    /// Does what was decided, and notes in the journal that the statement is done.
    fn take(&self, decision: Decision, kept: &mut KeptRows) -> Result<()> {
        match decision {
            Decision::IsDone => return self.note(true, None).and_then(|()| transaction::commit()),
            Decision::Complete(other) => {
                self.run_other(&other)?;
                return self.note(true, None).and_then(|()| transaction::commit());
            }
            Decision::DropAndRun(indexes) => {
                for index in indexes {
                    self.run_other(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"))?;
                }
            }
            Decision::Run => {}
        }
        let commits_itself = match &self.statement.kind {
            Kind::NonTransactional(..) => true,
            _ => self.script.is_marked && self.statement.is_block,
        };
        self.arm()?;
        if !commits_itself {
            let _attached = self.context.attach();
            kept.keep(portal::run(self.context, self.statement, true)?);
            drop(_attached);
            self.note(true, None)?;
            let _attached = self.context.attach();
            return transaction::commit();
        }
        let facts = match &self.statement.kind {
            Kind::NonTransactional(_, Form::CreateIndex { table, .. }) => {
                index::facts(table, false)?
            }
            Kind::NonTransactional(_, Form::Reindex(relation)) => index::facts(relation, true)?,
            Kind::NonTransactional(_, Form::DropIndex(name)) => index::relation(name)?,
            _ => None,
        };
        self.note(false, facts.clone())?;
        let limit = lift_lock_timeout()?;
        transaction::commit()?;
        let commits = transaction::commits();
        match self.run_top_level(self.statement, limit) {
            Ok(output) => kept.keep(output),
            Err(error) => {
                // Undone as a whole, it was never started.
                if transaction::commits() == commits {
                    transaction::abort()?;
                    self.forget()?;
                    transaction::commit()?;
                }
                return Err(error);
            }
        }
        transaction::commit()?;
        if let (
            Kind::NonTransactional(_, Form::CreateIndex { index: Some(name), .. }),
            Some(facts),
        ) = (&self.statement.kind, &facts)
        {
            // With IF NOT EXISTS the server passes over an index that is of no use.
            let facts = Facts { indexes: Vec::new(), ..facts.clone() };
            let of_name = index::appeared(&facts, Which::Named(name))?;
            if let Some(invalid) = of_name.iter().find(|index| !index.is_valid) {
                return Err(Error::InvalidIndex {
                    index: invalid.name.clone(),
                    place: self.context.place(),
                });
            }
        }
        self.note(true, facts)?;
        transaction::commit()
    }

    /// Arms the timer for a statement, if the script has a limit of its own.
    fn arm(&self) -> Result<()> {
        let (timer, is_set) = &mut *self.timer.borrow_mut();
        timer.arm(*is_set)?;
        *is_set |= self.statement.sets_timeout;
        Ok(())
    }

    /// Runs a statement that commits by itself, and then sets the limit for waiting for
    /// locks that was lifted for it.
    fn run_top_level(&self, statement: &Statement, limit: Option<i32>) -> Result<portal::Output> {
        let output = {
            let _attached = self.context.attach();
            portal::run_top_level(self.context, statement)
        }?;
        if let Some(limit) = limit {
            guc::set_session("lock_timeout", &limit.to_string())?;
        }
        Ok(output)
    }

    /// Runs a statement of ours in the place of the script's.
    fn run_other(&self, text: &str) -> Result<()> {
        let memory = memory::Context::new()?;
        let body = crate::pg::cstring(text);
        let context = Context::new(self.context.label(), &body);
        let statements = memory.enter(|| check::body(&context, Mode::Stepwise))?.statements;
        for statement in &statements {
            context.enter(statement.step(self.number, self.number));
            let line = Line { context: &context, ..*self };
            let limit = lift_lock_timeout()?;
            transaction::commit()?;
            line.run_top_level(statement, limit)?;
            transaction::commit()?;
        }
        Ok(())
    }

    fn note(&self, is_done: bool, facts: Option<Facts>) -> Result<()> {
        let command = match &self.statement.kind {
            Kind::NonTransactional(command, _) => command.clone(),
            _ => self.statement.command(),
        };
        let store = Store::find()?;
        let batch = store.open()?;
        batch.note_statement(
            self.script.of,
            &Entry {
                number: self.number,
                checksum: self.checksum.to_vec(),
                command,
                is_done,
                may_commit: self.statement.is_block,
                facts,
            },
            transaction::now(),
        )?;
        batch.close()
    }

    fn forget(&self) -> Result<()> {
        let store = Store::find()?;
        let batch = store.open()?;
        batch.forget_started(self.script.of)?;
        batch.close()
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

/// Says which invalid indexes a statement that isn't there any more may have left.
fn warn_of_leftovers(facts: &Facts, known: &[NewIndex]) -> Result<()> {
    for index in index::appeared(facts, Which::All)? {
        if !index.is_valid && index.builder.is_none() && !known.contains(&index) {
            message::warning(&format!(
                "index {0} is not valid; if the former text of the migration has left it: DROP INDEX CONCURRENTLY {0};",
                index.name
            ));
        }
    }
    Ok(())
}

fn names(indexes: Vec<NewIndex>) -> Vec<String> {
    indexes.into_iter().map(|index| index.name).collect()
}

/// Puts back the settings of the session, in a transaction of its own.
pub fn restore(picture: &Picture) -> Result<()> {
    picture.restore()?;
    transaction::commit()
}

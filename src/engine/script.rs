//! Runs a script inside the current transaction.

use super::constraints::{self, AllModes};
use super::errors;
use super::run_mode::RunMode;
use super::script_check;
use super::script_settings::ScriptSettings;
use crate::catalog::temporary;
use crate::domain::room;
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::context::{ScriptErrorContext, Stage};
use crate::pg::guc::GucScope;
use crate::pg::identity::Users;
use crate::pg::memory;
use crate::pg::message;
use crate::pg::name::{self, Name};
use crate::pg::parse::{self, ParsedStatement};
use crate::pg::portal::{self, Truth};
use crate::pg::settings;
use crate::pg::subtransaction::Subtransaction;
use crate::pg::timeout::StatementTimer;
use crate::store::Store;
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;

/// What a script did.
pub struct ScriptOutcome {
    /// How many statements ran.
    pub statements: usize,
    /// Its notices and warnings.
    pub messages: Vec<String>,
    /// The rows of its result, as JSON.
    pub rows: Vec<String>,
    /// The first column of its result, if that is a boolean column.
    pub truth: Option<Truth>,
}

impl ScriptOutcome {
    /// Messages and rows, for the column `messages`.
    pub fn output_lines(self) -> Vec<String> {
        let mut all = self.messages;
        all.extend(self.rows);
        all
    }

    /// The outcome of a step that ran nothing.
    pub fn without_statements(message: String) -> ScriptOutcome {
        ScriptOutcome { statements: 0, messages: vec![message], rows: Vec::new(), truth: None }
    }
}

/// The rows of the last statement that has given some.
#[derive(Default)]
pub struct KeptRows {
    rows: Vec<String>,
    truth: Option<Truth>,
}

impl KeptRows {
    /// Keeps the rows of a statement, if it is one that gives rows.
    pub fn keep(&mut self, output: portal::Output) {
        if output.has_result {
            (self.rows, self.truth) = (output.rows, output.truth);
            if output.more > 0 {
                self.rows.push(format!("({} more rows)", output.more));
            }
        }
    }

    /// The outcome of a script that ends with these rows.
    pub fn done(self, statements: usize, context: &ScriptErrorContext) -> ScriptOutcome {
        let rows = self.rows.into_iter().map(|row| context.mask().hide(row)).collect();
        ScriptOutcome { statements, messages: context.take_messages(), rows, truth: self.truth }
    }
}

/// Which rows of a script are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepRows {
    /// Those of the last statement. For the script of a migration.
    OfLastStatement,
    /// Those of the last statement that gives rows. For a precondition or verify script.
    OfLastResult,
}

/// Opens a nest level for settings, with those of the project's scripts and a limit for waiting
/// for locks. An error in one of them has the script's context.
fn nest(context: &ScriptErrorContext, project: &Project) -> Result<GucScope> {
    let settings_of_scripts = ScriptSettings::of(Some(project))?;
    context.enter(Stage::Parsing);
    let _attached = context.attach();
    let nest = settings_of_scripts.nest()?;
    if let Some(limit) = settings::lock_timeout() {
        nest.set("lock_timeout", &limit.to_string())?;
    }
    Ok(nest)
}

/// Runs a script: all its statements, then the checks of deferred constraints. Afterwards all
/// settings are as they were, role and session user included.
///
/// `title` shows the migration in `pg_stat_activity`. After an error, the abort of the
/// transaction cleans up.
pub fn run(
    store: &Store,
    context: &ScriptErrorContext,
    title: &str,
    activity: &Activity,
    project: &Project,
    keep: KeepRows,
) -> Result<ScriptOutcome> {
    let users = Users::current();
    // Before the settings, which may hold a limit for each statement.
    let timer = StatementTimer::begin();
    let nest = nest(context, project)?;
    let memory = memory::Context::new()?;
    let execution = Execution {
        context,
        title,
        activity,
        keep,
        timer,
        timeout_set: false,
        all_modes: AllModes::default(),
        block: None,
        kept: KeptRows::default(),
    };
    let outcome = memory.enter(|| execution.run(store))?;
    nest.undo()?;
    if Users::current() != users {
        return Err(user_not_restored(context.label()));
    }
    Ok(outcome)
}

/// A script under way.
struct Execution<'a, 'b> {
    context: &'a ScriptErrorContext<'b>,
    title: &'a str,
    activity: &'a Activity,
    keep: KeepRows,
    // Dropped before the timer, which limits its rollback, too.
    block: Option<RolledBackBlock>,
    timer: StatementTimer,
    // Whether the script has set statement_timeout.
    timeout_set: bool,
    all_modes: AllModes,
    kept: KeptRows,
}

impl Execution<'_, '_> {
    fn run(mut self, store: &Store) -> Result<ScriptOutcome> {
        let context = self.context;
        let mode = match self.keep {
            KeepRows::OfLastStatement => RunMode::Atomic,
            KeepRows::OfLastResult => RunMode::Condition,
        };
        let checked = script_check::check(context, mode)?;
        if checked.unwrapped {
            context.enter(Stage::Parsing);
            let _attached = context.attach();
            message::notice("BEGIN and COMMIT around the migration are dropped");
        }
        report_ignored_commands(context);
        let of = checked.statements.len();
        let conforming = parse::conforming_strings();
        for (n, statement) in checked.statements.iter().enumerate() {
            self.statement(statement, n + 1, of)?;
            if parse::conforming_strings() != conforming && n + 1 < of {
                return Err(strings_changed(context));
            }
        }
        self.end_block();
        context.enter(Stage::Constraints);
        self.timer.arm(self.timeout_set)?;
        let attached = context.attach();
        constraints::settle(store)?;
        if self.keep == KeepRows::OfLastStatement {
            warn_of_hiding()?;
        }
        drop(attached);
        Ok(self.kept.done(of, context))
    }

    /// Runs a statement.
    fn statement(&mut self, statement: &ParsedStatement, number: usize, of: usize) -> Result<()> {
        let context = self.context;
        context.enter(statement.stage(number, of));
        self.activity.show(&format!("{}, statement {number}/{of}", self.title));
        if statement.is_logged() {
            log(context, statement);
        }
        self.timer.arm(self.timeout_set)?;
        let section = statement.section.filter(|_| statement.is_undone);
        if self.block.as_ref().map(|block| block.section) != section {
            self.end_block();
            self.block = section
                .map(|section| RolledBackBlock::begin(section, self.timeout_set))
                .transpose()?;
        }
        let _attached = context.attach();
        let keeps_rows = self.keep == KeepRows::OfLastResult || number == of;
        let output = match self.all_modes.prepare(statement)? {
            true => portal::run(context, statement, keeps_rows)?,
            false => portal::Output::default(),
        };
        check_index(context, statement)?;
        self.all_modes.follow()?;
        self.timeout_set |= statement.sets_timeout;
        self.kept.keep(output);
        Ok(())
    }

    fn end_block(&mut self) {
        if let Some(block) = self.block.take() {
            self.timeout_set = block.timeout_set;
        }
    }
}

/// Checks that the index that a CREATE INDEX IF NOT EXISTS has found is valid. Error: 55000.
pub fn check_index(context: &ScriptErrorContext, statement: &ParsedStatement) -> Result<()> {
    let Some((table, index)) = &statement.index_if_missing else { return Ok(()) };
    // An index is in the schema of its table.
    let schema = table.find().and_then(name::of).and_then(|table| table.schema);
    let index = Name { schema, relation: index.clone() };
    match index.is_invalid_index() {
        false => Ok(()),
        true => Err(errors::invalid_index(&context.mask().hide(index.sql()), context.place())),
    }
}

/// The statements of a precondition or verify script between a BEGIN and a ROLLBACK. Dropping
/// the value rolls them back.
struct RolledBackBlock {
    section: usize,
    // Whether the script had set statement_timeout before.
    timeout_set: bool,
    _work: Subtransaction,
}

impl RolledBackBlock {
    fn begin(section: usize, timeout_set: bool) -> Result<RolledBackBlock> {
        Ok(RolledBackBlock { section, timeout_set, _work: Subtransaction::begin()? })
    }
}

/// Warns of each temporary table that remains and hides another table. The next migration would
/// change it instead of the other one.
pub fn warn_of_hiding() -> Result<()> {
    for (name, hidden) in temporary::hiding()? {
        message::warning(&format!(
            "temporary table \"{name}\" stays in this session, and hides {hidden} from later migrations"
        ));
    }
    Ok(())
}

/// A NOTICE for each psql command that has no meaning here.
pub fn report_ignored_commands(context: &ScriptErrorContext) {
    context.enter(Stage::Parsing);
    let _attached = context.attach();
    for (line, name) in context.input().map_or(&[][..], |read| &read.ignored_commands) {
        message::notice(&format!("{name} in line {line} is ignored"));
    }
}

/// Logs a statement as `log_statement` demands.
pub fn log(context: &ScriptErrorContext, statement: &ParsedStatement) {
    let text = context.text();
    let Stage::Statement { number, of, line, .. } = context.stage() else { return };
    room::ensure(3 * (statement.end - statement.start) + context.label().len());
    message::log(&format!(
        "{}, statement {number} of {of}, line {line}: {}",
        context.label(),
        &text[statement.start..statement.end]
    ));
}

/// A script has not restored the user of the session (55000).
fn user_not_restored(migration: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("{migration} left the session as another user"),
    )
    .hint("End the migration's text with RESET ROLE; or RESET SESSION AUTHORIZATION;")
}

/// A script changes how the rest of it would have to be parsed (0A000).
fn strings_changed(context: &ScriptErrorContext) -> Error {
    Error::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "cannot change standard_conforming_strings inside a migration",
    )
    .detail("The text was read as a whole before its first statement ran, with the former value.")
    .hint("Set it for the project, and remove the statement: SELECT * FROM migrations.set_project(..., settings => '{\"standard_conforming_strings\": \"off\"}');")
    .at(context.place())
}

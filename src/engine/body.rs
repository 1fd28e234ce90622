//! Runs one body inside the current transaction.

use super::constraints::AllModes;
use super::surroundings::Surroundings;
use super::{check, constraints};
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

/// What a body did.
pub struct Done {
    /// How many statements ran.
    pub statements: usize,
    /// Its notices and warnings.
    pub messages: Vec<String>,
    /// The rows of a final SELECT, as JSON.
    pub rows: Vec<String>,
    /// What the first column of the last result gave, if it is a boolean one.
    pub truth: Option<Truth>,
}

impl Done {
    /// Messages and rows, as the column `messages` has them.
    pub fn told(self) -> Vec<String> {
        let mut all = self.messages;
        all.extend(self.rows);
        all
    }

    /// Of a step that ran nothing.
    pub fn without_statements(message: String) -> Done {
        Done { statements: 0, messages: vec![message], rows: Vec::new(), truth: None }
    }
}

/// The rows of the last statement that has given some.
#[derive(Default)]
pub struct KeptRows {
    rows: Vec<String>,
    truth: Option<Truth>,
}

impl KeptRows {
    /// Keeps those of a statement, if it is one that gives rows.
    pub fn keep(&mut self, output: portal::Output) {
        if output.has_result {
            (self.rows, self.truth) = (output.rows, output.truth);
            if output.more > 0 {
                self.rows.push(format!("({} more rows)", output.more));
            }
        }
    }

    /// What a body did that ends with them.
    pub fn done(self, statements: usize, context: &ScriptErrorContext) -> Done {
        let rows = self.rows.into_iter().map(|row| context.mask().hide(row)).collect();
        Done { statements, messages: context.take_messages(), rows, truth: self.truth }
    }
}

/// Which rows of a body are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those of the last statement.
    Final,
    /// Those of the last statement that gives rows.
    LastResult,
}

/// Opens a nest level of settings with those of the texts of a project, and with a limit for
/// waiting for locks. An error of one of them has the context.
fn nest(context: &ScriptErrorContext, project: &Project) -> Result<GucScope> {
    let surroundings = Surroundings::of(Some(project))?;
    context.enter(Stage::Parsing);
    let _attached = context.attach();
    let nest = surroundings.nest()?;
    if let Some(limit) = settings::lock_timeout() {
        nest.set("lock_timeout", &limit.to_string())?;
    }
    Ok(nest)
}

/// Runs a body: all its statements, then the checks of deferred constraints. Afterwards
/// all settings, role and session user included, are as they were. The body begins with
/// those of its project.
///
/// `title` says which migration in `pg_stat_activity`. An error leaves everything to the
/// abort of the transaction.
pub fn run(
    store: &Store,
    context: &ScriptErrorContext,
    title: &str,
    activity: &Activity,
    project: &Project,
    keep: Keep,
) -> Result<Done> {
    let users = Users::current();
    // Before the settings, which may hold a limit that is each statement's.
    let timer = StatementTimer::begin();
    let nest = nest(context, project)?;
    let memory = memory::Context::new()?;
    let done = memory.enter(|| statements(store, context, title, activity, timer, keep))?;
    nest.undo()?;
    if Users::current() != users {
        return Err(Error::UserNotRestored { migration: context.label().to_owned() });
    }
    Ok(done)
}

fn statements(
    store: &Store,
    context: &ScriptErrorContext,
    title: &str,
    activity: &Activity,
    mut timer: StatementTimer,
    keep: Keep,
) -> Result<Done> {
    let mode = match keep {
        Keep::Final => check::Mode::Atomic,
        Keep::LastResult => check::Mode::Condition,
    };
    let checked = check::body(context, mode)?;
    if checked.unwrapped {
        context.enter(Stage::Parsing);
        let _attached = context.attach();
        message::notice("BEGIN and COMMIT around the migration are dropped");
    }
    tell_passed_over(context);
    let of = checked.statements.len();
    let mut timeout_set = false;
    let conforming = parse::conforming_strings();
    let mut kept = KeptRows::default();
    let mut all_modes = AllModes::default();
    let mut undone: Option<Undone> = None;
    for (n, statement) in checked.statements.iter().enumerate() {
        let number = n + 1;
        context.enter(statement.stage(number, of));
        activity.show(&format!("{title}, statement {number}/{of}"));
        if statement.is_logged() {
            log(context, statement);
        }
        timer.arm(timeout_set)?;
        let section = statement.section.filter(|_| statement.is_undone);
        if undone.as_ref().map(|undone| undone.section) != section {
            if let Some(undone) = undone.take() {
                timeout_set = undone.timeout_set;
            }
            undone = section.map(|section| Undone::begin(section, timeout_set)).transpose()?;
        }
        let _attached = context.attach();
        let keeps = keep == Keep::LastResult || number == of;
        let output = match all_modes.prepare(statement)? {
            true => portal::run(context, statement, keeps)?,
            false => portal::Output::default(),
        };
        check_index(context, statement)?;
        all_modes.follow()?;
        timeout_set |= statement.sets_timeout;
        if parse::conforming_strings() != conforming && number < of {
            return Err(Error::StringsChanged { place: context.place() });
        }
        kept.keep(output);
    }
    if let Some(undone) = undone {
        timeout_set = undone.timeout_set;
    }
    context.enter(Stage::Constraints);
    timer.arm(timeout_set)?;
    {
        let _attached = context.attach();
        constraints::settle(store)?;
    }
    if keep == Keep::Final {
        let _attached = context.attach();
        tell_hiding()?;
    }
    Ok(kept.done(of, context))
}

/// That the index is of use which a CREATE INDEX IF NOT EXISTS has found. Error: 55000.
pub fn check_index(context: &ScriptErrorContext, statement: &ParsedStatement) -> Result<()> {
    let Some((table, index)) = &statement.index_if_missing else { return Ok(()) };
    // It lies in the schema of its table.
    let schema = table.find().and_then(name::of).and_then(|table| table.schema);
    let index = Name { schema, relation: index.clone() };
    match index.is_invalid_index() {
        false => Ok(()),
        true => Err(Error::InvalidIndex { index: index.sql(), place: context.place() }),
    }
}

/// A block of a condition that its ROLLBACK ends: when it is dropped, it is undone.
struct Undone {
    section: usize,
    // Whether the text had set its timeout before.
    timeout_set: bool,
    _work: Subtransaction,
}

impl Undone {
    fn begin(section: usize, timeout_set: bool) -> Result<Undone> {
        Ok(Undone { section, timeout_set, _work: Subtransaction::begin()? })
    }
}

/// A WARNING for each temporary table that stays and hides another one: the next migration
/// would change it in the place of that one.
pub fn tell_hiding() -> Result<()> {
    for (name, hidden) in temporary::hiding()? {
        message::warning(&format!(
            "temporary table \"{name}\" stays in this session, and hides {hidden} from later migrations"
        ));
    }
    Ok(())
}

/// A NOTICE for each command of psql's that means nothing here.
pub fn tell_passed_over(context: &ScriptErrorContext) {
    context.enter(Stage::Parsing);
    let _attached = context.attach();
    for (line, name) in context.input().map_or(&[][..], |input| &input.ignored_commands) {
        message::notice(&format!("{name} in line {line} is passed over"));
    }
}

/// Logs a statement for which `log_statement` asks.
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

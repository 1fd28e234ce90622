//! Runs one body inside the current transaction.

use super::{check, constraints};
use crate::error::{Error, Result};
use crate::pg::activity::Activity;
use crate::pg::context::{Context, Step};
use crate::pg::guc::Nest;
use crate::pg::identity::Users;
use crate::pg::memory;
use crate::pg::message;
use crate::pg::parse::{self, Statement};
use crate::pg::portal;
use crate::pg::timeout::StatementTimer;
use crate::store::Store;

/// What a body did.
pub struct Done {
    /// How many statements ran.
    pub statements: usize,
    /// Its notices and warnings, then the rows of a final SELECT as JSON.
    pub messages: Vec<String>,
}

/// Runs a body: all its statements, then the checks of deferred constraints. Afterwards
/// all settings, role and session user included, are as they were.
///
/// `title` says which migration in `pg_stat_activity`. An error leaves everything to the
/// abort of the transaction.
pub fn run(store: &Store, context: &Context, title: &str, activity: &Activity) -> Result<Done> {
    let users = Users::current();
    let nest = Nest::open();
    let memory = memory::Context::new()?;
    let done = memory.enter(|| statements(store, context, title, activity))?;
    nest.undo()?;
    if Users::current() != users {
        return Err(Error::UserNotRestored { migration: context.label().to_owned() });
    }
    Ok(done)
}

fn statements(store: &Store, context: &Context, title: &str, activity: &Activity) -> Result<Done> {
    let checked = check::atomic(context)?;
    if checked.unwrapped {
        context.enter(Step::Parsing);
        let _attached = context.attach();
        message::notice("BEGIN and COMMIT around the migration are dropped");
    }
    let of = checked.statements.len();
    let mut timer = StatementTimer::begin();
    let mut timeout_set = false;
    let conforming = parse::conforming_strings();
    let mut rows = Vec::new();
    for (n, statement) in checked.statements.iter().enumerate() {
        let number = n + 1;
        context.enter(statement.step(number, of));
        activity.show(&format!("{title}, statement {number}/{of}"));
        if statement.is_logged() {
            log(context, statement);
        }
        timer.arm(timeout_set)?;
        let _attached = context.attach();
        let (kept, more) = portal::run(context, statement, number == of)?;
        timeout_set |= statement.sets_timeout;
        if parse::conforming_strings() != conforming && number < of {
            return Err(Error::StringsChanged { place: context.place() });
        }
        rows = kept;
        if more > 0 {
            rows.push(format!("({more} more rows)"));
        }
    }
    context.enter(Step::Constraints);
    timer.arm(timeout_set)?;
    {
        let _attached = context.attach();
        constraints::settle(store)?;
    }
    let mut messages = context.take_messages();
    messages.append(&mut rows);
    Ok(Done { statements: of, messages })
}

/// `log_statement` asks for the statement.
fn log(context: &Context, statement: &Statement) {
    let text = context.text();
    let Step::Statement { number, of, line, .. } = context.step() else { return };
    message::log(&format!(
        "{}, statement {number} of {of}, line {line}: {}",
        context.label(),
        &text[statement.start..statement.end]
    ));
}

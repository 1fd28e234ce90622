//! What an error of ours says.

use crate::domain::script::prepare::ScriptProblem;
use std::borrow::Cow;

/// An error of ours, as the server is to show it.
#[derive(Debug, Default)]
pub struct Report {
    /// The SQLSTATE as the server packs it.
    pub code: i32,
    /// The primary message: lower case, no full stop.
    pub message: Cow<'static, str>,
    /// DETAIL: full sentences.
    pub detail: Option<Cow<'static, str>>,
    /// HINT: full sentences that say what to do.
    pub hint: Option<Cow<'static, str>>,
    /// The place in a migration that the error is about.
    pub location: Option<ErrorLocation>,
    /// Which of the errors it is that callers treat in a special way.
    pub kind: Option<Kind>,
}

/// A place in the text of a migration.
#[derive(Debug, Clone)]
pub struct ErrorLocation {
    /// The CONTEXT, such as `migration 008 (agent config) of project default, statement 3 of 9,
    /// line 27`.
    pub context: String,
    /// The part of the text to show with the caret.
    pub excerpt: String,
    /// The caret's position in the excerpt, in characters from 1.
    pub position: i32,
    /// The line, from 1; 0: it is not known.
    pub line: u32,
}

/// Errors that callers distinguish. All other errors only end the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A project does not exist, or a migration is not registered in it.
    Unknown,
    /// A migration cannot be registered with this content or under this name.
    Unfit,
    /// The text of a migration cannot be made ready for the parser.
    Text(ScriptProblem),
    /// A statement cannot run inside a transaction. The HINT is replaced by one that names the
    /// call which can run it.
    NonTransactional,
    /// BEGIN or COMMIT is not allowed there. The same is added to the HINT.
    TransactionControl,
    /// A statement that may commit was cut off, and somebody has to decide how it goes on.
    Interrupted,
}

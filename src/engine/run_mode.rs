//! Which transactions a run gives its scripts, and why a script may need several.

use crate::pg::parse::ParsedStatement;

/// Which transactions a script may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// One transaction for the whole run.
    Atomic,
    /// As many as the script needs.
    Stepwise,
    /// As many as the script needs, which are known to be several.
    NonTransactional,
    /// None that remains: a precondition or verify script is rolled back as a whole.
    Condition,
}

impl RunMode {
    /// Whether all statements run in one transaction.
    pub fn is_one(self) -> bool {
        matches!(self, RunMode::Atomic | RunMode::Condition)
    }
}

/// Why a migration cannot run inside a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NonTransactionalReason {
    /// It is marked so.
    Mark,
    /// It contains a statement that cannot: the command, and the line.
    ParsedStatement(String, usize),
    /// It contains a DO or CALL that ends transactions: the command, and the line.
    Block(String, usize),
}

impl std::fmt::Display for NonTransactionalReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NonTransactionalReason::Mark => write!(f, "marked as not transactional"),
            NonTransactionalReason::ParsedStatement(command, line) => {
                write!(f, "{command} in line {line} cannot run inside a transaction")
            }
            NonTransactionalReason::Block(command, line) => {
                write!(
                    f,
                    "{command} in line {line} runs COMMIT or ROLLBACK, so it cannot run inside a transaction"
                )
            }
        }
    }
}

impl ParsedStatement {
    /// The reason that this block is, if it ends transactions.
    pub fn as_reason(&self) -> NonTransactionalReason {
        NonTransactionalReason::Block(self.command(), self.line)
    }
}

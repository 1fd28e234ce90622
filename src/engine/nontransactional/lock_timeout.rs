//! The limit for waiting for locks, around statements that wait for other transactions.

use crate::error::Result;
use crate::pg::parse::Form;
use crate::pg::{guc, settings};

/// Whether a statement waits for older transactions, however long they take.
pub fn waits_for_transactions(form: &Form) -> bool {
    matches!(
        form,
        Form::CreateIndex { .. } | Form::DropIndex(_) | Form::Reindex(_) | Form::Detach(..)
    )
}

/// Restores the limit that was lifted.
pub fn restore(limit: Option<i32>) -> Result<()> {
    match limit {
        Some(limit) => guc::set_session("lock_timeout", &limit.to_string()),
        None => Ok(()),
    }
}

/// Lifts the limit for waiting for locks, unless the script or the caller has set it: statements
/// such as CREATE INDEX CONCURRENTLY wait for older transactions in the same way as for locks.
/// Gives the limit.
pub fn lift() -> Result<Option<i32>> {
    let limit = settings::is_our_lock_timeout();
    if limit.is_some() {
        guc::set_session("lock_timeout", "0")?;
    }
    Ok(limit)
}

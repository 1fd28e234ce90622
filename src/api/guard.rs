//! The trigger on our own tables.

use crate::engine::session;
use crate::error::{Error, Result};
use crate::pg::call::{Change, Trigger, declare};
use crate::store;

declare! {
    trigger guard;
}

/// Lets changes pass that are our own, and those of a restore. Errors: it is another one
/// (55000).
fn guard(trigger: &Trigger) -> Result<()> {
    let command = match trigger.change() {
        Change::Insert => "INSERT INTO",
        Change::Update => "UPDATE",
        Change::Delete => "DELETE FROM",
        Change::Truncate => "TRUNCATE",
    };
    // A restore inserts rows, but no migration does.
    let restores = trigger.change() == Change::Insert && !session::is_running();
    match store::at_work() || restores {
        true => Ok(()),
        false => Err(Error::DirectChange { table: trigger.table(), command }),
    }
}

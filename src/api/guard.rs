//! The trigger on our own tables.

use crate::engine::session;
use crate::error::{Error, Result};
use crate::pg::call::{Change, Trigger, declare};
use crate::store;
use pgrx::PgSqlErrorCode;

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
        false => Err(direct_change(&trigger.table(), command)),
    }
}

/// A table of ours is changed other than by our functions (55000).
fn direct_change(table: &str, command: &str) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("cannot {command} migrations.{table}: its rows are kept by pg_migrations"),
    )
    .detail("Only the functions of pg_migrations change them.")
    .hint("Use a function such as migrations.add() with replace => true, or migrations.rollback().")
}

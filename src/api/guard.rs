//! The trigger on our own tables.

use crate::engine::session;
use crate::error::{Error, Result};
use crate::pg::argument;
use crate::pg::call::Call;
use crate::pg::entry::entry;
use crate::store;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Datum};

entry!(migrations_guard, pg_finfo_migrations_guard, guard, whatever version);

/// `guard()`: lets our own changes pass, and a restore, and refuses others (55000).
fn guard(call: &Call) -> Result<Datum> {
    let Some((table, event)) = call.trigger() else {
        return Err(argument::invalid(
            "migrations.guard() was not called as a trigger",
            "It belongs to the tables of pg_migrations.",
        ));
    };
    let command = match event & pg_sys::TRIGGER_EVENT_OPMASK {
        pg_sys::TRIGGER_EVENT_INSERT => "INSERT INTO",
        pg_sys::TRIGGER_EVENT_UPDATE => "UPDATE",
        pg_sys::TRIGGER_EVENT_DELETE => "DELETE FROM",
        _ => "TRUNCATE",
    };
    // A restore inserts rows, but no migration does.
    let restores = command == "INSERT INTO" && !session::is_running();
    if store::at_work() || restores {
        return Ok(call.answer_trigger());
    }
    Err(direct_change(&table, command))
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

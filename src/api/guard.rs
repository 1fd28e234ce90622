//! The trigger on our own tables.

use crate::engine::session;
use crate::error::{Error, Result};
use crate::pg::call::Call;
use crate::pg::entry::entry;
use crate::store;
use pgrx::pg_sys::{self, Datum};

entry!(migrations_guard, pg_finfo_migrations_guard, guard, whatever version);

/// `guard()`: lets our own changes pass, and a restore, and refuses others (55000).
fn guard(call: &Call) -> Result<Datum> {
    let Some((table, event)) = call.trigger() else {
        return Err(Error::InvalidArgument {
            message: "migrations.guard() was not called as a trigger".to_owned(),
            hint: "It belongs to the tables of pg_migrations.".to_owned(),
        });
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
    Err(Error::DirectChange { table, command })
}

//! Functions that keep backups of tables, and drop them.

use crate::engine::backup;
use crate::error::Result;
use crate::pg::argument;
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use pgrx::pg_sys::Datum;

entry!(migrations_keep, pg_finfo_migrations_keep, keep);
entry!(migrations_forget, pg_finfo_migrations_forget, forget);

/// `keep(relation)`: the backup, as text.
fn keep(call: &Call) -> Result<Datum> {
    let relation = call.relation(0).ok_or_else(|| argument::null("relation"))?;
    let backup = backup::keep(relation)?;
    Ok(call.answer(Value::from(backup)))
}

/// `forget(backup)`.
fn forget(call: &Call) -> Result<Datum> {
    let backup = call.relation(0).ok_or_else(|| argument::null("backup"))?;
    backup::forget(backup)?;
    Ok(call.answer(Value::from("forgotten")))
}

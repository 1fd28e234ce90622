//! Functions that keep backups of tables, and drop them.

use crate::engine::backup;
use crate::error::Result;
use crate::pg::call::{Relation, declare};

declare! {
    /// Copies a table into the schema of backups. Gives the name of the copy.
    function keep(Keep { relation: Relation }) -> value String;
}

fn keep(arguments: Keep) -> Result<String> {
    backup::keep(arguments.relation.0)
}

declare! {
    /// Drops a backup. Gives `forgotten`.
    function forget(Forget { backup: Relation }) -> value &'static str;
}

fn forget(arguments: Forget) -> Result<&'static str> {
    backup::forget(arguments.backup.0)?;
    Ok("forgotten")
}

//! Partitions that a statement detaches.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::spi::{Statement, Type};
use crate::store::journal::IndexSnapshot;

/// A partition that is attached, or is being detached.
pub struct AttachedPartition {
    /// The partition's name as SQL, with the schema.
    pub partition: String,
    /// The partitioned table's name as SQL, with the schema.
    pub parent: String,
    /// Whether the partition is being detached.
    pub is_being_detached: bool,
}

/// The partition of a snapshot, if it still is a partition of the table from which it is to be
/// detached. None: it is detached. Errors: the server's.
pub fn attached(snapshot: &IndexSnapshot) -> Result<Option<AttachedPartition>> {
    const ATTACHED: Statement = Statement {
        sql: "SELECT format('%I.%I', pn.nspname, p.relname), format('%I.%I', n.nspname, c.relname),
                     h.inhdetachpending
              FROM pg_inherits h
              JOIN pg_class p ON p.oid = h.inhrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
              JOIN pg_class c ON c.oid = h.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE h.inhrelid = $1::oid AND h.inhparent = $2::oid",
        types: &[Type::BigInt, Type::BigInt],
    };
    let Some(parent) = snapshot.parent else { return Ok(None) };
    let caller = AsCaller::open()?;
    let values = [Value::BigInt(snapshot.relation.into()), Value::BigInt(parent.into())];
    let found = caller.look(&ATTACHED, values)?;
    let attached = found.first().map(|row| AttachedPartition {
        partition: row.text(0),
        parent: row.text(1),
        is_being_detached: row.bool(2),
    });
    drop(found);
    caller.close()?;
    Ok(attached)
}

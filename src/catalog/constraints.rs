//! The deferrable constraints of the database.

use crate::error::Result;
use crate::pg::caller::AsCaller;
use crate::pg::spi::{Statement, Table, View};
use crate::store::Batch;

/// A deferrable constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferrable {
    /// The schema.
    pub schema: String,
    /// The name.
    pub name: String,
    /// The OIDs of the tables that may have pending checks: its own table, and the referenced one.
    pub tables: [u32; 2],
    /// Whether it is declared INITIALLY DEFERRED, and so is every constraint of that name in the
    /// schema: SET CONSTRAINTS applies to all of them.
    pub defer_again: bool,
    /// Whether SET CONSTRAINTS can defer it: every constraint of that name in the schema is
    /// deferrable.
    pub can_be_deferred: bool,
    /// Whether the user may name the schema (USAGE).
    pub is_usable: bool,
}

const DEFERRABLE: Statement = Statement {
    sql: "SELECT n.nspname::text, c.conname::text, c.conrelid::bigint, c.confrelid::bigint,
                 s.deferred, s.deferrable, has_schema_privilege(n.oid, 'USAGE')
          FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
          CROSS JOIN LATERAL (
              SELECT bool_and(o.condeferred) AS deferred, bool_and(o.condeferrable) AS deferrable
              FROM pg_constraint o
              WHERE o.conname = c.conname AND o.connamespace = c.connamespace) s
          WHERE c.condeferrable AND NOT pg_is_other_temp_schema(n.oid)
          ORDER BY 1, 2",
    types: &[],
};

impl Batch<'_> {
    /// The deferrable constraints, except those of other sessions' temporary tables. Errors: the
    /// server's.
    pub fn deferrable(&self) -> Result<Vec<Deferrable>> {
        Ok(read(&self.spi().run(&DEFERRABLE, [], View::Newest)?))
    }
}

/// The deferrable constraints, with the rights of the caller. Errors: the server's.
pub fn callers_deferrable() -> Result<Vec<Deferrable>> {
    let caller = AsCaller::open()?;
    let constraints = read(&caller.look(&DEFERRABLE, [])?);
    caller.close()?;
    Ok(constraints)
}

fn read(found: &Table) -> Vec<Deferrable> {
    let constraints = found.rows().map(|row| {
        let is_usable = row.bool(6);
        Deferrable {
            schema: row.text(0),
            name: row.text(1),
            tables: [row.bigint(2) as u32, row.bigint(3) as u32],
            defer_again: row.bool(4) && is_usable,
            can_be_deferred: row.bool(5) && is_usable,
            is_usable,
        }
    });
    constraints.collect()
}

//! Which constraints of the database can be deferred.

use crate::error::Result;
use crate::pg::caller::AsCaller;
use crate::pg::spi::{Statement, Table, View};
use crate::store::Batch;

/// A constraint that can be deferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferrable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The tables that may have checks of it pending: its own, and the one referred to.
    pub tables: [u32; 2],
    /// It is declared INITIALLY DEFERRED, and can be set so by name without touching
    /// another one: SET CONSTRAINTS takes every constraint of that name in the schema.
    pub defer_again: bool,
    /// It can be deferred by name: SET CONSTRAINTS fails if one of that name in the schema
    /// isn't deferrable.
    pub can_be_deferred: bool,
    /// Its schema can be named.
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
    /// The deferrable constraints, without those of other sessions' temporary tables.
    pub fn deferrable(&self) -> Result<Vec<Deferrable>> {
        Ok(read(&self.spi().run(&DEFERRABLE, [], View::Newest)?))
    }
}

/// The same as the caller may name them.
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

//! Which constraints of the database can be deferred.

use super::Batch;
use crate::error::Result;
use crate::pg::spi::{Statement, View};

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
    /// another one: SET CONSTRAINTS takes every constraint of that name in the schema, and
    /// fails if one of them isn't deferrable.
    pub defer_again: bool,
}

impl Batch<'_> {
    /// The deferrable constraints, without those of other sessions' temporary tables.
    pub fn deferrable(&self) -> Result<Vec<Deferrable>> {
        const DEFERRABLE: Statement = Statement {
            sql: "SELECT n.nspname::text, c.conname::text, c.conrelid::bigint, c.confrelid::bigint,
                         c.condeferred AND has_schema_privilege(n.oid, 'USAGE') AND (
                             SELECT bool_and(o.condeferred) FROM pg_constraint o
                             WHERE o.conname = c.conname AND o.connamespace = c.connamespace)
                  FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
                  WHERE c.condeferrable AND NOT pg_is_other_temp_schema(n.oid)
                  ORDER BY 1, 2",
            types: &[],
        };
        let found = self.spi.run(&DEFERRABLE, [], View::Newest)?;
        let constraints = found.rows().map(|row| Deferrable {
            schema: row.text(0),
            name: row.text(1),
            tables: [row.bigint(2) as u32, row.bigint(3) as u32],
            defer_again: row.bool(4),
        });
        Ok(constraints.collect())
    }
}

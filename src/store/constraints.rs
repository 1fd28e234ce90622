//! Which constraints of the database can be deferred.

use super::Batch;
use crate::error::Result;
use crate::pg::spi::{Statement, View};

/// The deferrable constraints of a database, as far as a run needs to know them.
pub struct Deferrable {
    /// There is at least one.
    pub any: bool,
    /// Schema and name of those declared INITIALLY DEFERRED that can be set by name
    /// without touching another one: SET CONSTRAINTS takes every constraint of that name
    /// in the schema, and fails if one of them isn't deferrable.
    pub initially_deferred: Vec<(String, String)>,
}

impl Batch<'_> {
    /// Looks for deferrable constraints.
    pub fn deferrable(&self) -> Result<Deferrable> {
        const DEFERRABLE: Statement = Statement {
            sql: "WITH named AS (
                      SELECT DISTINCT connamespace, conname FROM pg_constraint WHERE condeferrable)
                  SELECT n.nspname::text, d.conname::text,
                         has_schema_privilege(n.oid, 'USAGE') AND (
                             SELECT bool_and(c.condeferred) FROM pg_constraint c
                             WHERE c.conname = d.conname AND c.connamespace = d.connamespace)
                  FROM named d JOIN pg_namespace n ON n.oid = d.connamespace
                  ORDER BY 1, 2",
            types: &[],
        };
        let found = self.spi.run(&DEFERRABLE, [], View::Newest)?;
        let deferred = found.rows().filter(|row| row.bool(2));
        Ok(Deferrable {
            any: found.count() > 0,
            initially_deferred: deferred.map(|row| (row.text(0), row.text(1))).collect(),
        })
    }
}

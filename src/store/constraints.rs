//! Which constraints of the database can be deferred.

use super::Batch;
use crate::error::Result;
use crate::pg::spi::{Statement, View};

impl Batch<'_> {
    /// Whether there is a deferrable constraint.
    pub fn any_deferrable(&self) -> Result<bool> {
        const ANY: Statement =
            Statement { sql: "SELECT FROM pg_constraint WHERE condeferrable LIMIT 1", types: &[] };
        Ok(self.spi.run(&ANY, [], View::Newest)?.count() > 0)
    }

    /// Schema and name of the constraints declared INITIALLY DEFERRED that can be set by
    /// name without touching another one: SET CONSTRAINTS takes every constraint of that
    /// name in the schema, and fails if one of them isn't deferrable.
    pub fn initially_deferred(&self) -> Result<Vec<(String, String)>> {
        const DEFERRED: Statement = Statement {
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
        let found = self.spi.run(&DEFERRED, [], View::Newest)?;
        let deferred = found.rows().filter(|row| row.bool(2));
        Ok(deferred.map(|row| (row.text(0), row.text(1))).collect())
    }
}

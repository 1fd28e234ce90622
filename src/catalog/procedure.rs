//! The source of procedures.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use crate::store::Batch;

impl Batch<'_> {
    /// The source of the procedures among the routines with these OIDs. Errors: the server's.
    pub fn procedures(&self, routines: &[u32]) -> Result<Vec<String>> {
        const SOURCES: Statement = Statement {
            sql: "SELECT prosrc FROM pg_proc WHERE oid = ANY ($1::text[]::oid[]) AND prokind = 'p'",
            types: &[Type::TextArray],
        };
        if routines.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = routines.iter().map(u32::to_string).collect();
        let found = self.spi().run(&SOURCES, [Value::TextArray(numbers)], View::Newest)?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }
}

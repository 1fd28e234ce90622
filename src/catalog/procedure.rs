//! The texts of procedures.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use crate::store::Batch;

impl Batch<'_> {
    /// The texts of those of these routines that are procedures.
    pub fn procedures(&self, routines: &[u32]) -> Result<Vec<String>> {
        const TEXTS: Statement = Statement {
            sql: "SELECT prosrc FROM pg_proc WHERE oid = ANY ($1::text[]::oid[]) AND prokind = 'p'",
            types: &[Type::TextArray],
        };
        if routines.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = routines.iter().map(u32::to_string).collect();
        let found = self.spi().run(&TEXTS, [Value::TextArray(numbers)], View::Newest)?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }
}

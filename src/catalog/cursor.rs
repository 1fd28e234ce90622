//! The session's open cursors.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::cursor::Cursor;
use crate::pg::spi::{Statement, Type, View};
use crate::store::Batch;

impl Batch<'_> {
    /// The open cursors: those WITH HOLD (`held`), which a commit keeps open, or the others.
    /// Errors: the server's.
    pub fn cursors(&self, held: bool) -> Result<Vec<Cursor>> {
        const CURSORS: Statement = Statement {
            sql: "SELECT name FROM pg_cursor() WHERE is_holdable = $1",
            types: &[Type::Bool],
        };
        let found = self.spi().run(&CURSORS, [Value::Bool(held)], View::Newest)?;
        Ok(found.rows().filter_map(|row| Cursor::find(&row.text(0))).collect())
    }
}

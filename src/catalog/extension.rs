//! Installed extensions.

use crate::error::Result;
use crate::pg::spi::{Statement, View};
use crate::store::Batch;
use std::collections::HashSet;

impl Batch<'_> {
    /// The names of the installed extensions.
    pub fn extensions(&self, view: View) -> Result<HashSet<String>> {
        const EXTENSIONS: Statement =
            Statement { sql: "SELECT extname::text FROM pg_extension", types: &[] };
        let found = self.spi().run(&EXTENSIONS, [], view)?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }
}

//! SQL of ours that runs as the caller: the one way for it.
//!
//! A statement of ours finds its functions, operators and types along the search_path. The
//! caller's may lead to any schema, and whoever may create objects there could have ours run
//! as the caller. So what is looked up is looked up under a search_path of nothing but the
//! catalog, and names of a migration are resolved by [`super::name`] before.

use super::call::Value;
use super::guc::{GucScope, for_own_statements};
use super::spi::{Spi, Statement, Table, View};
use crate::error::Result;

/// Statements of ours as the caller. [`AsCaller::close`] ends it; after an error the abort
/// of the transaction does.
#[must_use]
pub struct AsCaller(Spi);

impl AsCaller {
    /// Begins. Errors: those of SPI.
    pub fn open() -> Result<AsCaller> {
        Ok(AsCaller(Spi::connect()?))
    }

    /// Ends; rows that were read are gone.
    pub fn close(self) -> Result<()> {
        self.0.finish()
    }

    /// Looks something up in the newest committed state. Errors: the server's.
    pub fn look<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value; N],
    ) -> Result<Table<'_>> {
        self.run(statement, values, View::Newest)
    }

    /// Calls a function of an extension, which may write. Errors: the server's.
    pub fn call<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value; N],
    ) -> Result<Table<'_>> {
        self.run(statement, values, View::Transaction)
    }

    fn run<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value; N],
        view: View,
    ) -> Result<Table<'_>> {
        let nest = GucScope::open();
        for_own_statements(&nest)?;
        let found = self.0.run(statement, values, view)?;
        nest.undo()?;
        Ok(found)
    }

    /// Runs a command under the caller's own search_path, which the event triggers that it
    /// fires may need. It must hold names with their schema and nothing else: no functions,
    /// operators or types. Errors: the server's.
    pub fn command(&self, sql: &str) -> Result<()> {
        self.0.command(sql).map(drop)
    }
}

//! Our own statements, run as the caller. All of them use this file.
//!
//! A statement finds functions, operators and types through the search_path. That of the caller
//! may lead to any schema, and whoever can create objects there could make our statement run
//! them with the caller's rights. So look-ups run under a search_path of the catalog alone, and
//! names in a migration are resolved by [`super::name`] before.

use super::call::Value;
use super::guc::{GucScope, for_own_statements};
use super::spi::{Spi, Statement, Table, View};
use crate::error::Result;

/// A connection for our own statements as the caller. [`AsCaller::close`] ends it; after an
/// error, the abort of the transaction does.
#[must_use]
pub struct AsCaller(Spi);

impl AsCaller {
    /// Connects. Errors: those of SPI.
    pub fn open() -> Result<AsCaller> {
        Ok(AsCaller(Spi::connect()?))
    }

    /// Ends the connection. Errors: a value that was read is damaged (XX001).
    pub fn close(self) -> Result<()> {
        self.0.finish()
    }

    /// Runs a look-up, in the newest committed state. Errors: those of [`Spi::run_with`].
    pub fn look<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value; N],
    ) -> Result<Table<'_>> {
        self.run(statement, values, View::Newest)
    }

    /// Calls a function of another extension, which may write. Errors: those of
    /// [`Spi::run_with`].
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

    /// Runs a command under the caller's own search_path: event triggers that it fires may need
    /// it. All names in the command must have their schema, and it must use no functions,
    /// operators or types. Errors: the server's.
    pub fn command(&self, sql: &str) -> Result<()> {
        self.0.command(sql).map(drop)
    }
}

//! A connection to SPI, which runs statements.

use super::plan::{self, Plan};
use super::rows::Table;
use super::statement::{Statement, View, tables};
use crate::error::{Error, Result};
use crate::pg::value::Value;
use crate::pg::{catch::catch, damage, raw};
use core::ffi::{c_char, c_int};
use pgrx::pg_sys::{self, Datum};
use std::cell::RefCell;

/// Larger parameters, in bytes, are freed as soon as the statement has run.
const LARGE: usize = 64 << 10;

/// A connection to SPI. It is ended by [`Spi::finish`]; when an error is thrown instead,
/// the server ends it with the transaction.
#[must_use]
#[derive(Default)]
pub struct Spi {
    // The error of a value that was read and cannot be right. It is raised by the next
    // statement, or by the end of the connection: nothing that was made of the row is kept.
    damage: RefCell<Option<Error>>,
}

impl Spi {
    /// Connects. Only [`crate::pg::identity::AsRole`] and [`crate::pg::caller::AsCaller`] do:
    /// they set the search path and the user first. Errors: the server's.
    pub(in crate::pg) fn connect() -> Result<Spi> {
        // SAFETY: ended by finish, or by the abort that an error brings.
        unsafe { catch(|| raw::SPI_connect()) }?;
        Ok(Spi::default())
    }

    /// Ends the connection. Errors: a value that was read is damaged (XX001).
    pub(in crate::pg) fn finish(self) -> Result<()> {
        // SAFETY: connected by us.
        unsafe { catch(|| raw::SPI_finish()) }?;
        self.check()
    }

    fn check(&self) -> Result<()> {
        self.damage.take().map_or(Ok(()), Err)
    }

    /// Runs a statement.
    ///
    /// Errors: those of [`Spi::run_with`].
    pub fn run<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value; N],
        view: View,
    ) -> Result<Table<'_>> {
        self.run_with(statement, values.into(), view)
    }

    /// Runs a statement whose number of values is known at run time only.
    ///
    /// Errors: the server's, without the statement's text; the values are not those of the
    /// statement's parameters (42804); a value that was read before is damaged (XX001); rules
    /// on our tables have replaced the statement by nothing (55000).
    pub fn run_with(
        &self,
        statement: &Statement,
        values: Vec<Value>,
        view: View,
    ) -> Result<Table<'_>> {
        statement.check(&values)?;
        self.check()?;
        let sql = statement.sql;
        let rows = plan::kept(statement).and_then(|plan| execute(plan, values, view));
        let Some(rows) = rows.map_err(|error| without_statement(error, sql))? else {
            // Such a plan depends on no table, so the server would keep it even when the rule
            // is dropped.
            plan::forget(sql);
            return Err(damage::rewritten(&tables(sql)));
        };
        // SAFETY: the statement has just run, so SPI's table is its own.
        Ok(unsafe { Table::of_last_statement(rows, sql, &self.damage) })
    }

    /// Runs a statement that gives no rows and is run once. Gives how many rows it has
    /// changed. Errors: the server's.
    pub fn command(&self, sql: &str) -> Result<u64> {
        let plan = plan::for_once(sql)?;
        Ok(execute(plan, Vec::new(), View::Transaction)?.unwrap_or_default() as u64)
    }
}

/// Values in the form that SPI takes.
struct Parameters {
    datums: Vec<Datum>,
    nulls: Vec<c_char>,
    /// Those to be freed after the statement.
    large: Vec<Datum>,
}

impl Parameters {
    fn new(values: Vec<Value>) -> Parameters {
        let mut datums = vec![Datum::from(0); values.len()];
        let mut nulls = vec![b'n' as c_char; values.len()];
        let mut large = Vec::new();
        for (n, value) in values.into_iter().enumerate() {
            let is_large = matches!(&value, Value::Text(text) if text.len() > LARGE);
            if let Some(datum) = value.into_datum() {
                (datums[n], nulls[n]) = (datum, b' ' as c_char);
                if is_large {
                    large.push(datum);
                }
            }
        }
        Parameters { datums, nulls, large }
    }
}

/// Runs a plan. Gives how many rows it has given or changed. None: rules have replaced the
/// statement by nothing. The values are those of the plan's parameters.
fn execute(plan: Plan, values: Vec<Value>, view: View) -> Result<Option<usize>> {
    let Parameters { mut datums, nulls, large } = Parameters::new(values);
    let (values, nulls) = (datums.as_mut_ptr(), nulls.as_ptr());
    // SPI leaves its own memory as the current one, which lasts until it is finished.
    // SAFETY: reads a variable of this process.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    // SAFETY: values match the plan's parameters; snapshots are pushed and popped in
    // pairs, but for an error, which pops them all.
    let code = unsafe {
        catch(|| {
            if view.is_newest() {
                raw::CommandCounterIncrement();
                raw::PushActiveSnapshot(raw::GetLatestSnapshot());
            }
            let code = raw::SPI_execute_snapshot(
                plan.0,
                values,
                nulls,
                if view.is_newest() { pg_sys::GetActiveSnapshot() } else { std::ptr::null_mut() },
                std::ptr::null_mut(),
                !view.may_write(),
                true,
                0,
            );
            if view.is_newest() {
                raw::PopActiveSnapshot();
            }
            code
        })
    }?;
    // SAFETY: the context that was current before, which the statement hasn't touched;
    // parameters that are used no more. (Smaller ones go when SPI is finished.)
    unsafe {
        pg_sys::CurrentMemoryContext = context;
        large.into_iter().for_each(|datum| pg_sys::pfree(datum.cast_mut_ptr()));
    }
    if code < 0 {
        return Err(plan::refused(code));
    }
    if code == pg_sys::SPI_OK_REWRITTEN as c_int {
        return Ok(None);
    }
    // SAFETY: set by the statement that has just run.
    Ok(Some(unsafe { pg_sys::SPI_processed as usize }))
}

/// An error of a statement of ours, without the statement: users do not know our SQL.
fn without_statement(mut error: Error, sql: &str) -> Error {
    if let Some(server) = error.server_mut() {
        server.hide_statement(sql, &format!("work on {}", tables(sql)));
    }
    error
}

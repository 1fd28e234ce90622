//! SQL against our own tables.
//!
//! Plans are kept for the life of the session, so that the few statements of a run are
//! planned once. Errors arrive whole.

use super::call::Value;
use super::{catch::catch, cstring, raw, text};
use crate::domain::room;
use crate::error::{Error, Result};
use core::ffi::{c_char, c_int};
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;

/// The type of a statement's parameter.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Type {
    Bool,
    SmallInt,
    Int,
    BigInt,
    Text,
    TextArray,
    Bytes,
    Uuid,
    Timestamp,
    Interval,
}

impl Type {
    fn oid(self) -> Oid {
        match self {
            Type::Bool => pg_sys::BOOLOID,
            Type::SmallInt => pg_sys::INT2OID,
            Type::Int => pg_sys::INT4OID,
            Type::BigInt => pg_sys::INT8OID,
            Type::Text => pg_sys::TEXTOID,
            Type::TextArray => pg_sys::TEXTARRAYOID,
            Type::Bytes => pg_sys::BYTEAOID,
            Type::Uuid => pg_sys::UUIDOID,
            Type::Timestamp => pg_sys::TIMESTAMPTZOID,
            Type::Interval => pg_sys::INTERVALOID,
        }
    }
}

/// A statement with the types of its parameters.
pub struct Statement {
    /// The SQL, with `$1` and so on.
    pub sql: &'static str,
    /// The types of the parameters, in their order.
    pub types: &'static [Type],
}

/// Which data a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What the calling query sees. Writes nothing, also works on a standby.
    Caller,
    /// What the transaction sees; the statement may write.
    Transaction,
    /// All that is committed at this moment, whatever the isolation level, and the
    /// transaction's own changes. Writes nothing.
    Newest,
    /// As `Newest`; the statement may write.
    NewestToWrite,
}

impl View {
    fn is_newest(self) -> bool {
        matches!(self, View::Newest | View::NewestToWrite)
    }

    fn may_write(self) -> bool {
        matches!(self, View::Transaction | View::NewestToWrite)
    }
}

/// What isn't kept in memory longer than it is used, in bytes.
const LARGE: usize = 64 << 10;

#[derive(Clone, Copy)]
struct Plan(pg_sys::SPIPlanPtr);

thread_local! {
    // A server process has one thread; its plans live until it ends.
    static PLANS: RefCell<HashMap<&'static str, Plan>> = RefCell::new(HashMap::new());
}

/// A connection to SPI. It is ended by [`Spi::finish`]; when an error is thrown instead,
/// the server ends it with the transaction.
#[must_use]
pub struct Spi(());

impl Spi {
    /// Connects. Only [`super::identity::AsOwner`] and [`super::caller::AsCaller`] do, which
    /// see to it that names mean what they say.
    pub(super) fn connect() -> Result<Spi> {
        // SAFETY: ended by finish, or by the abort that an error brings.
        unsafe { catch(|| raw::SPI_connect()) }?;
        Ok(Spi(()))
    }

    /// Ends the connection; rows that were read are gone.
    pub(super) fn finish(self) -> Result<()> {
        // SAFETY: connected by us.
        unsafe { catch(|| raw::SPI_finish()) }?;
        Ok(())
    }

    /// Runs a statement.
    pub fn run<const N: usize>(
        &self,
        statement: &Statement,
        values: [Value; N],
        view: View,
    ) -> Result<Table<'_>> {
        self.run_with(statement, values.into(), view)
    }

    /// Runs a statement with as many values as there are.
    pub fn run_with(
        &self,
        statement: &Statement,
        values: Vec<Value>,
        view: View,
    ) -> Result<Table<'_>> {
        debug_assert_eq!(statement.types.len(), values.len());
        let plan = plan(statement)?;
        let rows = self.execute(plan, statement.sql, values, view)?;
        // SAFETY: set by the statement that has just run.
        Ok(Table { table: unsafe { pg_sys::SPI_tuptable }, rows, _spi: PhantomData })
    }

    /// Runs a statement that gives no rows and is run once. Gives how many rows it has
    /// changed.
    pub fn command(&self, sql: &str) -> Result<u64> {
        let plan = prepare(sql, &mut [], false)?;
        Ok(self.execute(plan, sql, Vec::new(), View::Transaction)? as u64)
    }

    fn execute(&self, plan: Plan, sql: &str, values: Vec<Value>, view: View) -> Result<usize> {
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
                    if view.is_newest() {
                        pg_sys::GetActiveSnapshot()
                    } else {
                        std::ptr::null_mut()
                    },
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
            return Err(Error::Internal {
                code: None,
                message: format!("SPI returned {code} for: {sql}"),
                detail: None,
                hint: None,
            });
        }
        // SAFETY: set by the statement that has just run.
        Ok(unsafe { pg_sys::SPI_processed as usize })
    }
}

fn plan(statement: &Statement) -> Result<Plan> {
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(statement.sql).copied()) {
        return Ok(plan);
    }
    let mut types: Vec<Oid> = statement.types.iter().map(|t| t.oid()).collect();
    let plan = prepare(statement.sql, &mut types, true)?;
    PLANS.with_borrow_mut(|plans| plans.insert(statement.sql, plan));
    Ok(plan)
}

/// Prepares a statement, for the session if it is to be kept, else for the connection.
fn prepare(sql: &str, types: &mut [Oid], keep: bool) -> Result<Plan> {
    let text = cstring(sql);
    let (text, count, types) = (text.as_ptr(), types.len() as c_int, types.as_mut_ptr());
    // SAFETY: pointers outlive the call (the owners live to the end of the function); a
    // plan that is kept is moved to memory that lasts.
    let plan = unsafe {
        catch(|| {
            let plan = raw::SPI_prepare(text, count, types);
            if keep && !plan.is_null() {
                raw::SPI_keepplan(plan);
            }
            plan
        })
    }?;
    if plan.is_null() {
        return Err(Error::Internal {
            code: None,
            message: format!("cannot prepare: {sql}"),
            detail: None,
            hint: None,
        });
    }
    Ok(Plan(plan))
}

/// The rows that a statement gave.
pub struct Table<'a> {
    table: *mut pg_sys::SPITupleTable,
    rows: usize,
    _spi: PhantomData<&'a Spi>,
}

impl Table<'_> {
    /// How many rows.
    pub fn count(&self) -> usize {
        self.rows
    }

    /// The rows, one after the other.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..if self.table.is_null() { 0 } else { self.rows }).map(|row| Row { table: self, row })
    }

    /// The first row.
    pub fn first(&self) -> Option<Row<'_>> {
        self.rows().next()
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        if !self.table.is_null() {
            // SAFETY: ours, and freed once; the connection that made it is still open.
            unsafe { pg_sys::SPI_freetuptable(self.table) };
        }
    }
}

/// One row.
pub struct Row<'a> {
    table: &'a Table<'a>,
    row: usize,
}

impl Row<'_> {
    /// The value of a column, counted from 0. None: NULL.
    pub fn get<T: FromDatum>(&self, column: usize) -> Option<T> {
        // SAFETY: T is the type that our own statement gives.
        self.read(column, |datum| unsafe { T::from_datum(datum, false) })
    }

    /// A text that may be a large one, fetched piece by piece, so that it isn't in memory
    /// twice. None: NULL.
    pub fn long_text(&self, column: usize) -> Option<String> {
        /// Many times what a row of a TOAST table holds.
        const PIECE: usize = 4 << 20;
        self.read(column, |datum| {
            // SAFETY: the column is a text, so the value a varlena; each piece is freed.
            unsafe {
                let size = raw::toast_raw_datum_size(datum) - pg_sys::VARHDRSZ;
                // Of what is compressed all would be unpacked for each piece.
                if size <= PIECE || raw::toast_datum_size(datum) != size {
                    return Some(text::owned(datum));
                }
                let mut text = room::list(size);
                while text.len() < size {
                    let (at, value) = (text.len() as i32, datum.cast_mut_ptr());
                    let piece = pg_sys::pg_detoast_datum_slice(value, at, PIECE as i32);
                    text.extend_from_slice(pgrx::varlena::varlena_to_byte_slice(piece));
                    pg_sys::pfree(piece.cast());
                    // Cut short it would be found by its checksum.
                    if text.len() == at as usize {
                        break;
                    }
                }
                Some(text::unchecked(text))
            }
        })
    }

    fn read<T>(&self, column: usize, read: impl FnOnce(Datum) -> Option<T>) -> Option<T> {
        // SAFETY: the row exists.
        unsafe {
            let table = self.table.table;
            let tuple = *(*table).vals.add(self.row);
            let mut null = false;
            let datum =
                pg_sys::SPI_getbinval(tuple, (*table).tupdesc, column as c_int + 1, &mut null);
            if null {
                return None;
            }
            // What is stored out of line is fetched only now, and not without a snapshot,
            // of which a procedure that has committed holds none.
            let out_of_line = u32::from((*(*tuple).t_data).t_infomask) & pg_sys::HEAP_HASEXTERNAL;
            if out_of_line == 0 || pg_sys::ActiveSnapshotSet() {
                return read(datum);
            }
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
            let value = read(datum);
            pg_sys::PopActiveSnapshot();
            value
        }
    }

    /// A text that our tables declare NOT NULL.
    pub fn text(&self, column: usize) -> String {
        // SAFETY: the column is a text.
        self.read(column, |datum| Some(unsafe { text::owned(datum) })).unwrap_or_default()
    }

    /// A flag that our statements never leave NULL.
    pub fn bool(&self, column: usize) -> bool {
        self.get(column).unwrap_or_default()
    }

    /// A bigint that our tables declare NOT NULL.
    pub fn bigint(&self, column: usize) -> i64 {
        self.get(column).unwrap_or_default()
    }

    /// A bytea that our tables declare NOT NULL.
    pub fn bytes(&self, column: usize) -> Vec<u8> {
        self.get(column).unwrap_or_default()
    }

    /// An array of OIDs that was cast to bigint[]; NULL is an empty one.
    pub fn oids(&self, column: usize) -> Vec<u32> {
        let oids = self.get::<Vec<i64>>(column).unwrap_or_default();
        oids.into_iter().map(|oid| oid as u32).collect()
    }

    /// A timestamptz, in microseconds since 2000-01-01 00:00 UTC.
    pub fn timestamp(&self, column: usize) -> Option<i64> {
        self.get::<pgrx::datum::TimestampWithTimeZone>(column).map(i64::from)
    }

    /// An interval, in microseconds.
    pub fn interval(&self, column: usize) -> Option<i64> {
        self.get::<pgrx::datum::Interval>(column).map(|interval| interval.as_micros() as i64)
    }
}

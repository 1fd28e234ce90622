//! SQL against our own tables.
//!
//! Plans are kept for the life of the session, so that the few statements of a run are
//! planned once. Errors arrive whole.

use super::call::Value;
use super::damage;
use super::{catch::catch, cstring, raw, text};
use crate::domain::room;
use crate::error::{Error, Result};
use core::ffi::{c_char, c_int};
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;

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
}

impl View {
    fn is_newest(self) -> bool {
        self == View::Newest
    }

    fn may_write(self) -> bool {
        self == View::Transaction
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
#[derive(Default)]
pub struct Spi {
    // What was found in a row that cannot be there. The next statement, or the end of the
    // connection, is an error then: nothing that was made of the row is kept.
    damage: RefCell<Option<Error>>,
}

impl Spi {
    /// Connects. Only [`super::role::AsRole`] and [`super::caller::AsCaller`] do, which
    /// see to it that names mean what they say.
    pub(super) fn connect() -> Result<Spi> {
        // SAFETY: ended by finish, or by the abort that an error brings.
        unsafe { catch(|| raw::SPI_connect()) }?;
        Ok(Spi::default())
    }

    /// Ends the connection; rows that were read are gone.
    pub(super) fn finish(self) -> Result<()> {
        // SAFETY: connected by us.
        unsafe { catch(|| raw::SPI_finish()) }?;
        self.check()
    }

    fn check(&self) -> Result<()> {
        self.damage.take().map_or(Ok(()), Err)
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
        self.check()?;
        let sql = statement.sql;
        let rows = plan(statement).and_then(|plan| self.execute(plan, values, view));
        let Some(rows) = rows.map_err(|error| without_statement(error, sql))? else {
            // Such a plan depends on no table, so the server would never make it anew, not even
            // when the rule is gone.
            PLANS.with_borrow_mut(|plans| plans.remove(sql));
            return Err(damage::rewritten(&tables(sql)));
        };
        // SAFETY: set by the statement that has just run.
        Ok(Table { table: unsafe { pg_sys::SPI_tuptable }, rows, sql, spi: self })
    }

    /// Runs a statement that gives no rows and is run once. Gives how many rows it has
    /// changed.
    pub fn command(&self, sql: &str) -> Result<u64> {
        let plan = prepare(sql, &mut [], false)?;
        Ok(self.execute(plan, Vec::new(), View::Transaction)?.unwrap_or_default() as u64)
    }

    /// Runs a plan. Gives how many rows it has given or changed. None: rules have left nothing
    /// of the statement.
    fn execute(&self, plan: Plan, values: Vec<Value>, view: View) -> Result<Option<usize>> {
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
            return Err(failed(code));
        }
        if code == pg_sys::SPI_OK_REWRITTEN as c_int {
            return Ok(None);
        }
        // SAFETY: set by the statement that has just run.
        Ok(Some(unsafe { pg_sys::SPI_processed as usize }))
    }
}

/// What SPI says of a statement that it could not run.
fn failed(code: c_int) -> Error {
    // SAFETY: gives a constant text, or one of its own memory.
    let name = unsafe { CStr::from_ptr(pg_sys::SPI_result_code_string(code)) };
    Error::new(
        pgrx::PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        format!("the server refused a statement of pg_migrations ({})", name.to_string_lossy()),
    )
}

/// An error of a statement of ours, without the statement: users know nothing of it.
fn without_statement(mut error: Error, sql: &str) -> Error {
    if let Some(server) = error.server_mut() {
        server.hide_statement(sql, &format!("work on {}", tables(sql)));
    }
    error
}

/// The tables of ours that a statement of ours names.
fn tables(sql: &str) -> String {
    let mut tables: Vec<&str> = Vec::new();
    for (at, _) in sql.match_indices("migrations.") {
        let rest = &sql[at..];
        let is_name = |c: char| c == '.' || c == '_' || c.is_ascii_alphanumeric();
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        if !tables.contains(&name) {
            tables.push(name);
        }
    }
    if tables.is_empty() { "the catalog".to_owned() } else { tables.join(", ") }
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
        // SAFETY: set by the call that has just failed.
        return Err(failed(unsafe { pg_sys::SPI_result }));
    }
    Ok(Plan(plan))
}

/// The rows that a statement gave.
pub struct Table<'a> {
    table: *mut pg_sys::SPITupleTable,
    rows: usize,
    sql: &'static str,
    spi: &'a Spi,
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

    /// Whether a column is NULL.
    pub fn is_null(&self, column: usize) -> bool {
        self.read(column, |_| Some(())).is_none()
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

    /// Notes that a column holds what none of our functions has put there: the next statement
    /// of the connection, or its end, is an error (XX001).
    pub fn damaged(&self, column: usize) {
        let name = self.column_name(column).unwrap_or_default();
        let keys = ["project_id", "id", "seq", "version", "version_key", "name"];
        let key = |n: usize| {
            let name = self.column_name(n).filter(|name| keys.contains(&name.as_str()))?;
            Some(format!("{name} {}", self.printed(n)?))
        };
        let row: Vec<String> = (0..self.columns()).filter_map(key).collect();
        let error = damage::invalid_value(&name, &tables(self.table.sql), &row.join(", "));
        self.table.spi.damage.borrow_mut().get_or_insert(error);
    }

    fn columns(&self) -> usize {
        // SAFETY: the table exists, as its rows do.
        unsafe { (*(*self.table.table).tupdesc).natts as usize }
    }

    fn column_name(&self, column: usize) -> Option<String> {
        // SAFETY: the table exists; gives a copy, or null for a column that does not.
        unsafe {
            let name = pg_sys::SPI_fname((*self.table.table).tupdesc, column as c_int + 1);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
        }
    }

    fn printed(&self, column: usize) -> Option<String> {
        // SAFETY: the row exists; gives a copy, or null for NULL.
        unsafe {
            let table = self.table.table;
            let tuple = *(*table).vals.add(self.row);
            let value = pg_sys::SPI_getvalue(tuple, (*table).tupdesc, column as c_int + 1);
            (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
        }
    }

    fn not_null<T: FromDatum + Default>(&self, column: usize) -> T {
        self.get(column).unwrap_or_else(|| {
            self.damaged(column);
            T::default()
        })
    }

    /// A text that our tables declare NOT NULL.
    pub fn text(&self, column: usize) -> String {
        // SAFETY: the column is a text.
        let text = self.read(column, |datum| Some(unsafe { text::owned(datum) }));
        text.unwrap_or_else(|| {
            self.damaged(column);
            String::new()
        })
    }

    /// A flag that our statements never leave NULL.
    pub fn bool(&self, column: usize) -> bool {
        self.not_null(column)
    }

    /// A bigint that our tables declare NOT NULL.
    pub fn bigint(&self, column: usize) -> i64 {
        self.not_null(column)
    }

    /// A bytea that our tables declare NOT NULL.
    pub fn bytes(&self, column: usize) -> Vec<u8> {
        self.not_null(column)
    }

    /// The elements of an array, none of which is ever NULL; NULL is an empty one.
    fn elements<T>(&self, column: usize) -> Vec<T>
    where
        Vec<Option<T>>: FromDatum,
    {
        let all = self.get::<Vec<Option<T>>>(column).unwrap_or_default();
        let count = all.len();
        let elements: Vec<T> = all.into_iter().flatten().collect();
        if elements.len() != count {
            self.damaged(column);
        }
        elements
    }

    /// An array of texts; NULL is an empty one.
    pub fn texts(&self, column: usize) -> Vec<String> {
        self.elements(column)
    }

    /// An array of OIDs that was cast to bigint[]; NULL is an empty one.
    pub fn oids(&self, column: usize) -> Vec<u32> {
        self.elements::<i64>(column).into_iter().map(|oid| oid as u32).collect()
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

//! The rows that a statement gave.

use super::column::{Column, TEXTS};
use super::statement::tables;
use crate::domain::room;
use crate::error::Error;
use crate::pg::{damage, defect, raw, text};
use core::ffi::c_int;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::RefCell;
use std::ffi::CStr;

/// The rows that a statement gave. Values are read while they are asked for.
pub struct Table<'a> {
    table: *mut pg_sys::SPITupleTable,
    processed: usize,
    sql: &'static str,
    damage: &'a RefCell<Option<Error>>,
}

impl<'a> Table<'a> {
    /// The rows of the statement that SPI has run last, and the place to note the error of a
    /// value that cannot be right.
    ///
    /// # Safety
    /// SPI's table must be the statement's, or null, and must have no other owner.
    pub(super) unsafe fn of_last_statement(
        processed: usize,
        sql: &'static str,
        damage: &'a RefCell<Option<Error>>,
    ) -> Table<'a> {
        // SAFETY: reads a variable of this process.
        Table { table: unsafe { pg_sys::SPI_tuptable }, processed, sql, damage }
    }

    /// How many rows the statement gave or changed.
    pub fn count(&self) -> usize {
        self.processed
    }

    /// The rows, one after the other.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let rows = match self.table.is_null() {
            true => 0,
            // SAFETY: the table exists, as long as we do.
            false => unsafe { (*self.table).numvals as usize },
        };
        (0..rows).map(|row| Row { table: self, row })
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

/// One row. Columns are counted from 0. One that is read as another type than it has, or that
/// does not exist, gives NULL, and is the error of the next statement (42804).
pub struct Row<'a> {
    table: &'a Table<'a>,
    // Less than the number of rows.
    row: usize,
}

impl Row<'_> {
    /// The value of a column. None: NULL.
    pub fn get<T: Column>(&self, column: usize) -> Option<T> {
        // SAFETY: the column has one of T's types.
        self.read(column, T::TYPES, |datum| unsafe { T::read(datum) })
    }

    /// Whether a column is NULL.
    pub fn is_null(&self, column: usize) -> bool {
        match self.kind(column) {
            Some(kind) => self.read(column, &[kind], |_| Some(())).is_none(),
            None => self.read(column, &[], |_| Some(())).is_none(),
        }
    }

    /// A text that may be a large one, fetched piece by piece, so that it isn't in memory
    /// twice. None: NULL.
    pub fn long_text(&self, column: usize) -> Option<String> {
        // SAFETY: the column is a text.
        self.read(column, TEXTS, |datum| Some(unsafe { in_pieces(datum) }))
    }

    /// Reads a column that has one of some types.
    fn read<T>(
        &self,
        column: usize,
        types: &[Oid],
        read: impl FnOnce(Datum) -> Option<T>,
    ) -> Option<T> {
        if !self.kind(column).is_some_and(|kind| types.contains(&kind)) {
            self.mistaken(column);
            return None;
        }
        // SAFETY: the row and the column exist.
        unsafe {
            let tuple = self.tuple();
            let mut null = false;
            let datum =
                pg_sys::SPI_getbinval(tuple, self.descriptor(), column as c_int + 1, &mut null);
            if null {
                return None;
            }
            // What is stored out of line is fetched only now. That takes a snapshot, and a
            // procedure that has committed holds none.
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

    fn descriptor(&self) -> pg_sys::TupleDesc {
        // SAFETY: the table exists, since it has a row.
        unsafe { (*self.table.table).tupdesc }
    }

    fn tuple(&self) -> pg_sys::HeapTuple {
        // SAFETY: the table has this row.
        unsafe { *(*self.table.table).vals.add(self.row) }
    }

    /// The type of a column. None: there is no such column.
    fn kind(&self, column: usize) -> Option<Oid> {
        // SAFETY: the descriptor is the table's, and has this column.
        (column < self.columns())
            .then(|| unsafe { pg_sys::SPI_gettypeid(self.descriptor(), column as c_int + 1) })
    }

    fn columns(&self) -> usize {
        // SAFETY: the descriptor is the table's.
        unsafe { (*self.descriptor()).natts as usize }
    }

    fn column_name(&self, column: usize) -> Option<String> {
        // SAFETY: the table exists; gives a copy, or null for a column that does not.
        unsafe {
            let name = pg_sys::SPI_fname(self.descriptor(), column as c_int + 1);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
        }
    }

    fn printed(&self, column: usize) -> Option<String> {
        // SAFETY: the row exists; gives a copy, or null for NULL.
        unsafe {
            let value = pg_sys::SPI_getvalue(self.tuple(), self.descriptor(), column as c_int + 1);
            (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
        }
    }

    /// Notes that a column was read that does not exist, or as another type than it has.
    fn mistaken(&self, column: usize) {
        let tables = tables(self.table.sql);
        self.note(defect::wrong_type(match self.column_name(column) {
            Some(name) => format!("column {name} of {tables} was read as another type"),
            None => format!("column {} of {tables} does not exist", column + 1),
        }));
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
        let tables = tables(self.table.sql);
        self.note(damage::invalid_value(&name, &tables, &row.join(", ")));
    }

    fn note(&self, error: Error) {
        self.table.damage.borrow_mut().get_or_insert(error);
    }

    fn not_null<T: Column + Default>(&self, column: usize) -> T {
        self.get(column).unwrap_or_else(|| {
            self.damaged(column);
            T::default()
        })
    }

    /// A text that our tables declare NOT NULL.
    pub fn text(&self, column: usize) -> String {
        self.not_null(column)
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

    /// The elements of an array that has no NULLs. A NULL is read as an empty array.
    fn elements<T>(&self, column: usize) -> Vec<T>
    where
        Vec<Option<T>>: Column,
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

    /// A timestamptz, in microseconds since 2000-01-01 00:00 UTC. None: NULL.
    pub fn timestamp(&self, column: usize) -> Option<i64> {
        self.get::<pgrx::datum::TimestampWithTimeZone>(column).map(i64::from)
    }

    /// An interval, in microseconds. None: NULL.
    pub fn interval(&self, column: usize) -> Option<i64> {
        self.get::<pgrx::datum::Interval>(column).map(|interval| interval.as_micros() as i64)
    }
}

/// A copy of a text, which is fetched in pieces if it is stored out of line and plain.
///
/// # Safety
/// The datum must be that of a text that isn't NULL.
unsafe fn in_pieces(datum: Datum) -> String {
    /// Many times what a row of a TOAST table holds.
    const PIECE: usize = 4 << 20;
    // SAFETY: the caller's promise: the value is a varlena; each piece is freed.
    unsafe {
        let size = raw::toast_raw_datum_size(datum) - pg_sys::VARHDRSZ;
        // What is compressed would be unpacked as a whole for each piece.
        if size <= PIECE || raw::toast_datum_size(datum) != size {
            return text::owned(datum);
        }
        let mut text = room::list(size);
        while text.len() < size {
            let (at, value) = (text.len() as i32, datum.cast_mut_ptr());
            let piece = pg_sys::pg_detoast_datum_slice(value, at, PIECE as i32);
            text.extend_from_slice(pgrx::varlena::varlena_to_byte_slice(piece));
            pg_sys::pfree(piece.cast());
            // A text that is cut short is found by its checksum.
            if text.len() == at as usize {
                break;
            }
        }
        text::unchecked(text)
    }
}

//! A scan of a table's rows, as COPY TO makes it.

use super::column::{Column, check_columns, refuse};
use crate::pg::raw;
use pgrx::pg_sys::{self, Datum};

/// A scan of a relation's rows under a snapshot of its own.
#[derive(Clone, Copy)]
pub struct Scan {
    relation: pg_sys::Relation,
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    /// Begins a scan for some columns. Raises an error if the relation has no rows of its own
    /// that can be read (55000, 42809, 0A000), or other columns (42804).
    ///
    /// # Safety
    /// To be called inside `catch`.
    pub unsafe fn begin(relation: u32, columns: &[Column]) -> Scan {
        // SAFETY: the caller's promise. Only what has rows has functions to read them by.
        unsafe {
            let relation = raw::table_open(relation.into(), pg_sys::AccessShareLock as _);
            check_columns(relation, columns.iter().map(|column| (column.number, column.kind)));
            let class = (*relation).rd_rel;
            if (*class).relpersistence == pg_sys::RELPERSISTENCE_TEMP as core::ffi::c_char
                && !(*relation).rd_islocaltemp
            {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    c"cannot access temporary tables of other sessions",
                );
            }
            if !(*class).relispopulated {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    c"the materialized view has not been populated",
                );
            }
            let methods = (*relation).rd_tableam;
            let begin = match methods.is_null() {
                false => (*methods).scan_begin,
                true => None,
            };
            let Some(begin) = begin else {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                    c"cannot read the rows of a foreign table",
                );
            };
            let slot = raw::table_slot_create(relation, core::ptr::null_mut());
            raw::PushActiveSnapshot(raw::GetLatestSnapshot());
            let flags = pg_sys::ScanOptions::SO_TYPE_SEQSCAN
                | pg_sys::ScanOptions::SO_ALLOW_STRAT
                | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE;
            let nothing = core::ptr::null_mut();
            let scan = begin(
                relation,
                pg_sys::GetActiveSnapshot(),
                0,
                core::ptr::null_mut(),
                nothing,
                flags,
            );
            Scan { relation, scan, slot }
        }
    }

    /// The relation, which is open.
    pub fn relation(&self) -> pg_sys::Relation {
        self.relation
    }

    /// The slot of the row that the scan is at.
    pub fn slot(&self) -> *mut pg_sys::TupleTableSlot {
        self.slot
    }

    /// Goes to the next row. False: there is none.
    ///
    /// # Safety
    /// To be called inside `catch`.
    pub unsafe fn next(&mut self) -> bool {
        // SAFETY: the scan is open.
        unsafe {
            let Some(next) = (*(*self.relation).rd_tableam).scan_getnextslot else { return false };
            if !next(self.scan, pg_sys::ScanDirection::ForwardScanDirection, self.slot) {
                return false;
            }
            let columns = (*(*self.relation).rd_att).natts;
            if i32::from((*self.slot).tts_nvalid) < columns {
                raw::slot_getsomeattrs_int(self.slot, columns);
            }
            true
        }
    }

    /// A stored column's value, and whether it is NULL.
    ///
    /// # Safety
    /// The scan is at a row, and its relation has such a column.
    pub unsafe fn value(&self, column: i16) -> (Datum, bool) {
        // SAFETY: the caller's promise; all columns of the row were made valid.
        unsafe {
            let n = column as usize - 1;
            (*(*self.slot).tts_values.add(n), *(*self.slot).tts_isnull.add(n))
        }
    }

    /// # Safety
    /// To be called inside `catch`, once.
    pub unsafe fn end(&mut self) {
        // SAFETY: all of it was made by `begin`.
        unsafe {
            if let Some(end) = (*(*self.relation).rd_tableam).scan_end {
                end(self.scan);
            }
            raw::ExecDropSingleTupleTableSlot(self.slot);
            raw::PopActiveSnapshot();
            raw::table_close(self.relation, pg_sys::NoLock as _);
        }
    }
}

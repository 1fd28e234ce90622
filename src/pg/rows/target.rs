//! The table that rows are copied into.

use super::column::{Column, check_columns, refuse};
use crate::pg::raw;
use pgrx::pg_sys::{self, Datum};

/// A table that rows are copied into.
#[derive(Clone, Copy)]
pub struct Target {
    relation: pg_sys::Relation,
    // Has as many values as there are columns.
    slot: *mut pg_sys::TupleTableSlot,
    bulk: *mut pg_sys::BulkInsertStateData,
    command: pg_sys::CommandId,
}

impl Target {
    /// Opens a table that has just these columns, in their order.
    ///
    /// # Safety
    /// To be called inside `catch`.
    pub unsafe fn open(table: u32, columns: &[Column]) -> Target {
        // SAFETY: the caller's promise; the relation is opened under a lock.
        unsafe {
            let relation = raw::table_open(table.into(), pg_sys::RowExclusiveLock as _);
            if (*relation).rd_tableam.is_null() {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                    c"cannot copy rows into what is not a table",
                );
            }
            let places = columns.iter().zip(1..).map(|(column, n)| (n, column.kind));
            check_columns(relation, places);
            if (*(*relation).rd_att).natts as usize != columns.len() {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                    c"internal error of pg_migrations: a copy has other columns than its table",
                );
            }
            let slot =
                raw::MakeSingleTupleTableSlot((*relation).rd_att, &raw const raw::TTSOpsVirtual);
            let command = raw::GetCurrentCommandId(true);
            Target { relation, slot, bulk: raw::GetBulkInsertState(), command }
        }
    }

    /// # Safety
    /// To be called inside `catch`, while the table is open.
    pub unsafe fn begin_row(&mut self) {
        // SAFETY: the slot is ours.
        unsafe {
            if let Some(clear) = (*(*self.slot).tts_ops).clear {
                clear(self.slot);
            }
        }
    }

    /// Sets the value of column n (from 0) of the row.
    ///
    /// # Safety
    /// The table must have the column, and the value its type.
    pub unsafe fn set(&mut self, n: usize, (value, null): (Datum, bool)) {
        // SAFETY: the caller's promise.
        unsafe {
            *(*self.slot).tts_values.add(n) = value;
            *(*self.slot).tts_isnull.add(n) = null;
        }
    }

    /// # Safety
    /// To be called inside `catch`, when all columns of the row are set.
    pub unsafe fn insert_row(&mut self) {
        // SAFETY: the caller's promise.
        unsafe {
            raw::ExecStoreVirtualTuple(self.slot);
            if let Some(insert) = (*(*self.relation).rd_tableam).tuple_insert {
                insert(self.relation, self.slot, self.command, 0, self.bulk);
            }
        }
    }

    /// # Safety
    /// To be called inside `catch`, once.
    pub unsafe fn close(self) {
        // SAFETY: all of it was made by `open`.
        unsafe {
            raw::FreeBulkInsertState(self.bulk);
            raw::ExecDropSingleTupleTableSlot(self.slot);
            raw::table_close(self.relation, pg_sys::NoLock as _);
        }
    }
}

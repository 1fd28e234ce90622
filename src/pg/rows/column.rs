//! Columns to be read, compared with those of the table.

use crate::pg::raw;
use pgrx::pg_sys;

/// A column to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The number of the column in its table, from 1.
    pub number: i16,
    /// The type, by its number.
    pub kind: u32,
    /// The column is not stored; its value is computed.
    pub is_virtual: bool,
}

/// Compares columns, as their numbers and types, with those of a relation. Raises an error if
/// one does not exist or has another type (42804).
///
/// # Safety
/// To be called inside `catch`, with an open relation.
pub unsafe fn check_columns(relation: pg_sys::Relation, columns: impl Iterator<Item = (i16, u32)>) {
    for (number, kind) in columns {
        // SAFETY: the caller's promise. For a number that the relation does not have, the
        // server gives no type.
        unsafe {
            let found = match number > 0 {
                true => raw::SPI_gettypeid((*relation).rd_att, number.into()),
                false => pg_sys::InvalidOid,
            };
            if found == pg_sys::InvalidOid || found.to_u32() != kind {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                    c"internal error of pg_migrations: a column has another type than was looked up",
                );
            }
        }
    }
}

/// Raises an error of the server's machinery.
///
/// # Safety
/// To be called inside `catch`.
pub unsafe fn refuse(code: pgrx::PgSqlErrorCode, message: &core::ffi::CStr) -> ! {
    // SAFETY: a constant format and a C string; errfinish leaves by a longjmp to `catch`.
    unsafe {
        raw::errstart(pg_sys::PGERROR as _, core::ptr::null());
        raw::errcode(code as _);
        raw::errmsg_internal(c"%s".as_ptr(), message.as_ptr());
        raw::errfinish(c"pg_migrations".as_ptr(), 0, core::ptr::null());
        std::process::abort()
    }
}

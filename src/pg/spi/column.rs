//! The Rust types that a column's value can be read as.

use crate::pg::text;
use pgrx::FromDatum;
use pgrx::datum::{Interval, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::{self, Datum, Oid};

/// A Rust type that values of columns are read as.
///
/// # Safety
/// `read` must be sound for each value of a type in `TYPES`.
pub unsafe trait Column: Sized {
    /// The SQL types that have such values.
    const TYPES: &'static [Oid];

    /// The value.
    ///
    /// # Safety
    /// The datum must be that of a value, not NULL, of a type in `TYPES`.
    unsafe fn read(datum: Datum) -> Option<Self>;
}

/// The types that are stored as a text is.
pub const TEXTS: &[Oid] = &[pg_sys::TEXTOID, pg_sys::VARCHAROID];

// SAFETY: both types are stored as a text is.
unsafe impl Column for String {
    const TYPES: &'static [Oid] = TEXTS;

    unsafe fn read(datum: Datum) -> Option<String> {
        // SAFETY: the caller's promise.
        Some(unsafe { text::owned(datum) })
    }
}

macro_rules! by_pgrx {
    ($($rust:ty: $sql:ident),* $(,)?) => {$(
        // SAFETY: pgrx reads values of this SQL type as this Rust type.
        unsafe impl Column for $rust {
            const TYPES: &'static [Oid] = &[pg_sys::$sql];

            unsafe fn read(datum: Datum) -> Option<$rust> {
                // SAFETY: the caller's promise.
                unsafe { <$rust>::from_datum(datum, false) }
            }
        }
    )*};
}

by_pgrx! {
    bool: BOOLOID,
    i16: INT2OID,
    i32: INT4OID,
    i64: INT8OID,
    Vec<u8>: BYTEAOID,
    Uuid: UUIDOID,
    TimestampWithTimeZone: TIMESTAMPTZOID,
    Interval: INTERVALOID,
    Vec<Option<String>>: TEXTARRAYOID,
    Vec<Option<i64>>: INT8ARRAYOID,
}

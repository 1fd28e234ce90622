//! Results: types of Rust encoded as values and rows of SQL.

use super::declaration::{Declaration, Field};
use super::invocation::Call;
use crate::error::{Error, Result};
use crate::pg::value::{Type, Value};
use core::ffi::c_int;
use pgrx::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, Oid};
use std::marker::PhantomData;

/// A type of Rust that results are made of.
///
/// # Safety
/// `value` must give a value of `TYPE`, or NULL.
pub unsafe trait Answer {
    /// The type of SQL.
    const TYPE: Type;

    /// The value.
    fn value(self) -> Value;
}

/// A `timestamptz`, in microseconds since 2000-01-01 00:00 UTC.
pub struct Timestamp(pub i64);

/// An `interval`, in microseconds.
pub struct Interval(pub i64);

/// A `uuid`, as its sixteen bytes.
pub struct Uuid(pub [u8; 16]);

/// A `jsonb`, as its text.
pub struct JsonText(pub Vec<u8>);

macro_rules! answers {
    ($($rust:ty: $sql:ident, $value:expr;)*) => {$(
        // SAFETY: the variant has the type's name.
        unsafe impl Answer for $rust {
            const TYPE: Type = Type::$sql;

            fn value(self) -> Value {
                $value(self)
            }
        }
    )*};
}

answers! {
    bool: Bool, Value::Bool;
    i32: Int, Value::Int;
    i64: BigInt, Value::BigInt;
    String: Text, Value::Text;
    &str: Text, Value::from;
    Vec<String>: TextArray, Value::TextArray;
    Timestamp: Timestamp, |Timestamp(time)| Value::Timestamp(time);
    Interval: Interval, |Interval(time)| Value::Interval(time);
    Uuid: Uuid, |Uuid(bytes)| Value::Uuid(bytes);
    serde_json::Value: Json, Value::Json;
    JsonText: Json, |JsonText(text)| Value::JsonText(text);
}

// SAFETY: a value of T's type, or NULL.
unsafe impl<T: Answer> Answer for Option<T> {
    const TYPE: Type = T::TYPE;

    fn value(self) -> Value {
        self.map_or(Value::Null, T::value)
    }
}

/// Answers with one value. Errors: the function is declared to return another type (42P13).
pub fn value<T: Answer>(call: &Call, value: T, declaration: &Declaration) -> Result<Datum> {
    if call.types().result != T::TYPE.oid() {
        return Err(declaration.mismatch(call));
    }
    Ok(value.value().into_datum().unwrap_or_else(|| null(call)))
}

fn null(call: &Call) -> Datum {
    // SAFETY: the call is valid; this flag says that the result is NULL.
    unsafe { (*call.info()).isnull = true };
    Datum::from(0)
}

/// A row of a result, as a struct that [`super::record!`] makes.
///
/// # Safety
/// The values must be those of the fields, in their number, order and types.
pub unsafe trait Record {
    /// The name of the composite type, for a set of rows.
    const NAME: &'static str;
    /// The columns.
    const FIELDS: &'static [Field];

    /// The values.
    fn values(self) -> Vec<Value>;
}

/// The values of a row, as the server takes them.
fn encode(values: Vec<Value>) -> (Vec<Datum>, Vec<bool>) {
    let datums = values.into_iter().map(Value::into_datum);
    datums.map(|datum| (datum.unwrap_or(Datum::from(0)), datum.is_none())).unzip()
}

/// The types of the columns of a row.
///
/// # Safety
/// The descriptor must exist.
unsafe fn columns(descriptor: pg_sys::TupleDesc) -> impl Iterator<Item = Oid> {
    // SAFETY: the caller's promise; the columns are counted from 1.
    unsafe {
        let count = (*descriptor).natts;
        (1..=count).map(move |n| pg_sys::SPI_gettypeid(descriptor, n))
    }
}

/// Answers with one row: the values of a procedure's INOUT arguments. Errors: the procedure is
/// declared with others (42P13).
pub fn row<R: Record>(call: &Call, row: R, declaration: &Declaration) -> Result<Datum> {
    let mut descriptor: pg_sys::TupleDesc = core::ptr::null_mut();
    // SAFETY: the call is valid; the descriptor is made in its memory, and checked.
    unsafe { pg_sys::get_call_result_type(call.info(), core::ptr::null_mut(), &mut descriptor) };
    if descriptor.is_null() {
        return Err(declaration.mismatch(call));
    }
    // SAFETY: it exists.
    declaration.check_columns(call, R::FIELDS, unsafe { columns(descriptor) })?;
    let (mut datums, mut nulls) = encode(row.values());
    // SAFETY: the descriptor has the types of the values; all is made in the memory of the call.
    unsafe {
        let descriptor = pg_sys::BlessTupleDesc(descriptor);
        let tuple = pg_sys::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
    }
}

/// The rows of an answer, kept by the server (on disk when they are many). They may be added
/// while the call goes on.
pub struct Rows<'a, R> {
    store: *mut pg_sys::Tuplestorestate,
    // It has the types of R.
    descriptor: pg_sys::TupleDesc,
    call: &'a Call,
    rows: PhantomData<fn(R)>,
}

impl<'a, R: Record> Rows<'a, R> {
    /// Begins an answer. Errors: the call is at a place where no set can be (0A000); the
    /// function is declared with other columns (42P13).
    pub fn new(call: &'a Call, declaration: &Declaration) -> Result<Rows<'a, R>> {
        let unsupported = || {
            Error::new(
                pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "set-valued function called in context that cannot accept a set",
            )
            .hint("Call it in FROM: SELECT * FROM migrations....;")
        };
        // SAFETY: the protocol of set-returning functions in materialize mode: the node
        // is checked, the store and descriptor are made in per-query memory.
        unsafe {
            let info = (*call.info()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            if info.is_null()
                || (*info).type_ != pg_sys::NodeTag::T_ReturnSetInfo
                || (*info).allowedModes & pg_sys::SetFunctionReturnMode::SFRM_Materialize as c_int
                    == 0
            {
                return Err(unsupported());
            }
            let per_query = (*(*info).econtext).ecxt_per_query_memory;
            let former = pg_sys::MemoryContextSwitchTo(per_query);
            let mut descriptor: pg_sys::TupleDesc = core::ptr::null_mut();
            let class =
                pg_sys::get_call_result_type(call.info(), core::ptr::null_mut(), &mut descriptor);
            if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE {
                pg_sys::MemoryContextSwitchTo(former);
                return Err(unsupported());
            }
            let descriptor = pg_sys::CreateTupleDescCopy(descriptor);
            let checked = declaration.check_columns(call, R::FIELDS, columns(descriptor));
            let random = (*info).allowedModes
                & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as c_int;
            let store = pg_sys::tuplestore_begin_heap(random != 0, false, pg_sys::work_mem);
            (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*info).setResult = store;
            (*info).setDesc = descriptor;
            pg_sys::MemoryContextSwitchTo(former);
            checked?;
            Ok(Rows { store, descriptor, call, rows: PhantomData })
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: R) {
        // SAFETY: the descriptor has the types of the values, whose memory is freed after the
        // store has copied the row.
        unsafe {
            PgMemoryContexts::new("row").switch_to(|_| {
                let (mut datums, mut nulls) = encode(row.values());
                pg_sys::tuplestore_putvalues(
                    self.store,
                    self.descriptor,
                    datums.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            });
        }
    }

    /// Ends the answer.
    pub fn finish(self) -> Datum {
        null(self.call)
    }
}

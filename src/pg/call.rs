//! The arguments of a function call, and the ways to answer it.

use super::argument;
use super::{catch::catch, interrupt, raw, text};
use crate::domain::room;
use crate::error::{Error, Result};
use core::ffi::c_int;
use pgrx::pg_sys::{self, Datum};
use pgrx::{FromDatum, IntoDatum, PgMemoryContexts};

/// One call of a SQL function.
pub struct Call {
    info: pg_sys::FunctionCallInfo,
}

/// A value of a row that a call answers with, or of a statement's parameter.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bool(bool),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    Text(String),
    TextArray(Vec<String>),
    Bytes(Vec<u8>),
    /// `uuid`, as its sixteen bytes.
    Uuid([u8; 16]),
    /// `timestamptz`, in microseconds since 2000-01-01 00:00 UTC.
    Timestamp(i64),
    /// `interval`, in microseconds.
    Interval(i64),
    /// `jsonb`.
    Json(serde_json::Value),
    /// `jsonb`, as text.
    JsonText(Vec<u8>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Value {
        text.map_or(Value::Null, Value::from)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Value {
        text.map_or(Value::Null, Value::Text)
    }
}

impl From<Option<i32>> for Value {
    fn from(number: Option<i32>) -> Value {
        number.map_or(Value::Null, Value::Int)
    }
}

impl Value {
    /// The server's form of the value, in the current memory context. None is NULL.
    pub(super) fn into_datum(self) -> Option<Datum> {
        match self {
            Value::Null => None,
            Value::Bool(v) => v.into_datum(),
            Value::SmallInt(v) => v.into_datum(),
            Value::Int(v) => v.into_datum(),
            Value::BigInt(v) | Value::Timestamp(v) => v.into_datum(),
            Value::Text(v) => v.into_datum(),
            Value::TextArray(v) => v.into_datum(),
            Value::Bytes(v) => v.into_datum(),
            Value::Uuid(v) => pgrx::datum::Uuid::from_bytes(v).into_datum(),
            Value::Json(v) => pgrx::JsonB(v).into_datum(),
            Value::JsonText(v) => Some(jsonb(v)),
            Value::Interval(microseconds) => {
                // SAFETY: an Interval is plain numbers, freshly allocated by the server.
                unsafe {
                    let interval =
                        pg_sys::palloc0(size_of::<pg_sys::Interval>()).cast::<pg_sys::Interval>();
                    (*interval).time = microseconds;
                    Some(Datum::from(interval))
                }
            }
        }
    }
}

/// A `jsonb` of its text.
fn jsonb(mut text: Vec<u8>) -> Datum {
    room::push(&mut text, 0);
    let text = text.as_mut_ptr();
    // SAFETY: a C string that is copied; it is freed after the call, or while an error of it
    // passes.
    let made = unsafe {
        catch(|| raw::DirectFunctionCall1Coll(raw::jsonb_in, pg_sys::InvalidOid, Datum::from(text)))
    };
    made.unwrap_or_else(|error| interrupt::end(error))
}

impl Call {
    /// # Safety
    /// `info` must be valid while the call lives.
    pub(super) unsafe fn new(info: pg_sys::FunctionCallInfo) -> Call {
        Call { info }
    }

    fn argument<T: FromDatum>(&self, n: usize) -> Option<T> {
        // SAFETY: the SQL declaration gives argument n this type.
        unsafe { pgrx::fcinfo::pg_getarg(self.info, n) }
    }

    /// Whether argument n (from 0) is NULL.
    pub fn is_null(&self, n: usize) -> bool {
        // SAFETY: the call is valid and has as many arguments as its declaration.
        unsafe { pgrx::fcinfo::pg_arg_is_null(self.info, n) }
    }

    /// Argument n (from 0), a `text`. None: NULL.
    pub fn text(&self, n: usize) -> Option<String> {
        // SAFETY: the SQL declaration gives the argument this type.
        (!self.is_null(n))
            .then(|| unsafe { text::owned(pgrx::fcinfo::pg_getarg_datum_raw(self.info, n)) })
    }

    /// Argument n (from 0), an `int`.
    pub fn int(&self, n: usize) -> Option<i32> {
        self.argument(n)
    }

    /// Argument n (from 0), a `regclass`.
    pub fn relation(&self, n: usize) -> Option<u32> {
        self.argument::<pg_sys::Oid>(n).map(pg_sys::Oid::to_u32)
    }

    /// Argument n (from 0), a `boolean`.
    pub fn bool(&self, n: usize) -> Option<bool> {
        self.argument(n)
    }

    /// Argument n (from 0), a `text[]`; a NULL element is an error that names the argument.
    pub fn texts(&self, n: usize, name: &'static str) -> Result<Vec<String>> {
        let Some(elements) = self.argument::<pgrx::Array<&str>>(n) else { return Ok(Vec::new()) };
        let mut texts = room::list(elements.len());
        for element in elements.iter() {
            texts.push(room::owned(element.ok_or_else(|| argument::null(name))?));
        }
        Ok(texts)
    }

    /// Argument n (from 0), a `jsonb` of few settings. Errors: it is larger, or deeper than
    /// 128 levels (22023).
    pub fn json(&self, n: usize, name: &'static str) -> Result<Option<serde_json::Value>> {
        const LARGEST: usize = 1 << 20;
        let invalid = |why: &dyn std::fmt::Display| {
            argument::invalid(
                format!("argument \"{name}\" cannot be read: {why}"),
                "Give an object as the reference describes it.",
            )
        };
        match self.json_text(n)? {
            None => Ok(None),
            Some(text) if text.len() > LARGEST => Err(invalid(&"it is larger than 1 MB")),
            Some(text) => serde_json::from_str(&text).map_err(|why| invalid(&why)).map(Some),
        }
    }

    /// Argument n (from 0), a `jsonb`, as text in the server's memory.
    pub fn json_text(&self, n: usize) -> Result<Option<std::borrow::Cow<'_, str>>> {
        if self.is_null(n) {
            return Ok(None);
        }
        // SAFETY: an argument that is there.
        let datum = unsafe { pgrx::fcinfo::pg_getarg_datum_raw(self.info, n) };
        // SAFETY: the argument is a jsonb; what comes of it is a C string.
        let text = unsafe {
            let text = catch(|| {
                let text = raw::DirectFunctionCall1Coll(raw::jsonb_out, pg_sys::InvalidOid, datum);
                text.cast_mut_ptr::<core::ffi::c_char>()
            })?;
            std::ffi::CStr::from_ptr(text).to_string_lossy()
        };
        Ok(Some(text))
    }

    /// Argument n, a `text` that must not be NULL.
    pub fn required(&self, n: usize, name: &'static str) -> Result<String> {
        self.text(n).ok_or_else(|| argument::null(name))
    }

    /// The function or procedure that was called, as in `migrations.rollback`.
    pub fn name(&self) -> String {
        // SAFETY: the call is valid, and made through the function manager.
        let name = unsafe { pg_sys::get_func_name((*(*self.info).flinfo).fn_oid) };
        let name = match name.is_null() {
            true => c"",
            // SAFETY: a C string that the server has made for us.
            false => unsafe { std::ffi::CStr::from_ptr(name) },
        };
        format!("migrations.{}", name.to_string_lossy())
    }

    /// Argument n (from 0), of whatever type, as text. None: NULL. Errors: those of the type.
    pub fn any_as_text(&self, n: usize) -> Result<Option<String>> {
        if self.is_null(n) {
            return Ok(None);
        }
        // SAFETY: an argument that is there, of the type that the call says.
        unsafe {
            let value = pgrx::fcinfo::pg_getarg_datum_raw(self.info, n);
            let kind = pg_sys::get_fn_expr_argtype((*self.info).flinfo, n as c_int);
            if kind == pg_sys::UNKNOWNOID {
                let text = std::ffi::CStr::from_ptr(value.cast_mut_ptr());
                return Ok(Some(text.to_string_lossy().into_owned()));
            }
            let text = catch(|| {
                let (mut function, mut is_varlena) = (pg_sys::InvalidOid, false);
                raw::getTypeOutputInfo(kind, &mut function, &mut is_varlena);
                raw::OidOutputFunctionCall(function, value)
            })?;
            Ok(Some(std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()))
        }
    }

    /// Answers with one value.
    pub fn answer(&self, value: Value) -> Datum {
        match value.into_datum() {
            Some(datum) => datum,
            None => {
                // SAFETY: the call is valid; a NULL is told by this flag.
                unsafe { (*self.info).isnull = true };
                Datum::from(0)
            }
        }
    }

    /// Whether the procedure may end the transaction: it was called as a statement of its
    /// own, outside of a transaction block, a function, a DO block or another procedure.
    pub fn may_commit(&self) -> bool {
        // SAFETY: the node is checked to be a CALL's before it is read as one. Inside of
        // another language's non-atomic block our commits would take the ground from
        // under its feet, so SPI must not be in use.
        unsafe {
            let context = (*self.info).context;
            !context.is_null()
                && (*context).type_ == pg_sys::NodeTag::T_CallContext
                && !(*context.cast::<pg_sys::CallContext>()).atomic
                && !pg_sys::SPI_inside_nonatomic_context()
                && !pg_sys::IsSubTransaction()
        }
    }

    /// Answers with one row: the values of a procedure's INOUT parameters.
    pub fn answer_row<const N: usize>(&self, row: [Value; N]) -> Result<Datum> {
        let mut datums = [Datum::from(0); N];
        let mut nulls = [true; N];
        for (n, value) in row.into_iter().enumerate() {
            if let Some(datum) = value.into_datum() {
                (datums[n], nulls[n]) = (datum, false);
            }
        }
        // SAFETY: the descriptor is that of the declaration, which has N such parameters;
        // all of it is made in the memory of the call.
        unsafe {
            let mut descriptor: pg_sys::TupleDesc = core::ptr::null_mut();
            pg_sys::get_call_result_type(self.info, core::ptr::null_mut(), &mut descriptor);
            debug_assert!(!descriptor.is_null() && (*descriptor).natts as usize == N);
            let descriptor = pg_sys::BlessTupleDesc(descriptor);
            let tuple =
                pg_sys::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr());
            Ok(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
        }
    }

    /// Answers with rows, which may be added while the call goes on.
    pub fn rows(&self) -> Result<Rows<'_>> {
        Rows::new(self)
    }

    /// The trigger event that called us: the table's name, and the bits of `TRIGGER_EVENT_*`.
    pub fn trigger(&self) -> Option<(String, u32)> {
        // SAFETY: the context node is checked to be a trigger's before it is read as one.
        unsafe {
            let context = (*self.info).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return None;
            }
            let data = context.cast::<pg_sys::TriggerData>();
            let name = pg_sys::get_rel_name((*(*data).tg_relation).rd_id);
            let name = std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned();
            Some((name, (*data).tg_event))
        }
    }

    /// Answers a row trigger that lets the change happen, with the row as it is to be.
    pub fn answer_trigger(&self) -> Datum {
        // SAFETY: called when `trigger` has found trigger data.
        unsafe {
            let data = (*self.info).context.cast::<pg_sys::TriggerData>();
            let updates =
                (*data).tg_event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE;
            Datum::from(if updates { (*data).tg_newtuple } else { (*data).tg_trigtuple })
        }
    }
}

/// The rows of an answer, kept by the server (on disk when they are many).
pub struct Rows<'a> {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    width: usize,
    call: &'a Call,
}

impl<'a> Rows<'a> {
    fn new(call: &'a Call) -> Result<Rows<'a>> {
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
            let info = (*call.info).resultinfo.cast::<pg_sys::ReturnSetInfo>();
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
                pg_sys::get_call_result_type(call.info, core::ptr::null_mut(), &mut descriptor);
            if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE {
                pg_sys::MemoryContextSwitchTo(former);
                return Err(unsupported());
            }
            let descriptor = pg_sys::CreateTupleDescCopy(descriptor);
            let random = (*info).allowedModes
                & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as c_int;
            let store = pg_sys::tuplestore_begin_heap(random != 0, false, pg_sys::work_mem);
            (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*info).setResult = store;
            (*info).setDesc = descriptor;
            pg_sys::MemoryContextSwitchTo(former);
            Ok(Rows { store, descriptor, width: (*descriptor).natts as usize, call })
        }
    }

    /// Adds a row. It has as many values as the function has columns.
    pub fn add<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.width);
        let mut datums = [Datum::from(0); N];
        let mut nulls = [true; N];
        // SAFETY: the values' memory is freed after the store has copied the row.
        unsafe {
            PgMemoryContexts::new("row").switch_to(|_| {
                for (n, value) in row.into_iter().enumerate() {
                    if let Some(datum) = value.into_datum() {
                        (datums[n], nulls[n]) = (datum, false);
                    }
                }
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
    pub fn answer(self) -> Datum {
        self.call.answer(Value::Null)
    }
}

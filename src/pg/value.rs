//! Values of SQL as values of Rust, with their types.

use super::{catch::catch, interrupt, raw};
use crate::domain::room;
use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum, Oid};

/// A type of SQL that a call takes or gives, or that a statement's parameter has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Json,
    /// `regclass`.
    Relation,
    /// `"any"`: whatever type the caller's argument has.
    Any,
}

impl Type {
    /// The type's number in `pg_type`.
    pub(super) fn oid(self) -> Oid {
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
            Type::Json => pg_sys::JSONBOID,
            Type::Relation => pg_sys::REGCLASSOID,
            Type::Any => pg_sys::ANYOID,
        }
    }

    /// The type's name, as `format_type` gives it.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "boolean",
            Type::SmallInt => "smallint",
            Type::Int => "integer",
            Type::BigInt => "bigint",
            Type::Text => "text",
            Type::TextArray => "text[]",
            Type::Bytes => "bytea",
            Type::Uuid => "uuid",
            Type::Timestamp => "timestamp with time zone",
            Type::Interval => "interval",
            Type::Json => "jsonb",
            Type::Relation => "regclass",
            Type::Any => "\"any\"",
        }
    }
}

/// A value of a result row, or of a statement's parameter.
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
    /// The type of the value. None: it is NULL, which every type has.
    pub(super) fn kind(&self) -> Option<Type> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => Type::Bool,
            Value::SmallInt(_) => Type::SmallInt,
            Value::Int(_) => Type::Int,
            Value::BigInt(_) => Type::BigInt,
            Value::Text(_) => Type::Text,
            Value::TextArray(_) => Type::TextArray,
            Value::Bytes(_) => Type::Bytes,
            Value::Uuid(_) => Type::Uuid,
            Value::Timestamp(_) => Type::Timestamp,
            Value::Interval(_) => Type::Interval,
            Value::Json(_) | Value::JsonText(_) => Type::Json,
        })
    }

    /// The server's form of the value, in the current memory context. None: NULL.
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

/// The `jsonb` that a text describes. An error of its input function ends the call.
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

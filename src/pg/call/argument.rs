//! Arguments: values of SQL decoded into types of Rust.

use super::declaration::{Declaration, Parameter};
use super::invocation::Call;
use crate::domain::room;
use crate::error::Result;
use crate::pg::value::Type;
use crate::pg::{argument, catch::catch, extension, raw, text};
use core::ffi::c_char;
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::CStr;

/// The arguments of a function, as a struct that [`super::declare!`] makes.
pub trait Arguments: Sized {
    /// How SQL declares them.
    const LIST: &'static [Parameter];

    /// Decodes them, in their order. Errors: those of the first argument that cannot be decoded.
    fn decode(given: &mut Given<'_>) -> Result<Self>;
}

/// The arguments of a call. Errors: the extension in the database has another version than the
/// library (55000); the function is not declared as the library declares it (42P13); those of
/// [`Argument::decode`].
pub fn decode<A: Arguments>(call: &Call, declaration: &Declaration) -> Result<A> {
    // Another version may declare other arguments, and is to be reported as such.
    extension::check_version()?;
    declaration.check(call)?;
    A::decode(&mut Given { call, next: 0 })
}

/// The arguments of a call that are not decoded yet.
pub struct Given<'a> {
    call: &'a Call,
    next: usize,
}

impl Given<'_> {
    /// The next argument, by its declared name. Errors: those of [`Argument::decode`].
    pub fn next<T: Argument>(&mut self, name: &'static str) -> Result<T> {
        let n = self.next;
        self.next += 1;
        let value = match self.call.datum(n, T::Sql::TYPE.oid())? {
            None => None,
            Some(datum) => {
                let kind = match T::Sql::TYPE {
                    Type::Any => self.call.given_type(n),
                    kind => kind.oid(),
                };
                // SAFETY: the argument is declared with T's type.
                Some(unsafe { T::Sql::read(datum, kind, name) }?)
            }
        };
        T::decode(value, name)
    }
}

/// A type of Rust that an argument is decoded into. Those of the rooms above implement it by
/// one of the types here.
pub trait Argument: Sized {
    /// What is decoded: it says which type the argument has in SQL.
    type Sql: FromSql;

    /// Decodes an argument. None: NULL. Errors: it is NULL and must not be (22004), or has an
    /// invalid value (22023).
    fn decode(value: Option<Self::Sql>, name: &'static str) -> Result<Self>;
}

impl<T: FromSql> Argument for T {
    type Sql = T;

    fn decode(value: Option<T>, name: &'static str) -> Result<T> {
        value.ok_or_else(|| argument::null(name))
    }
}

impl<T: FromSql> Argument for Option<T> {
    type Sql = T;

    fn decode(value: Option<T>, _: &'static str) -> Result<Option<T>> {
        Ok(value)
    }
}

/// A type of Rust that has the values of a type of SQL.
///
/// # Safety
/// `read` must be sound for each value of `TYPE`.
pub unsafe trait FromSql: Sized {
    /// The type of SQL.
    const TYPE: Type;

    /// Reads a value. `kind` is its type. Errors: the value of the argument `name` cannot be
    /// used, or those of the type's output function.
    ///
    /// # Safety
    /// The datum must be that of a value of this type that is not NULL.
    unsafe fn read(datum: Datum, kind: Oid, name: &'static str) -> Result<Self>;
}

/// A `regclass`, as the relation's number.
pub struct Relation(pub u32);

/// A `jsonb`, as text.
pub struct Json(pub String);

/// A value of whatever type, as text.
pub struct AnyAsText(pub String);

/// The value of a type that is passed by value and has no invalid bit pattern.
macro_rules! plain {
    ($rust:ty: $sql:ident, $read:expr) => {
        // SAFETY: the type is passed by value.
        unsafe impl FromSql for $rust {
            const TYPE: Type = Type::$sql;

            unsafe fn read(datum: Datum, _: Oid, _: &'static str) -> Result<$rust> {
                Ok($read(datum.value()))
            }
        }
    };
}

plain!(bool: Bool, |value| value as u8 != 0);
plain!(i32: Int, |value| value as i32);
plain!(Relation: Relation, |value| Relation(value as u32));

// SAFETY: read as a text.
unsafe impl FromSql for String {
    const TYPE: Type = Type::Text;

    unsafe fn read(datum: Datum, _: Oid, _: &'static str) -> Result<String> {
        // SAFETY: the caller's promise.
        Ok(unsafe { text::owned(datum) })
    }
}

// SAFETY: read as an array of texts. A NULL in it is an error (22004).
unsafe impl FromSql for Vec<String> {
    const TYPE: Type = Type::TextArray;

    unsafe fn read(datum: Datum, _: Oid, name: &'static str) -> Result<Vec<String>> {
        // SAFETY: the caller's promise.
        let elements = unsafe { pgrx::Array::<&str>::from_datum(datum, false) };
        let elements = elements.ok_or_else(|| argument::null(name))?;
        let mut texts = room::list(elements.len());
        for element in elements.iter() {
            texts.push(room::owned(element.ok_or_else(|| argument::null(name))?));
        }
        Ok(texts)
    }
}

// SAFETY: read by the type's output function.
unsafe impl FromSql for Json {
    const TYPE: Type = Type::Json;

    unsafe fn read(datum: Datum, _: Oid, _: &'static str) -> Result<Json> {
        // SAFETY: the caller's promise; the output function gives a C string that is ours.
        unsafe {
            let text = catch(|| {
                raw::DirectFunctionCall1Coll(raw::jsonb_out, pg_sys::InvalidOid, datum)
                    .cast_mut_ptr::<c_char>()
            })?;
            let json = room::owned(&CStr::from_ptr(text).to_string_lossy());
            pg_sys::pfree(text.cast());
            Ok(Json(json))
        }
    }
}

// A jsonb of a few settings. It is larger than 1 MB, or deeper than 128 levels: 22023.
// SAFETY: read as above.
unsafe impl FromSql for serde_json::Value {
    const TYPE: Type = Type::Json;

    unsafe fn read(datum: Datum, kind: Oid, name: &'static str) -> Result<serde_json::Value> {
        const LARGEST: usize = 1 << 20;
        let invalid = |why: &dyn std::fmt::Display| {
            argument::invalid(
                format!("argument \"{name}\" cannot be read: {why}"),
                "Give an object as the reference describes it.",
            )
        };
        // SAFETY: the caller's promise.
        let Json(text) = unsafe { Json::read(datum, kind, name) }?;
        if text.len() > LARGEST {
            return Err(invalid(&"it is larger than 1 MB"));
        }
        serde_json::from_str(&text).map_err(|why| invalid(&why))
    }
}

// SAFETY: read by the output function of the type that the value has.
unsafe impl FromSql for AnyAsText {
    const TYPE: Type = Type::Any;

    unsafe fn read(datum: Datum, kind: Oid, _: &'static str) -> Result<AnyAsText> {
        // SAFETY: the caller's promise; a value of type unknown is a C string.
        unsafe {
            let text = match kind {
                pg_sys::UNKNOWNOID => datum.cast_mut_ptr(),
                kind => catch(|| {
                    let (mut function, mut is_varlena) = (pg_sys::InvalidOid, false);
                    raw::getTypeOutputInfo(kind, &mut function, &mut is_varlena);
                    raw::OidOutputFunctionCall(function, datum)
                })?,
            };
            Ok(AnyAsText(CStr::from_ptr(text).to_string_lossy().into_owned()))
        }
    }
}

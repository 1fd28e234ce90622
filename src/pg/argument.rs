//! Errors about the arguments of a call.

use crate::error::Error;
use pgrx::PgSqlErrorCode as Code;
use std::borrow::Cow;

/// An argument that needs a value is NULL (22004).
pub fn null(name: &str) -> Error {
    Error::new(
        Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format!("argument \"{name}\" must not be null"),
    )
}

/// The value of an argument cannot be used (22023).
pub fn invalid(message: impl Into<Cow<'static, str>>, hint: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message).hint(hint)
}

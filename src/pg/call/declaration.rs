//! Declarations of SQL functions as data, and their comparison with the catalog.

use super::invocation::Call;
use crate::error::{Error, Result};
use crate::pg::value::Type;
use pgrx::pg_sys::{self, Oid};
use std::fmt;

/// What SQL declares for one C symbol.
pub struct Declaration {
    /// The arguments, without the INOUT ones of a procedure.
    pub arguments: &'static [Parameter],
    /// The functions and procedures that call the symbol.
    pub signatures: &'static [Signature],
}

/// An argument.
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub kind: Type,
    /// The default as the macro was given it: a text between double quotes.
    pub default: Option<&'static str>,
}

/// A function or procedure.
pub struct Signature {
    /// The name.
    pub name: &'static str,
    /// A procedure, not a function.
    pub is_procedure: bool,
    /// STABLE, not VOLATILE.
    pub is_stable: bool,
    /// The result.
    pub result: Shape,
}

/// What a function or procedure gives.
pub enum Shape {
    /// One value.
    Value(Type),
    /// A set of rows of a type of ours.
    Rows(&'static str, &'static [Field]),
    /// The INOUT arguments of a procedure, each with NULL as its default.
    Row(&'static [Field]),
}

/// A column of rows, or an INOUT argument.
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub kind: Type,
}

impl Declaration {
    /// Compares the catalog's declaration of the function that was called with this one, by
    /// types. Errors: it differs (42P13), as when SQL other than the extension's declares a
    /// function with the C symbol.
    pub(super) fn check(&self, call: &Call) -> Result<()> {
        let types = call.types();
        let matches = |signature: &Signature| {
            let fields = match &signature.result {
                Shape::Row(fields) => *fields,
                Shape::Value(_) | Shape::Rows(..) => &[],
            };
            let arguments = self.arguments.iter().map(|argument| argument.kind);
            let expected = arguments.chain(fields.iter().map(|field| field.kind));
            let result_matches = match &signature.result {
                Shape::Value(kind) => !types.is_set && types.result == kind.oid(),
                Shape::Rows(..) => types.is_set,
                Shape::Row(_) => !types.is_set && types.result == pg_sys::RECORDOID,
            };
            result_matches && expected.map(Type::oid).eq(types.arguments.iter().copied())
        };
        match self.signatures.iter().any(matches) {
            true => Ok(()),
            false => Err(self.mismatch(call)),
        }
    }

    /// Compares the columns that the catalog declares for a row with declared fields. Errors:
    /// they differ (42P13).
    pub(super) fn check_columns(
        &self,
        call: &Call,
        fields: &[Field],
        columns: impl Iterator<Item = Oid>,
    ) -> Result<()> {
        match fields.iter().map(|field| field.kind.oid()).eq(columns) {
            true => Ok(()),
            false => Err(self.mismatch(call)),
        }
    }

    /// The error of a function that is declared in another way.
    pub(super) fn mismatch(&self, call: &Call) -> Error {
        let lines: Vec<String> =
            self.signatures.iter().map(|signature| self.line(signature)).collect();
        Error::new(
            pgrx::PgSqlErrorCode::ERRCODE_INVALID_FUNCTION_DEFINITION,
            format!("the declaration of {} is not that of pg_migrations", call.name()),
        )
        .detail(format!("The library declares:\n{}", lines.join("\n")))
        .hint("Call the functions that CREATE EXTENSION pg_migrations makes.")
    }

    /// A signature as one line of SQL. `tests/drivers/declarations.test.sh` makes the same of
    /// the catalog.
    fn line(&self, signature: &Signature) -> String {
        let mut arguments: Vec<String> = self.arguments.iter().map(Parameter::to_string).collect();
        if let Shape::Row(fields) = &signature.result {
            arguments.extend(fields.iter().map(|field| format!("INOUT {field} DEFAULT NULL")));
        }
        let result = match &signature.result {
            Shape::Value(kind) => format!(" RETURNS {}", kind.name()),
            Shape::Rows(name, fields) => {
                let fields: Vec<String> = fields.iter().map(Field::to_string).collect();
                format!(" RETURNS SETOF migrations.{name}({})", fields.join(", "))
            }
            Shape::Row(_) => String::new(),
        };
        let kind = if signature.is_procedure { "PROCEDURE" } else { "FUNCTION" };
        let volatility = if signature.is_stable { " STABLE" } else { "" };
        let (name, arguments) = (signature.name, arguments.join(", "));
        format!("{kind} migrations.{name}({arguments}){result}{volatility}")
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.kind.name())?;
        match self.default {
            Some(default) => write!(f, " DEFAULT {}", default.replace('"', "'")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.kind.name())
    }
}

//! A statement, the types of its parameters, and which data it sees.

pub use crate::pg::value::Type;

use crate::error::{Error, Result};
use crate::pg::defect;
use crate::pg::value::Value;

/// A statement with the types of its parameters.
pub struct Statement {
    /// The SQL, with `$1` and so on.
    pub sql: &'static str,
    /// The types of the parameters, in their order.
    pub types: &'static [Type],
}

impl Statement {
    /// Checks values against the parameters. Errors: there are more or fewer values, or one is
    /// of another type (42804).
    pub(super) fn check(&self, values: &[Value]) -> Result<()> {
        let (expected, given) = (self.types.len(), values.len());
        if expected != given {
            return Err(self.defect(&format!("has {expected} parameters, but {given} values")));
        }
        for (n, (expected, value)) in self.types.iter().zip(values).enumerate() {
            match value.kind() {
                Some(kind) if kind != *expected => {
                    let (n, expected, kind) = (n + 1, expected.name(), kind.name());
                    let what = format!("has a parameter ${n} of type {expected}, not {kind}");
                    return Err(self.defect(&what));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn defect(&self, what: &str) -> Error {
        defect::wrong_type(format!("a statement on {} {what}", tables(self.sql)))
    }
}

/// Which data a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What the calling query sees. The statement writes nothing; it also works on a standby.
    Caller,
    /// What the transaction sees; the statement may write.
    Transaction,
    /// All that is committed at this moment, whatever the isolation level, and the
    /// transaction's own changes. The statement writes nothing.
    Newest,
}

impl View {
    pub(super) fn is_newest(self) -> bool {
        self == View::Newest
    }

    pub(super) fn may_write(self) -> bool {
        self == View::Transaction
    }
}

/// The tables of ours that a statement names, for messages: users do not know our SQL.
pub(super) fn tables(sql: &str) -> String {
    let mut tables: Vec<&str> = Vec::new();
    for (at, _) in sql.match_indices("migrations.") {
        let rest = &sql[at..];
        let is_name = |c: char| c == '.' || c == '_' || c.is_ascii_alphanumeric();
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        if !tables.contains(&name) {
            tables.push(name);
        }
    }
    if tables.is_empty() { "the catalog".to_owned() } else { tables.join(", ") }
}

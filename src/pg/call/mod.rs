//! The boundary between SQL and Rust: a call of a SQL function, with typed arguments and results.
//!
//! | file | what it holds |
//! |---|---|
//! | `declare` | the macros that declare a function, and the rows that it gives |
//! | `declaration` | a declaration as data: compared with `pg_proc` in each call |
//! | `argument` | the Rust types that arguments are decoded into |
//! | `answer` | the Rust types that results are made of |
//! | `trigger` | a call as a trigger |
//! | `invocation` | the call itself |
//!
//! A new SQL function is one [`declare!`] and one Rust function of the same name, in
//! `src/api`, and its SQL in `sql/functions.sql`; `tests/drivers/declarations.test.sh`
//! compares the two.
//!
//! The C symbol that [`declare!`] defines runs [`super::entry::enter`], which catches errors;
//! inside, the arguments are decoded, the Rust function is called, and its result is encoded.
//! No value is read or made as another type than the catalog declares, whatever SQL calls the
//! C symbol.

mod answer;
mod argument;
mod declaration;
mod declare;
mod invocation;
mod trigger;

pub use super::value::Value;
pub use answer::{Answer, Interval, JsonText, Record, Rows, Timestamp, Uuid, row, value};
pub use argument::{AnyAsText, Argument, Arguments, FromSql, Given, Json, Relation, decode};
pub use declaration::{Declaration, Field, Parameter, Shape, Signature};
pub(crate) use declare::{declare, record};
pub use invocation::Call;
pub use trigger::{Change, Trigger};

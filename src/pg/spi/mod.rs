//! SQL against our own tables and the catalog.
//!
//! | file | what it holds |
//! |---|---|
//! | `statement` | a statement, the types of its parameters, and which data it sees |
//! | `plan` | the plans of statements, kept for the session |
//! | `connection` | a connection to SPI, which runs statements |
//! | `rows` | the rows that a statement gave |
//! | `column` | the Rust types that a column's value can be read as |
//!
//! Types are checked: a statement's values against its declared parameters, and each column
//! that is read against the type that the server gave it. A mismatch is an error, never an
//! invalid read.

mod column;
mod connection;
mod plan;
mod rows;
mod statement;

pub use connection::Spi;
pub use rows::{Row, Table};
pub use statement::{Statement, Type, View};

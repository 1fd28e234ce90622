//! Rows of tables that belong to others, read and copied without a query.
//!
//! To plan a query is to run code of the table's owner: constant parts of index expressions,
//! of CHECK constraints and of statistics are evaluated as the user who plans. So rows are
//! read as COPY TO reads them, by a scan of the table, and written as they were stored.
//!
//! | file | what it holds |
//! |---|---|
//! | `access` | locks, and the right to read |
//! | `transfer` | rows read as values, or copied into another table |
//! | `scan` | the scan of a table |
//! | `target` | the table that rows are copied into |
//! | `computed` | columns that are computed when they are read |
//! | `column` | columns to be read, compared with those of the table |

mod access;
mod column;
mod computed;
mod scan;
mod target;
mod transfer;

pub use access::{Lock, check_readable, has_children, lock};
pub use column::Column;
pub use transfer::{copy, read};

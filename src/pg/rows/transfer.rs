//! Rows of a table, read as values or copied into another table.

use super::column::Column;
use super::computed::Computed;
use super::scan::Scan;
use super::target::Target;
use crate::error::{Error, Result};
use crate::pg::value::Value;
use crate::pg::{catch::catch, memory, raw};
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum};

/// Copies all rows of a relation, those that are committed by now, into a table that has just
/// these columns and neither indexes nor triggers. Both are locked. Gives how many.
///
/// Errors: the relation has no rows of its own that can be read (55000, 42809), it is
/// another session's (0A000), a column is not in the relation or the table, or has another type
/// there (42804), the disk is full, and the like.
pub fn copy(from: u32, columns: &[Column], to: u32) -> Result<u64> {
    let memory = memory::Context::new()?;
    let row_memory = memory::Context::new()?;
    let rows = row_memory.raw();
    // SAFETY: pointers outlive the call; nothing with a destructor is alive in the closure.
    // What it makes goes with the memory, or is given back by the abort that an error brings.
    let copied = memory.enter(|| unsafe {
        catch(|| {
            raw::CommandCounterIncrement();
            let mut scan = Scan::begin(from, columns);
            let mut target = Target::open(to, columns);
            let computed = Computed::new(scan.relation(), columns);
            let mut copied = 0_u64;
            while scan.next() {
                raw::MemoryContextReset(rows);
                let former = pg_sys::MemoryContextSwitchTo(rows);
                target.begin_row();
                for (n, column) in columns.iter().enumerate() {
                    target.set(
                        n,
                        match column.is_virtual {
                            true => computed.value(n, scan.slot()),
                            false => scan.value(column.number),
                        },
                    );
                }
                target.insert_row();
                pg_sys::MemoryContextSwitchTo(former);
                copied += 1;
            }
            computed.end();
            target.close();
            scan.end();
            raw::CommandCounterIncrement();
            copied
        })
    })?;
    Ok(copied)
}

/// Reads columns of a table's rows, those that are committed by now; at most `limit` rows.
/// The table is locked. Virtual columns are NULL.
///
/// Errors: a column has a type that [`Value`] does not have (0A000), and those of [`copy`].
pub fn read(relation: u32, columns: &[Column], limit: usize) -> Result<Vec<Vec<Value>>> {
    let memory = memory::Context::new()?;
    memory.enter(|| {
        let mut all = Vec::new();
        // SAFETY: as for `copy`; values are read while the scan is at their row.
        unsafe {
            let mut scan = catch(|| Scan::begin(relation, columns))?;
            let at = &raw mut scan;
            while all.len() < limit && catch(|| (*at).next())? {
                let row = columns.iter().map(|column| value(column, scan.value(column.number)));
                all.push(row.collect::<Result<_>>()?);
            }
            catch(|| (*at).end())?;
        }
        Ok(all)
    })
}

/// # Safety
/// The value is of the column's type.
unsafe fn value(column: &Column, (value, null): (Datum, bool)) -> Result<Value> {
    // SAFETY: the caller's promise; the type is looked at before the value is.
    unsafe {
        Ok(match column.kind.into() {
            _ if null => Value::Null,
            pg_sys::BOOLOID => bool::from_datum(value, false).map_or(Value::Null, Value::Bool),
            pg_sys::INT4OID => i32::from_datum(value, false).map_or(Value::Null, Value::Int),
            pg_sys::INT8OID => i64::from_datum(value, false).map_or(Value::Null, Value::BigInt),
            pg_sys::TEXTOID | pg_sys::VARCHAROID => {
                String::from_datum(value, false).map_or(Value::Null, Value::Text)
            }
            _ => {
                return Err(Error::new(
                    pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    format!("column {} is of a type that is not read", column.number),
                ));
            }
        })
    }
}

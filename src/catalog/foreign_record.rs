//! The table in which another tool records its migrations, read as the caller.
//!
//! The table may belong to anybody. It must be an ordinary table, since a view would run its
//! owner's functions with the caller's rights. It is locked by its OID and read without a query.

use super::errors;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::name::Name;
use crate::pg::rows::{self, Column, Lock};
use crate::pg::spi::{Statement, Type};

/// The table of another tool, locked until the transaction ends.
pub struct Record(u32);

impl Record {
    /// Finds a table by a name, under the caller's search_path, and locks it. None: there is no
    /// such table. Errors: the caller may not read it, or row security hides rows (42501); it is
    /// not an ordinary table, or it has inheritance (55000); it was renamed meanwhile (40001).
    pub fn open(name: &Name) -> Result<Option<Record>> {
        const LOOK: Statement = Statement {
            sql: "SELECT c.relkind = 'r' AND NOT c.relispartition,
                         has_table_privilege(c.oid, 'SELECT'),
                         EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid))
                  FROM pg_class c WHERE c.oid = $1::oid",
            types: &[Type::BigInt],
        };
        let Some(oid) = name.find() else { return Ok(None) };
        let caller = AsCaller::open()?;
        let mut is_locked = false;
        loop {
            let found = caller.look(&LOOK, [Value::BigInt(oid.into())])?;
            let row = found.first().map(|row| (row.bool(0), row.bool(1), row.bool(2)));
            drop(found);
            let Some((is_table, may_read, inherits)) = row.filter(|_| name.find() == Some(oid))
            else {
                return Err(errors::renamed(&name.sql()));
            };
            if !is_table || inherits {
                return Err(errors::not_ordinary(&name.relation));
            }
            // A caller without the right to read the table must not lock it.
            rows::check_readable(oid, &name.relation, may_read)?;
            // What was found before the lock may have changed.
            if is_locked {
                break;
            }
            rows::lock(oid, Lock::Definition)?;
            is_locked = true;
        }
        caller.close()?;
        Ok(Some(Record(oid)))
    }

    /// The columns with these names and types (as format_type() names them), in this order. None:
    /// the table does not have all of them. Errors: the server's.
    pub fn columns(&self, wanted: &[(&str, &str)]) -> Result<Option<Vec<Column>>> {
        const COLUMN: Statement = Statement {
            sql: "SELECT attnum, atttypid::bigint FROM pg_attribute
                  WHERE attrelid = $1::oid AND attname = $2 AND format_type(atttypid, NULL) = $3
                    AND attnum > 0 AND NOT attisdropped AND attgenerated <> 'v'",
            types: &[Type::BigInt, Type::Text, Type::Text],
        };
        let caller = AsCaller::open()?;
        let mut columns = Vec::with_capacity(wanted.len());
        for (name, kind) in wanted {
            let values = [Value::BigInt(self.0.into()), (*name).into(), (*kind).into()];
            let found = caller.look(&COLUMN, values)?;
            columns.extend(found.first().map(|row| Column {
                number: row.get(0).unwrap_or_default(),
                kind: row.bigint(1) as u32,
                is_virtual: false,
            }));
        }
        caller.close()?;
        Ok((columns.len() == wanted.len()).then_some(columns))
    }

    /// The values of columns in the rows of the table, of at most `limit` rows. Errors: the
    /// server's.
    pub fn rows(&self, columns: &[Column], limit: usize) -> Result<Vec<Vec<Value>>> {
        rows::read(self.0, columns, limit)
    }
}

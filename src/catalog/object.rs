//! Objects that are found by their name alone.

use crate::error::Result;
use crate::pg::caller::AsCaller;
use crate::pg::parse::GlobalObject;
use crate::pg::spi::{Statement, Type};

/// Whether an object of this kind and name exists. Errors: the server's.
pub fn exists(kind: GlobalObject, name: &str) -> Result<bool> {
    const DATABASE: Statement =
        Statement { sql: "SELECT FROM pg_database WHERE datname = $1", types: &[Type::Text] };
    const TABLESPACE: Statement =
        Statement { sql: "SELECT FROM pg_tablespace WHERE spcname = $1", types: &[Type::Text] };
    const SUBSCRIPTION: Statement = Statement {
        sql: "SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
              WHERE subname = $1 AND d.datname = current_database()",
        types: &[Type::Text],
    };
    let statement = match kind {
        GlobalObject::Database => &DATABASE,
        GlobalObject::Tablespace => &TABLESPACE,
        GlobalObject::Subscription => &SUBSCRIPTION,
    };
    let caller = AsCaller::open()?;
    let exists = caller.look(statement, [name.into()])?.count() > 0;
    caller.close()?;
    Ok(exists)
}

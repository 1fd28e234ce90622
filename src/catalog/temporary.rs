//! Temporary tables that hide others.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::name::{self, Name};
use crate::pg::spi::{Statement, Type};
use crate::pg::temporary;
use std::cell::RefCell;
use std::collections::HashSet;

thread_local! {
    // Pairs of tables that were reported in this session.
    static REPORTED: RefCell<HashSet<(i64, i64)>> = RefCell::default();
}

/// Tables and views that a temporary one of the session hides from the next statements: pairs of
/// the temporary one and the hidden one. Each pair is returned once in a session. Call it as the
/// caller, with the search_path of those statements. Errors: the server's.
pub fn hiding() -> Result<Vec<(String, String)>> {
    const SHARED: Statement = Statement {
        sql: r#"SELECT t.oid::bigint, p.oid::bigint, t.relname::text, format('%I.%I', n.nspname, p.relname)
                FROM pg_class t
                JOIN pg_class p ON p.relname = t.relname
                JOIN pg_namespace n ON n.oid = p.relnamespace
                WHERE t.relnamespace = pg_my_temp_schema()
                  AND t.relkind = ANY ('{r,p,v,f}'::"char"[])
                  AND p.relkind = ANY ('{r,p,v,m,f}'::"char"[])
                  AND p.relnamespace <> t.relnamespace AND p.relnamespace = ANY ($1::oid[])
                ORDER BY 1, 2"#,
        types: &[Type::TextArray],
    };
    // Most sessions have none at all.
    if !temporary::any() {
        return Ok(Vec::new());
    }
    let path = name::search_path().iter().map(u32::to_string).collect();
    let caller = AsCaller::open()?;
    let found = caller.look(&SHARED, [Value::TextArray(path)])?;
    let new = found
        .rows()
        .filter(|row| {
            let name = Name { schema: None, relation: row.text(2) };
            name.find().is_some_and(|visible| i64::from(visible) == row.bigint(0))
        })
        .filter(|row| {
            REPORTED.with_borrow_mut(|pairs| pairs.insert((row.bigint(0), row.bigint(1))))
        });
    let pairs = new.map(|row| (row.text(2), row.text(3))).collect();
    drop(found);
    caller.close()?;
    Ok(pairs)
}

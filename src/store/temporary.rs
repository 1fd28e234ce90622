//! Temporary tables that hide others.

use crate::error::Result;
use crate::pg::spi::{Spi, Statement, View};
use crate::pg::temporary;
use std::cell::RefCell;
use std::collections::HashSet;

thread_local! {
    // Pairs of tables that this session was told of.
    static TOLD: RefCell<HashSet<(i64, i64)>> = RefCell::default();
}

/// Tables and views that a temporary one of the session hides, by its name, from what runs
/// next: pairs of the temporary one and the hidden one, each told once in a session. To be
/// called as the caller, and with the search path by which later statements will be read.
pub fn hiding() -> Result<Vec<(String, String)>> {
    const HIDING: Statement = Statement {
        sql: "SELECT t.oid::pg_catalog.int8, p.oid::pg_catalog.int8,
                     t.relname::pg_catalog.text, pg_catalog.format('%I.%I', n.nspname, p.relname)
              FROM pg_catalog.pg_class t
              JOIN pg_catalog.pg_class p ON p.relname OPERATOR(pg_catalog.=) t.relname
              JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.relnamespace
              WHERE t.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
                AND t.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,f}'::\"char\"[])
                AND p.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::\"char\"[])
                AND n.nspname OPERATOR(pg_catalog.=) ANY (pg_catalog.current_schemas(false))
                AND pg_catalog.pg_table_is_visible(t.oid) AND NOT pg_catalog.pg_table_is_visible(p.oid)
              ORDER BY 1, 2",
        types: &[],
    };
    // Most sessions have none at all.
    if !temporary::any() {
        return Ok(Vec::new());
    }
    let spi = Spi::connect()?;
    let found = spi.run(&HIDING, [], View::Newest)?;
    let new = found
        .rows()
        .filter(|row| TOLD.with_borrow_mut(|told| told.insert((row.bigint(0), row.bigint(1)))));
    let pairs = new.map(|row| (row.text(2), row.text(3))).collect();
    drop(found);
    spi.finish()?;
    Ok(pairs)
}

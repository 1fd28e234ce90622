//! Who holds locks that a migration has waited for in vain.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Spi, Statement, Type, View};

/// The sessions that hold locks on relations of these names, as sentences: process, user,
/// since when, and the statement, as far as the current user may see them. To be called as
/// the caller, and with the search_path by which the names are meant.
///
/// When a lock has been waited for in vain the server doesn't tell any more whose it was,
/// so it is looked up who has locks on what the statement names.
pub fn of_relations(names: Vec<String>) -> Result<Option<String>> {
    const BLOCKERS: Statement = Statement {
        sql: "SELECT pg_catalog.string_agg(b.sentence, E'\\n' ORDER BY b.xact_start) FROM (
                  SELECT a.xact_start, pg_catalog.format('Process %s of user %s holds a lock on %s, in a transaction since %s: %s',
                             a.pid, a.usename, pg_catalog.string_agg(DISTINCT l.relation::pg_catalog.regclass::pg_catalog.text, ', '),
                             coalesce(pg_catalog.to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS TZ'), 'a time that is hidden'),
                             pg_catalog.left(pg_catalog.regexp_replace(a.query, '\\s+', ' ', 'g'), 200)) AS sentence
                  FROM pg_catalog.pg_locks l
                  JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) l.pid
                  WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
                    AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
                    AND l.database OPERATOR(pg_catalog.=) (
                        SELECT d.oid FROM pg_catalog.pg_database d
                        WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
                    AND l.relation OPERATOR(pg_catalog.=) ANY (ARRAY(
                        SELECT pg_catalog.to_regclass(n)::pg_catalog.oid FROM pg_catalog.unnest($1) n))
                  GROUP BY a.pid, a.usename, a.xact_start, a.query
                  ORDER BY a.xact_start LIMIT 5) b",
        types: &[Type::TextArray],
    };
    // What to_regclass() takes for bad syntax is no relation's name.
    let is_name = |name: &String| {
        name.matches('.').count() < 2
            && !name.ends_with('.')
            && name.matches('"').count().is_multiple_of(2)
    };
    let names: Vec<String> = names.into_iter().filter(is_name).collect();
    let spi = Spi::connect()?;
    let found = spi.run(&BLOCKERS, [Value::TextArray(names)], View::Newest)?;
    let sentences = found.first().and_then(|row| row.get(0));
    drop(found);
    spi.finish()?;
    Ok(sentences)
}

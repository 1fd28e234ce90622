//! Sessions that hold locks for which a migration has waited in vain.

use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::name::{self, Name};
use crate::pg::spi::{Statement, Type};

/// Describes the sessions that hold locks on relations with these names: process, user, start of
/// the transaction and statement, as far as the caller may see them. Call it with the search_path
/// of the statement that names them. None: no session holds a lock. Errors: the server's.
///
/// After a wait has failed, the server does not report who held the lock. So the locks on the
/// relations of the statement are looked up.
pub fn of_relations(names: Vec<String>) -> Result<Option<String>> {
    const BLOCKERS: Statement = Statement {
        sql: r"SELECT a.pid::bigint, a.usename::text, array_agg(DISTINCT l.relation::bigint),
                      coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS TZ'), 'a time that is hidden'),
                      left(regexp_replace(a.query, '\s+', ' ', 'g'), 200)
               FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
               WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
                 AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                 AND l.relation = ANY ($1::oid[])
               GROUP BY a.pid, a.usename, a.xact_start, a.query
               ORDER BY a.xact_start LIMIT 5",
        types: &[Type::TextArray],
    };
    let relations = names.iter().filter_map(|name| Name::parse(name)?.find());
    let relations = relations.map(|relation| relation.to_string()).collect();
    let caller = AsCaller::open()?;
    let found = caller.look(&BLOCKERS, [Value::TextArray(relations)])?;
    let sentences: Vec<String> = found
        .rows()
        .map(|row| {
            let relations: Vec<String> =
                row.oids(2).into_iter().filter_map(name::of).map(|name| name.sql()).collect();
            format!(
                "Process {} of user {} holds a lock on {}, in a transaction since {}: {}",
                row.bigint(0),
                row.text(1),
                relations.join(", "),
                row.text(3),
                row.text(4)
            )
        })
        .collect();
    drop(found);
    caller.close()?;
    Ok((!sentences.is_empty()).then(|| sentences.join("\n")))
}

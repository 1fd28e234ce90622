//! Which sessions hold a project's lock or run one of its migrations.

use super::Batch;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::spi::{Statement, Type, View};
use crate::store::lock;

/// A migration that a session is running now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningMigration {
    /// The migration's `version_key`.
    pub key: Vec<u8>,
    /// Whether the migration is being rolled back.
    pub is_down: bool,
    /// The process that runs it, and since when.
    pub by: String,
}

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The migration of a project that a session is running, which may be this session.
    pub fn running_migration(&self, project: i64) -> Result<Option<RunningMigration>> {
        const RUNNING: Statement = Statement {
            sql: "SELECT l.pid::bigint, l.objsubid = $2, l.classid::bigint,
                         to_char(to_timestamp(l.objid::bigint), 'YYYY-MM-DD HH24:MI:SS TZ')
                  FROM pg_locks l
                  WHERE l.locktype = 'userlock' AND l.objsubid IN ($1, $2) AND l.pid IS NOT NULL
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            types: &[Type::SmallInt, Type::SmallInt],
        };
        // The lock tag holds the lower half of the row's id.
        const UP: Statement = Statement {
            sql: "SELECT version_key FROM migrations.migration
                  WHERE project_id = $1 AND id & 4294967295 = $2",
            types: &[Type::BigInt, Type::BigInt],
        };
        const DOWN: Statement = Statement {
            sql: "SELECT version_key FROM migrations.applied
                  WHERE project_id = $1 AND id & 4294967295 = $2",
            types: &[Type::BigInt, Type::BigInt],
        };
        let classes = lock::RUNNING.map(|class| Value::SmallInt(class as i16));
        let found = self.spi.run(&RUNNING, classes, View::Caller)?;
        for row in found.rows() {
            let is_down = row.bool(1);
            let values = [Value::BigInt(project), Value::BigInt(row.bigint(2))];
            let of = if is_down { &DOWN } else { &UP };
            if let Some(migration) = self.spi.run(of, values, View::Caller)?.first() {
                return Ok(Some(RunningMigration {
                    key: migration.bytes(0),
                    is_down,
                    by: format!("process {} since {}", row.bigint(0), row.text(3)),
                }));
            }
        }
        Ok(None)
    }

    /// Describes who holds the lock of a project: process, user, since when, and which
    /// migration runs. The earlier start of statement and transaction counts, since a stepwise
    /// run is one statement with many transactions.
    pub fn lock_holder(&self, project: i64) -> Result<String> {
        const HOLDER: Statement = Statement {
            sql: "SELECT format('Process %s of user %s has held their lock since %s%s.', l.pid, a.usename,
                      to_char(least(a.xact_start, CASE a.state WHEN 'active' THEN a.query_start END), 'YYYY-MM-DD HH24:MI:SS TZ'),
                      CASE WHEN starts_with(a.query, 'migrations: ')
                           THEN ' and is at ' || quote_literal(substr(a.query, 13)) ELSE '' END)
                  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                  WHERE l.locktype = 'advisory' AND l.objsubid = $2 AND l.granted
                    AND l.pid <> pg_backend_pid()
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND l.classid::bigint = $1 >> 32 AND l.objid::bigint = $1 & 4294967295
                  UNION ALL
                  SELECT format('The prepared transaction %L of user %s has held their lock since %s: end it with COMMIT PREPARED or ROLLBACK PREPARED.',
                      p.gid, p.owner, to_char(p.prepared, 'YYYY-MM-DD HH24:MI:SS TZ'))
                  FROM pg_locks l
                  JOIN pg_locks t ON t.virtualtransaction = l.virtualtransaction
                    AND t.locktype = 'transactionid' AND t.pid IS NULL
                  JOIN pg_prepared_xacts p ON p.transaction = t.transactionid
                  WHERE l.pid IS NULL AND l.locktype = 'advisory' AND l.objsubid = $2
                    AND p.database = current_database()
                    AND l.classid::bigint = $1 >> 32 AND l.objid::bigint = $1 & 4294967295",
            types: &[Type::BigInt, Type::SmallInt],
        };
        let values = [Value::BigInt(project), Value::SmallInt(lock::CLASS as i16)];
        let found = self.spi.run(&HOLDER, values, View::Newest)?;
        Ok(found.first().map_or_else(|| "It has just ended.".to_owned(), |row| row.text(0)))
    }
}

//! Jobs of pg_cron, which keeps them in tables of its own. All of this is done as the
//! caller, with the caller's rights.

use crate::error::{Error, Result};
use crate::pg::caller::AsCaller;
use crate::pg::spi::{Statement, Type};
use pgrx::PgSqlErrorCode as Code;

/// The caller's jobs.
pub struct Jobs(AsCaller);

/// What a job would meet.
#[derive(Debug, Default)]
pub struct Circumstances {
    /// The name of this database.
    pub database: String,
    /// Whether pg_cron is installed in it.
    pub is_installed: bool,
    /// The caller's role, as whom the job would run.
    pub role: String,
    /// Whether that role may log in, which in either of its modes pg_cron needs.
    pub may_log_in: bool,
    /// Whether it may call what the job calls.
    pub may_apply: bool,
}

impl Jobs {
    /// Begins.
    pub fn open() -> Result<Jobs> {
        Ok(Jobs(AsCaller::open()?))
    }

    /// Ends.
    pub fn close(self) -> Result<()> {
        self.0.close()
    }

    /// What a job of the caller's would meet.
    pub fn look(&self) -> Result<Circumstances> {
        const LOOK: Statement = Statement {
            sql: "SELECT current_database()::text,
                         EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron'),
                         rolname::text, rolcanlogin,
                         (SELECT bool_and(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc
                          WHERE pronamespace = 'migrations'::regnamespace AND proname = 'apply_each')
                  FROM pg_roles WHERE rolname = current_user",
            types: &[],
        };
        let found = self.0.look(&LOOK, [])?;
        Ok(found
            .first()
            .map(|row| Circumstances {
                database: row.text(0),
                is_installed: row.bool(1),
                role: row.text(2),
                may_log_in: row.bool(3),
                may_apply: row.bool(4),
            })
            .unwrap_or_default())
    }

    /// Makes a job, or gives it another schedule. Gives its number. Errors: pg_cron's.
    pub fn schedule(&self, name: &str, cron: &str, command: &str) -> Result<i64> {
        const SCHEDULE: Statement = Statement {
            sql: "SELECT cron.schedule($1, $2, $3)",
            types: &[Type::Text, Type::Text, Type::Text],
        };
        let values = [name.into(), cron.into(), command.into()];
        let made = self.0.call(&SCHEDULE, values).map_err(with_hint)?;
        Ok(made.first().map(|row| row.bigint(0)).unwrap_or_default())
    }

    /// Takes a job of the caller's in this database away. False: there is none.
    pub fn unschedule(&self, name: &str) -> Result<bool> {
        // A superuser sees those of others, too.
        const UNSCHEDULE: Statement = Statement {
            sql: "SELECT cron.unschedule(jobid) FROM cron.job
                  WHERE jobname = $1 AND username = current_user AND database = current_database()",
            types: &[Type::Text],
        };
        let gone = self.0.call(&UNSCHEDULE, [name.into()]).map_err(with_hint)?;
        Ok(gone.count() > 0)
    }
}

fn with_hint(mut error: Error) -> Error {
    if let Some(server) = error.server_mut()
        && server.code() == Code::ERRCODE_INSUFFICIENT_PRIVILEGE as i32
    {
        server.add_hint("GRANT USAGE ON SCHEMA cron TO ...;");
    }
    error
}

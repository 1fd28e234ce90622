//! Jobs of pg_cron, which has tables of its own. Everything here is done as the caller, with
//! the caller's rights.

use crate::error::{Error, Result};
use crate::pg::caller::AsCaller;
use crate::pg::spi::{Statement, Type};
use pgrx::PgSqlErrorCode as Code;

/// The caller's jobs.
pub struct Jobs(AsCaller);

/// The circumstances in which a job of the caller would run.
#[derive(Debug, Default)]
pub struct Circumstances {
    /// The name of the current database.
    pub database: String,
    /// Whether pg_cron is installed in this database.
    pub is_installed: bool,
    /// The caller's role, as which the job would run.
    pub role: String,
    /// Whether that role may log in, which both modes of pg_cron need.
    pub may_log_in: bool,
    /// Whether that role may call the procedure of the job.
    pub may_apply: bool,
}

impl Jobs {
    /// Begins the work. Errors: those of SPI.
    pub fn open() -> Result<Jobs> {
        Ok(Jobs(AsCaller::open()?))
    }

    /// Ends the work.
    pub fn close(self) -> Result<()> {
        self.0.close()
    }

    /// Looks up the circumstances of a job. Errors: the server's.
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

    /// Creates a job, or changes its schedule. Returns its id. Errors: pg_cron's.
    pub fn schedule(&self, name: &str, cron: &str, command: &str) -> Result<i64> {
        const SCHEDULE: Statement = Statement {
            sql: "SELECT cron.schedule($1, $2, $3)",
            types: &[Type::Text, Type::Text, Type::Text],
        };
        let values = [name.into(), cron.into(), command.into()];
        let made = self.0.call(&SCHEDULE, values).map_err(with_hint)?;
        Ok(made.first().map(|row| row.bigint(0)).unwrap_or_default())
    }

    /// Deletes a job of the caller in this database. False: there is none. Errors: pg_cron's.
    pub fn unschedule(&self, name: &str) -> Result<bool> {
        // A superuser also sees the jobs of others.
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

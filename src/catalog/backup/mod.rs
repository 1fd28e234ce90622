//! Backups of tables, in a schema that belongs to the users. Everything here is done as the
//! caller, with the caller's rights.
//!
//! The relation may belong to anybody. So it is locked by its OID before a command names it,
//! and its rows are copied without a query ([`crate::pg::rows`]). Then neither a view that has
//! taken the relation's name nor an expression of its owner can run as the caller.

mod copy;
mod schema;

use super::errors;
use crate::domain::backup::{MARK, SCHEMA};
use crate::domain::text::literal;
use crate::error::{Error, Result};
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::quote_identifier;
use crate::pg::rows::{self, Lock};
use crate::pg::spi::{Row, Statement, Type};
use pgrx::PgSqlErrorCode as Code;

/// A relation, as the catalog describes it.
pub struct RelationInfo {
    /// The schema. `pg_temp` is that of the session's temporary tables.
    pub schema: String,
    /// The name.
    pub name: String,
    /// The name as SQL, with the schema.
    pub sql: String,
    /// `relkind` of `pg_class`.
    pub kind: String,
    /// Whether the caller may take a lock that keeps others from changing rows.
    pub may_lock: bool,
    /// The comment.
    pub comment: String,
    /// Whether the caller may read the relation.
    pub may_read: bool,
}

impl RelationInfo {
    fn of(row: Row) -> RelationInfo {
        RelationInfo {
            schema: row.text(0),
            name: row.text(1),
            sql: row.text(2),
            kind: row.text(3),
            may_lock: row.bool(4),
            comment: row.text(5),
            may_read: row.bool(6),
        }
    }

    /// Errors: the caller may not read all rows (42501).
    fn check_readable(&self, oid: u32) -> Result<()> {
        rows::check_readable(oid, &self.name, self.may_read).map_err(|error| match self.may_read {
            false => error,
            true => hint_on_rights(
                error,
                "Apply the migration as a role that row security does not restrict: a backup holds all rows of its table.",
            ),
        })
    }

    /// Whether it is a backup.
    pub fn is_backup(&self) -> bool {
        self.schema == SCHEMA && self.comment.starts_with(&format!("{MARK}\n"))
    }
}

/// Access to the schema of backups, as the caller.
pub struct Backups(AsCaller);

impl Backups {
    /// Begins the work. Errors: those of SPI.
    pub fn open() -> Result<Backups> {
        Ok(Backups(AsCaller::open()?))
    }

    /// Ends the work.
    pub fn close(self) -> Result<()> {
        self.0.close()
    }

    /// The relation with this OID.
    pub fn find(&self, relation: u32) -> Result<Option<RelationInfo>> {
        const FIND: Statement = Statement {
            sql: "SELECT s.schema, c.relname::text, format('%I.%I', s.schema, c.relname),
                         c.relkind::text,
                         c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'),
                         coalesce(obj_description(c.oid, 'pg_class'), ''),
                         has_table_privilege(c.oid, 'SELECT')
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
                       LATERAL (SELECT CASE n.oid WHEN pg_my_temp_schema() THEN 'pg_temp'
                                       ELSE n.nspname::text END AS schema) s
                  WHERE c.oid = $1::oid",
            types: &[Type::BigInt],
        };
        let found = self.0.look(&FIND, [Value::BigInt(relation.into())])?;
        Ok(found.first().map(RelationInfo::of))
    }

    /// The relation with this name in the schema of backups.
    pub fn named(&self, name: &str) -> Result<Option<RelationInfo>> {
        const NAMED: Statement = Statement {
            sql: "SELECT n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
                         c.relkind::text, false, coalesce(obj_description(c.oid, 'pg_class'), ''), false
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND c.relname = $2",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.look(&NAMED, [SCHEMA.into(), name.into()])?;
        Ok(found.first().map(RelationInfo::of))
    }

    /// The names in the schema of backups that begin with `stem`.
    pub fn beginning_with(&self, stem: &str) -> Result<Vec<String>> {
        const BEGINNING: Statement = Statement {
            sql: "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND starts_with(c.relname::text, $2)",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.look(&BEGINNING, [SCHEMA.into(), stem.into()])?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }

    /// Locks a relation and those that inherit from it until the transaction ends, so that
    /// others cannot change their definition. If the caller has the rights for it, others
    /// cannot change their rows either. Returns the OIDs.
    ///
    /// Errors: the caller may not read the relation, or row security hides rows (42501), before
    /// it is locked; those of [`Backups::check`].
    pub fn lock(&self, source: &RelationInfo, oid: u32) -> Result<Vec<u32>> {
        source.check_readable(oid)?;
        // Until the migration ends, only the migration itself is to change the rows.
        let mode = if source.may_lock { Lock::Rows } else { Lock::Definition };
        let relations = rows::lock(oid, mode)?;
        self.check(source, oid)?.check_readable(oid)?;
        Ok(relations)
    }

    /// Checks that a relation still has its name and kind. Commands use the name, which may
    /// have changed before the relation was locked. Errors: it has changed (40001).
    fn check(&self, source: &RelationInfo, oid: u32) -> Result<RelationInfo> {
        match self.find(oid)? {
            Some(now) if now.sql == source.sql && now.kind == source.kind => Ok(now),
            _ => Err(errors::renamed(&source.sql)),
        }
    }

    /// The current time in UTC, and the caller's name.
    pub fn now_and_caller(&self) -> Result<(String, String)> {
        const NOW: Statement = Statement {
            sql: "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00',
                         current_user::text",
            types: &[],
        };
        let found = self.0.look(&NOW, [])?;
        Ok(found.first().map(|row| (row.text(0), row.text(1))).unwrap_or_default())
    }

    /// Sets the comment of a backup. Errors: the server's.
    pub fn describe(&self, name: &str, comment: &str) -> Result<()> {
        let name = quote_identifier(name);
        self.0.command(&format!("COMMENT ON TABLE {SCHEMA}.{name} IS {}", literal(comment)))?;
        Ok(())
    }

    /// Renames a backup. Errors: the server's.
    pub fn rename(&self, name: &str, new: &str) -> Result<()> {
        let (name, new) = (quote_identifier(name), quote_identifier(new));
        self.0.command(&format!("ALTER TABLE {SCHEMA}.{name} RENAME TO {new}"))?;
        Ok(())
    }

    /// Drops a backup. Errors: the server's; another relation has taken its name (40001).
    pub fn drop(&self, backup: &RelationInfo, oid: u32) -> Result<()> {
        self.0.command(&format!("DROP TABLE {}", backup.sql))?;
        match self.find(oid)? {
            None => Ok(()),
            Some(_) => Err(errors::renamed(&backup.sql)),
        }
    }
}

/// Adds a HINT to an error about missing rights.
fn hint_on_rights(mut error: Error, hint: &str) -> Error {
    if let Some(server) = error.server_mut()
        && server.code() == Code::ERRCODE_INSUFFICIENT_PRIVILEGE as i32
    {
        server.add_hint(hint);
    }
    error
}

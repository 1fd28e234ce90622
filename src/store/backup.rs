//! Backups of tables, in a schema that is the users' own. All of this is done as the
//! caller, with the caller's rights, and with a search path of nothing but the catalog.

use crate::domain::backup::{MARK, SCHEMA};
use crate::error::{Error, Result, literal};
use crate::pg::call::Value;
use crate::pg::quote_identifier;
use crate::pg::spi::{Row, Spi, Statement, Type, View};
use pgrx::PgSqlErrorCode as Code;

/// A relation of the catalog.
pub struct Relation {
    /// Its schema; `pg_temp` for that of the session's temporary tables.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// As SQL, with its schema.
    pub sql: String,
    /// The server's letter for what it is.
    pub kind: String,
    /// Whether the caller may keep others from changing its rows.
    pub may_lock: bool,
    /// Its comment.
    pub comment: String,
}

impl Relation {
    fn of(row: Row) -> Relation {
        Relation {
            schema: row.text(0),
            name: row.text(1),
            sql: row.text(2),
            kind: row.text(3),
            may_lock: row.bool(4),
            comment: row.text(5),
        }
    }

    /// Whether it is a backup.
    pub fn is_backup(&self) -> bool {
        self.schema == SCHEMA && self.comment.starts_with(&format!("{MARK}\n"))
    }
}

/// A role that has a right by default.
struct Grantee(String);

/// What keeps and drops backups.
pub struct Backups(Spi);

impl Backups {
    /// Begins.
    pub fn open() -> Result<Backups> {
        Ok(Backups(Spi::connect()?))
    }

    /// Ends.
    pub fn close(self) -> Result<()> {
        self.0.finish()
    }

    /// The relation with this number.
    pub fn find(&self, relation: u32) -> Result<Option<Relation>> {
        const FIND: Statement = Statement {
            sql: "SELECT s.schema, c.relname::text, format('%I.%I', s.schema, c.relname),
                         c.relkind::text,
                         c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'),
                         coalesce(obj_description(c.oid, 'pg_class'), '')
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
                       LATERAL (SELECT CASE n.oid WHEN pg_my_temp_schema() THEN 'pg_temp'
                                       ELSE n.nspname::text END AS schema) s
                  WHERE c.oid = $1::oid",
            types: &[Type::BigInt],
        };
        let found = self.0.run(&FIND, [Value::BigInt(relation.into())], View::Newest)?;
        Ok(found.first().map(Relation::of))
    }

    /// What of this name is in the schema of backups.
    pub fn named(&self, name: &str) -> Result<Option<Relation>> {
        const NAMED: Statement = Statement {
            sql: "SELECT n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
                         c.relkind::text, false, coalesce(obj_description(c.oid, 'pg_class'), '')
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND c.relname = $2",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.run(&NAMED, [SCHEMA.into(), name.into()], View::Newest)?;
        Ok(found.first().map(Relation::of))
    }

    /// Makes the schema of backups, if there is none. Errors: it belongs to somebody else
    /// (42501), or the caller may make none.
    pub fn schema(&self) -> Result<()> {
        // A superuser is a member of every role, but what it keeps would be at the mercy
        // of the schema's owner: so only real memberships count.
        const OWNER: Statement = Statement {
            sql: "WITH RECURSIVE self AS (
                      SELECT oid AS role FROM pg_roles WHERE rolname = current_user
                      UNION
                      SELECT m.roleid FROM pg_auth_members m JOIN self ON m.member = self.role)
                  SELECT pg_get_userbyid(nspowner)::text,
                         pg_has_role(nspowner, 'USAGE') AND nspowner IN (SELECT role FROM self),
                         current_user::text
                  FROM pg_namespace WHERE nspname = $1",
            types: &[Type::Text],
        };
        let found = self.0.run(&OWNER, [SCHEMA.into()], View::Newest)?;
        match found.first() {
            Some(row) if row.bool(1) => Ok(()),
            Some(row) => Err(Error::BackupsOfOthers { owner: row.text(0), caller: row.text(2) }),
            None => {
                self.0.command(&format!("CREATE SCHEMA {SCHEMA}")).map_err(|error| {
                    hint(
                        error,
                        &format!("GRANT CREATE ON DATABASE … TO …; or have the schema made: CREATE SCHEMA {SCHEMA} AUTHORIZATION …;"),
                    )
                })?;
                self.0.command(&format!(
                    "COMMENT ON SCHEMA {SCHEMA} IS 'backups that migrations.keep() has made; they are listed by migrations.backups and dropped by migrations.forget()'"
                ))?;
                const GRANTED: Statement = Statement {
                    sql: "SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
                          FROM pg_namespace n, aclexplode(n.nspacl) a
                          WHERE n.nspname = $1 AND $2 IS NULL AND a.grantee <> n.nspowner",
                    types: &[Type::Text, Type::Text],
                };
                self.revoke(&GRANTED, None, &format!("SCHEMA {SCHEMA}"))
            }
        }
    }

    /// Takes away what default privileges have given to others.
    fn revoke(&self, granted: &Statement, table: Option<&str>, of: &str) -> Result<()> {
        let found = self.0.run(granted, [SCHEMA.into(), table.into()], View::Newest)?;
        let grantees: Vec<Grantee> = found.rows().map(|row| Grantee(row.text(0))).collect();
        drop(found);
        for Grantee(grantee) in grantees {
            self.0.command(&format!("REVOKE ALL ON {of} FROM {grantee} CASCADE"))?;
        }
        Ok(())
    }

    /// Copies a relation into a new table of the schema. Gives how many rows it had.
    /// Errors: the server's; no rights on the table, or not on all of its rows (42501).
    pub fn copy(&self, source: &Relation, oid: u32, name: &str) -> Result<u64> {
        if source.may_lock {
            // What happens to its rows until the migration ends, the migration does.
            self.0.command(&format!("LOCK TABLE {} IN SHARE MODE", source.sql))?;
        }
        let backup = format!("{SCHEMA}.{}", quote_identifier(name));
        self.0.command(&format!(
            "CREATE TABLE {backup} (LIKE {} INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS)",
            source.sql
        ))?;
        for (column, default) in self.defaults(oid)? {
            self.0.command(&format!(
                "ALTER TABLE {backup} ALTER COLUMN {column} SET DEFAULT {default}"
            ))?;
        }
        let copied =
            self.0.command(&format!("INSERT INTO {backup} SELECT * FROM {}", source.sql)).map_err(
                |error| match &error {
                    Error::Server(e) if e.code() == Code::ERRCODE_INSUFFICIENT_PRIVILEGE as i32 => {
                        hint(
                            error,
                            "A backup holds all rows or isn't made: apply the migration as a role that row security doesn't restrict.",
                        )
                    }
                    _ => error,
                },
            )?;
        const GRANTED: Statement = Statement {
            sql: "SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
                  WHERE n.nspname = $1 AND c.relname = $2 AND a.grantee <> c.relowner",
            types: &[Type::Text, Type::Text],
        };
        self.revoke(&GRANTED, Some(name), &format!("TABLE {backup}"))?;
        Ok(copied)
    }

    /// The defaults that stand for themselves: one that calls a function or sequence of
    /// the users' would keep that from being dropped.
    fn defaults(&self, relation: u32) -> Result<Vec<(String, String)>> {
        const DEFAULTS: Statement = Statement {
            sql: "SELECT quote_ident(a.attname), pg_get_expr(d.adbin, d.adrelid)
                  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                  WHERE d.adrelid = $1::oid AND a.attgenerated = ''
                    AND NOT EXISTS (
                        SELECT FROM pg_depend x
                        WHERE x.classid = 'pg_attrdef'::regclass AND x.objid = d.oid
                          AND x.refclassid NOT IN ('pg_type'::regclass, 'pg_collation'::regclass)
                          AND (x.refclassid, x.refobjid) <> ('pg_class'::regclass, d.adrelid))
                  ORDER BY a.attnum",
            types: &[Type::BigInt],
        };
        let found = self.0.run(&DEFAULTS, [Value::BigInt(relation.into())], View::Newest)?;
        Ok(found.rows().map(|row| (row.text(0), row.text(1))).collect())
    }

    /// The time of the clock, and the caller's name.
    pub fn now_and_caller(&self) -> Result<(String, String)> {
        const NOW: Statement = Statement {
            sql: "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00',
                         current_user::text",
            types: &[],
        };
        let found = self.0.run(&NOW, [], View::Caller)?;
        Ok(found.first().map(|row| (row.text(0), row.text(1))).unwrap_or_default())
    }

    /// Gives a backup its comment.
    pub fn describe(&self, name: &str, comment: &str) -> Result<()> {
        let name = quote_identifier(name);
        self.0.command(&format!("COMMENT ON TABLE {SCHEMA}.{name} IS {}", literal(comment)))?;
        Ok(())
    }

    /// Gives a backup another name.
    pub fn rename(&self, name: &str, new: &str) -> Result<()> {
        let (name, new) = (quote_identifier(name), quote_identifier(new));
        self.0.command(&format!("ALTER TABLE {SCHEMA}.{name} RENAME TO {new}"))?;
        Ok(())
    }

    /// Drops a backup.
    pub fn drop(&self, backup: &Relation) -> Result<()> {
        self.0.command(&format!("DROP TABLE {}", backup.sql))?;
        Ok(())
    }
}

fn hint(mut error: Error, hint: &str) -> Error {
    if let Error::Server(server) = &mut error {
        server.add_hint(hint);
    }
    error
}

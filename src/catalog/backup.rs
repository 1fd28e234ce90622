//! Backups of tables, in a schema that is the users' own. All of this is done as the
//! caller, with the caller's rights.
//!
//! The relation to be kept may be anybody's. So it is locked by its number before a command
//! names it, and its rows are copied without a query ([`crate::pg::rows`]): neither a view
//! that has taken its name nor an expression of its owner's runs as the caller.

use super::errors;
use crate::domain::backup::{MARK, SCHEMA};
use crate::domain::text::literal;
use crate::error::{Error, Result};
use crate::pg::call::Value;
use crate::pg::caller::AsCaller;
use crate::pg::quote_identifier;
use crate::pg::rows::{self, Column, Lock};
use crate::pg::spi::{Row, Statement, Type};
use crate::store::lock;
use pgrx::PgSqlErrorCode as Code;
use std::collections::HashMap;

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
    /// Whether the caller may read it.
    pub may_read: bool,
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
            may_read: row.bool(6),
        }
    }

    /// Errors: the caller may not read all of its rows (42501).
    fn check_readable(&self, oid: u32) -> Result<()> {
        rows::check_readable(oid, &self.name, self.may_read).map_err(|error| match self.may_read {
            false => error,
            true => hint_on_rights(
                error,
                "A backup holds all rows or isn't made: apply the migration as a role that row security doesn't restrict.",
            ),
        })
    }

    /// Whether it is a backup.
    pub fn is_backup(&self) -> bool {
        self.schema == SCHEMA && self.comment.starts_with(&format!("{MARK}\n"))
    }
}

/// A role that has a right by default.
struct Grantee(String);

/// To whom the schema belongs.
struct Owner {
    name: String,
    // The caller is one of its members.
    is_ours: bool,
    caller: String,
}

/// What keeps and drops backups.
pub struct Backups(AsCaller);

impl Backups {
    /// Begins.
    pub fn open() -> Result<Backups> {
        Ok(Backups(AsCaller::open()?))
    }

    /// Ends.
    pub fn close(self) -> Result<()> {
        self.0.close()
    }

    /// The relation with this number.
    pub fn find(&self, relation: u32) -> Result<Option<Relation>> {
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
        Ok(found.first().map(Relation::of))
    }

    /// What of this name is in the schema of backups.
    pub fn named(&self, name: &str) -> Result<Option<Relation>> {
        const NAMED: Statement = Statement {
            sql: "SELECT n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
                         c.relkind::text, false, coalesce(obj_description(c.oid, 'pg_class'), ''), false
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND c.relname = $2",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.look(&NAMED, [SCHEMA.into(), name.into()])?;
        Ok(found.first().map(Relation::of))
    }

    /// The names in the schema of backups that begin so.
    pub fn beginning_with(&self, stem: &str) -> Result<Vec<String>> {
        const BEGINNING: Statement = Statement {
            sql: "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND starts_with(c.relname::text, $2)",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.look(&BEGINNING, [SCHEMA.into(), stem.into()])?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }

    /// Makes the schema of backups, if there is none. Errors: it belongs to somebody else
    /// (42501), or the caller may make none.
    pub fn schema(&self) -> Result<()> {
        let mut owner = self.owner()?;
        if owner.is_none() {
            // Another session may be making it.
            lock::wait_for_backups()?;
            owner = self.owner()?;
        }
        match owner {
            Some(owner) if owner.is_ours => Ok(()),
            Some(owner) => Err(errors::backups_of_others(&owner.name, &owner.caller)),
            None => self.make_schema(),
        }
    }

    fn owner(&self) -> Result<Option<Owner>> {
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
        let found = self.0.look(&OWNER, [SCHEMA.into()])?;
        Ok(found.first().map(|row| Owner {
            name: row.text(0),
            is_ours: row.bool(1),
            caller: row.text(2),
        }))
    }

    fn make_schema(&self) -> Result<()> {
        self.0.command(&format!("CREATE SCHEMA {SCHEMA}")).map_err(|error| {
            hint_on_rights(
                error,
                &format!("GRANT CREATE ON DATABASE ... TO ...; or have the schema made: CREATE SCHEMA {SCHEMA} AUTHORIZATION ...;"),
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

    /// Takes away what default privileges have given to others.
    fn revoke(&self, granted: &Statement, table: Option<&str>, of: &str) -> Result<()> {
        let found = self.0.look(granted, [SCHEMA.into(), table.into()])?;
        let grantees: Vec<Grantee> = found.rows().map(|row| Grantee(row.text(0))).collect();
        drop(found);
        for Grantee(grantee) in grantees {
            self.0.command(&format!("REVOKE ALL ON {of} FROM {grantee} CASCADE"))?;
        }
        Ok(())
    }

    /// Locks a relation, and what inherits from it: keeps others from changing it until the
    /// migration ends, and its rows, too, as far as the caller may. Gives the numbers.
    ///
    /// Errors: too few rights to read it, or row security that hides rows (42501), before
    /// it is locked; those of [`Backups::check`].
    pub fn lock(&self, source: &Relation, oid: u32) -> Result<Vec<u32>> {
        source.check_readable(oid)?;
        // What happens to its rows until the migration ends, the migration does.
        let mode = if source.may_lock { Lock::Rows } else { Lock::Definition };
        let relations = rows::lock(oid, mode)?;
        self.check(source, oid)?.check_readable(oid)?;
        Ok(relations)
    }

    /// Looks whether a relation is still what it was: commands go by its name, and it may
    /// have changed before it was locked. Errors: it has another name, or is something else
    /// (40001).
    fn check(&self, source: &Relation, oid: u32) -> Result<Relation> {
        match self.find(oid)? {
            Some(now) if now.sql == source.sql && now.kind == source.kind => Ok(now),
            _ => Err(errors::renamed(&source.sql)),
        }
    }

    /// Looks for a column that would go with the session, for its type. Errors: there is
    /// one (0A000).
    pub fn refuse_temporary_types(&self, source: &Relation, oid: u32) -> Result<()> {
        const TEMPORARY: Statement = Statement {
            sql: "WITH RECURSIVE used(name, number, type, sorted) AS (
                      SELECT attname, attnum, atttypid, attcollation FROM pg_attribute
                      WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
                      UNION
                      SELECT u.name, u.number, p.type, p.sorted
                      FROM used u JOIN pg_type t ON t.oid = u.type, LATERAL (
                          SELECT t.typelem, t.typcollation
                          UNION ALL
                          SELECT t.typbasetype, t.typcollation
                          UNION ALL
                          SELECT a.atttypid, a.attcollation FROM pg_attribute a
                          WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                          UNION ALL
                          SELECT r.rngsubtype, r.rngcollation FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
                      ) p(type, sorted)
                      WHERE p.type <> 0)
                  SELECT u.name::text, o.what
                  FROM used u, LATERAL (
                      SELECT 'type ' || format_type(t.oid, NULL), t.typnamespace FROM pg_type t WHERE t.oid = u.type
                      UNION ALL
                      SELECT format('collation %I', c.collname), c.collnamespace FROM pg_collation c WHERE c.oid = u.sorted
                  ) o(what, namespace)
                  WHERE o.namespace = pg_my_temp_schema() OR pg_is_other_temp_schema(o.namespace)
                  ORDER BY u.number, o.what LIMIT 1",
            types: &[Type::BigInt],
        };
        let found = self.0.look(&TEMPORARY, [Value::BigInt(oid.into())])?;
        match found.first() {
            Some(row) => Err(errors::temporary_type(&source.sql, &row.text(0), &row.text(1))),
            None => Ok(()),
        }
    }

    /// Copies a relation into a new table of the schema. Gives how many rows it had.
    /// Errors: the server's; no rights on the table, or not on all of its rows (42501);
    /// those of [`Backups::check`].
    pub fn copy(&self, source: &Relation, oid: u32, relations: &[u32], name: &str) -> Result<u64> {
        let backup = format!("{SCHEMA}.{}", quote_identifier(name));
        // Defaults are copied as they are stored: as SQL, the caller's search path could
        // give them another meaning.
        self.0.command(&format!(
            "CREATE TABLE {backup} (LIKE {} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS)",
            source.sql
        ))?;
        let without = self.to_leave_out(oid)?;
        if !without.is_empty() {
            self.0.command(&format!("ALTER TABLE {backup} {}", without.join(", ")))?;
        }
        self.check(source, oid)?;
        let target = self.new_table(name)?;
        let wanted = self.columns(target)?;
        let mut copied = 0;
        for relation in relations {
            if self.has_rows(*relation)? {
                copied +=
                    rows::copy(*relation, &self.matching(*relation, &wanted, source)?, target)?;
            }
        }
        const GRANTED: Statement = Statement {
            sql: "SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
                  WHERE n.nspname = $1 AND c.relname = $2 AND a.grantee <> c.relowner",
            types: &[Type::Text, Type::Text],
        };
        self.revoke(&GRANTED, Some(name), &format!("TABLE {backup}"))?;
        Ok(copied)
    }

    /// The number of the table that was just made, if there is nothing in it that a copied row
    /// would set off. Errors: an event trigger has given it something (0A000).
    fn new_table(&self, name: &str) -> Result<u32> {
        const MADE: Statement = Statement {
            sql: "SELECT c.oid::bigint,
                         c.relhasindex OR c.relhastriggers OR c.relhasrules OR c.relrowsecurity
                         OR c.relispartition OR c.relkind <> 'r' OR EXISTS (
                             SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n')
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND c.relname = $2",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.look(&MADE, [SCHEMA.into(), name.into()])?;
        match found.first().map(|row| (row.bigint(0) as u32, row.bool(1))) {
            Some((table, false)) => Ok(table),
            _ => Err(errors::backup_altered(&format!("{SCHEMA}.{}", quote_identifier(name)))),
        }
    }

    /// The columns of a table, in their order, by name.
    fn columns(&self, table: u32) -> Result<Vec<(String, Column)>> {
        const COLUMNS: Statement = Statement {
            sql: "SELECT attname::text, attnum, atttypid::bigint, attgenerated = 'v'
                  FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
                  ORDER BY attnum",
            types: &[Type::BigInt],
        };
        let found = self.0.look(&COLUMNS, [Value::BigInt(table.into())])?;
        let columns = found.rows().map(|row| {
            let column = Column {
                number: row.get(1).unwrap_or_default(),
                kind: row.bigint(2) as u32,
                is_virtual: row.bool(3),
            };
            (row.text(0), column)
        });
        Ok(columns.collect())
    }

    /// A relation's columns in the order of a copy's. Errors: they don't match (40001).
    fn matching(
        &self,
        relation: u32,
        wanted: &[(String, Column)],
        source: &Relation,
    ) -> Result<Vec<Column>> {
        let mut there: HashMap<String, Column> = self.columns(relation)?.into_iter().collect();
        let columns = wanted.iter().map(|(name, wanted)| {
            there
                .remove(name)
                .filter(|column| column.kind == wanted.kind)
                .ok_or_else(|| errors::renamed(&source.sql))
        });
        columns.collect()
    }

    /// Whether a relation has rows of its own, as partitioned tables and other sessions'
    /// temporary children have none for us.
    fn has_rows(&self, relation: u32) -> Result<bool> {
        const HAS: Statement = Statement {
            sql: "SELECT FROM pg_class
                  WHERE oid = $1::oid AND relkind <> 'p' AND NOT pg_is_other_temp_schema(relnamespace)",
            types: &[Type::BigInt],
        };
        Ok(self.0.look(&HAS, [Value::BigInt(relation.into())])?.count() > 0)
    }

    /// What LIKE has copied and a backup isn't to have, as actions of ALTER TABLE.
    /// Defaults that don't stand for themselves: one that calls a function or sequence of
    /// the users' would keep that from being dropped. And NOT NULL that isn't valid for
    /// all rows, which the copy would refuse.
    fn to_leave_out(&self, relation: u32) -> Result<Vec<String>> {
        const LEAVE_OUT: Statement = Statement {
            sql: "SELECT format('ALTER COLUMN %I DROP %s', a.attname, o.what)
                  FROM pg_attribute a, LATERAL (
                      SELECT 'DEFAULT' FROM pg_attrdef d
                      WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = ''
                        AND EXISTS (
                            SELECT FROM pg_depend x
                            WHERE x.classid = 'pg_attrdef'::regclass AND x.objid = d.oid
                              AND x.refclassid NOT IN ('pg_type'::regclass, 'pg_collation'::regclass)
                              AND (x.refclassid, x.refobjid) <> ('pg_class'::regclass, d.adrelid))
                      UNION ALL
                      SELECT 'NOT NULL' FROM pg_constraint c
                      WHERE c.conrelid = a.attrelid AND c.contype = 'n' AND c.conkey = ARRAY[a.attnum] AND NOT c.convalidated
                  ) o(what)
                  WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
                  ORDER BY a.attnum",
            types: &[Type::BigInt],
        };
        let found = self.0.look(&LEAVE_OUT, [Value::BigInt(relation.into())])?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }

    /// The time of the clock, and the caller's name.
    pub fn now_and_caller(&self) -> Result<(String, String)> {
        const NOW: Statement = Statement {
            sql: "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00',
                         current_user::text",
            types: &[],
        };
        let found = self.0.look(&NOW, [])?;
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

    /// Drops a backup. Errors: the server's; its name has been given to something else
    /// (40001).
    pub fn drop(&self, backup: &Relation, oid: u32) -> Result<()> {
        self.0.command(&format!("DROP TABLE {}", backup.sql))?;
        match self.find(oid)? {
            None => Ok(()),
            Some(_) => Err(errors::renamed(&backup.sql)),
        }
    }
}

/// Adds a HINT if it is rights that are missing.
fn hint_on_rights(mut error: Error, hint: &str) -> Error {
    if let Some(server) = error.server_mut()
        && server.code() == Code::ERRCODE_INSUFFICIENT_PRIVILEGE as i32
    {
        server.add_hint(hint);
    }
    error
}

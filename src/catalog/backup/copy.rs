//! Copying a relation into a new table of the schema of backups.

use super::super::errors;
use super::{Backups, RelationInfo};
use crate::domain::backup::SCHEMA;
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::quote_identifier;
use crate::pg::rows::{self, Column};
use crate::pg::spi::{Statement, Type};
use std::collections::HashMap;

impl Backups {
    /// Refuses a relation with a column of a temporary type, which would be dropped at the end
    /// of the session. Errors: there is such a column (0A000).
    pub fn refuse_temporary_types(&self, source: &RelationInfo, oid: u32) -> Result<()> {
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

    /// Copies a relation into a new table of the schema of backups, which is called `name`.
    /// `relations` are the OIDs that [`Backups::lock`] has returned. Returns the number of rows.
    ///
    /// Errors: the server's; those of [`Backups::check`]; an event trigger has altered the new
    /// table (0A000).
    pub fn copy(
        &self,
        source: &RelationInfo,
        oid: u32,
        relations: &[u32],
        name: &str,
    ) -> Result<u64> {
        let backup = format!("{SCHEMA}.{}", quote_identifier(name));
        // LIKE copies defaults as they are stored. As SQL text they could mean something else
        // under the caller's search_path.
        self.0.command(&format!(
            "CREATE TABLE {backup} (LIKE {} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS)",
            source.sql
        ))?;
        let actions = self.removals(oid)?;
        if !actions.is_empty() {
            self.0.command(&format!("ALTER TABLE {backup} {}", actions.join(", ")))?;
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

    /// The OID of the table that was just created. It must have no indexes, triggers, rules or
    /// constraints, whose code would run as the caller for each copied row. Errors: an event
    /// trigger has added one (0A000).
    fn new_table(&self, name: &str) -> Result<u32> {
        const CREATED: Statement = Statement {
            sql: "SELECT c.oid::bigint,
                         c.relhasindex OR c.relhastriggers OR c.relhasrules OR c.relrowsecurity
                         OR c.relispartition OR c.relkind <> 'r' OR EXISTS (
                             SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n')
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = $1 AND c.relname = $2",
            types: &[Type::Text, Type::Text],
        };
        let found = self.0.look(&CREATED, [SCHEMA.into(), name.into()])?;
        match found.first().map(|row| (row.bigint(0) as u32, row.bool(1))) {
            Some((table, false)) => Ok(table),
            _ => Err(errors::backup_altered(&format!("{SCHEMA}.{}", quote_identifier(name)))),
        }
    }

    /// The columns of a table in their order, with their names.
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

    /// The columns of a relation in the order of those of the copy. Errors: they do not match
    /// (40001).
    fn matching(
        &self,
        relation: u32,
        wanted: &[(String, Column)],
        source: &RelationInfo,
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

    /// Whether a relation has rows that this session can read. Partitioned tables and the
    /// temporary tables of other sessions have none.
    fn has_rows(&self, relation: u32) -> Result<bool> {
        const HAS: Statement = Statement {
            sql: "SELECT FROM pg_class
                  WHERE oid = $1::oid AND relkind <> 'p' AND NOT pg_is_other_temp_schema(relnamespace)",
            types: &[Type::BigInt],
        };
        Ok(self.0.look(&HAS, [Value::BigInt(relation.into())])?.count() > 0)
    }

    /// The actions of ALTER TABLE that remove what LIKE has copied and a backup must not have:
    /// defaults that depend on other objects, since a function or sequence that a default uses
    /// could not be dropped; and NOT NULL constraints that are not valid, since the copy may
    /// have rows that violate them.
    fn removals(&self, relation: u32) -> Result<Vec<String>> {
        const REMOVALS: Statement = Statement {
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
        let found = self.0.look(&REMOVALS, [Value::BigInt(relation.into())])?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }
}

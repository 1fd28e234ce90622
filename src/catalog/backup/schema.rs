//! The schema of backups, and the rights on what is in it.

use super::super::errors;
use super::{Backups, hint_on_rights};
use crate::domain::backup::SCHEMA;
use crate::error::Result;
use crate::pg::spi::{Statement, Type};
use crate::store::lock;

/// The owner of the schema.
struct Owner {
    name: String,
    // Whether the caller is this role, or a member of it.
    is_ours: bool,
    caller: String,
}

impl Backups {
    /// Creates the schema of backups, if there is none. Errors: it belongs to somebody else, or
    /// the caller may not create it (42501).
    pub fn ensure_schema(&self) -> Result<()> {
        let mut owner = self.owner()?;
        if owner.is_none() {
            // Another session may be creating it.
            lock::wait_for_backups()?;
            owner = self.owner()?;
        }
        match owner {
            Some(owner) if owner.is_ours => Ok(()),
            Some(owner) => Err(errors::backups_of_others(&owner.name, &owner.caller)),
            None => self.create_schema(),
        }
    }

    fn owner(&self) -> Result<Option<Owner>> {
        // pg_has_role() counts a superuser as a member of every role. But the schema's owner
        // could change the superuser's backups, so only granted memberships count.
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

    fn create_schema(&self) -> Result<()> {
        self.0.command(&format!("CREATE SCHEMA {SCHEMA}")).map_err(|error| {
            hint_on_rights(
                error,
                &format!("Ask the owner of the database: GRANT CREATE ON DATABASE ... TO ...; or CREATE SCHEMA {SCHEMA} AUTHORIZATION ...;"),
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

    /// Revokes what default privileges have granted to others. `granted` finds the grantees of
    /// the schema, or of a table in it; `of` is that object as SQL.
    pub(super) fn revoke(&self, granted: &Statement, table: Option<&str>, of: &str) -> Result<()> {
        let found = self.0.look(granted, [SCHEMA.into(), table.into()])?;
        let grantees: Vec<String> = found.rows().map(|row| row.text(0)).collect();
        drop(found);
        for grantee in grantees {
            self.0.command(&format!("REVOKE ALL ON {of} FROM {grantee} CASCADE"))?;
        }
        Ok(())
    }
}

//! Names of relations, and what they name for the current user.
//!
//! Names are resolved by the server's own functions and never by SQL. An expression such as
//! `oid = to_regclass(…)` finds its operator along the caller's search_path, where anybody with
//! CREATE on one of the schemas may have created one.

use super::{catch::catch, raw};
use crate::error::Result;
use core::ffi::c_char;
use pgrx::PgList;
use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;

/// A relation's name as a statement has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// Its schema, if the statement names one.
    pub schema: Option<String>,
    /// Its own name.
    pub relation: String,
}

impl Name {
    /// The name in a node of the parser.
    ///
    /// # Safety
    /// `relation` is a valid node.
    pub(super) unsafe fn of(relation: *const pg_sys::RangeVar) -> Name {
        // SAFETY: the node's names are C strings or null.
        unsafe {
            Name {
                schema: text((*relation).schemaname),
                relation: text((*relation).relname).unwrap_or_default(),
            }
        }
    }

    /// An identifier as SQL: `app.users`, `"My Table"`. None: it isn't one of a relation.
    pub fn parse(sql: &str) -> Option<Name> {
        let mut parts = Vec::new();
        let mut rest = sql;
        loop {
            let (part, after) = identifier(rest)?;
            parts.push(part);
            match after.strip_prefix('.') {
                Some(after) => rest = after,
                None if after.is_empty() => break,
                None => return None,
            }
        }
        let relation = parts.pop()?;
        let schema = parts.pop();
        // A database's name may be in front, which can only be this one's.
        (parts.len() <= 1).then_some(Name { schema, relation })
    }

    /// The name as SQL.
    pub fn sql(&self) -> String {
        let relation = super::quote_identifier(&self.relation);
        match &self.schema {
            Some(schema) => format!("{}.{relation}", super::quote_identifier(schema)),
            None => relation,
        }
    }

    /// The relation that has this name, as a statement of the current user would find it,
    /// without locking it. None: there is none, or the user may not use its schema.
    pub fn find(&self) -> Option<u32> {
        let relation = super::cstring(&self.relation);
        let found = match &self.schema {
            // SAFETY: C strings that outlive the calls, which look into the caches.
            None => unsafe {
                pg_sys::AcceptInvalidationMessages();
                pg_sys::RelnameGetRelid(relation.as_ptr())
            },
            Some(schema) => {
                let schema = namespace(schema)?;
                // SAFETY: as above.
                unsafe { pg_sys::get_relname_relid(relation.as_ptr(), schema) }
            }
        };
        (found != pg_sys::InvalidOid).then(|| found.to_u32())
    }
}

impl Name {
    /// Whether it is that of an index that queries can't use.
    pub fn is_invalid_index(&self) -> bool {
        let Some(found) = self.find() else { return false };
        // SAFETY: look-ups by number in the caches.
        unsafe {
            let kind = pg_sys::get_rel_relkind(found.into()) as u8;
            kind == pg_sys::RELKIND_INDEX && !pg_sys::get_index_isvalid(found.into())
        }
    }
}

/// The schema of this name; `pg_temp` is the session's. None: there is none, or the current
/// user may not use it.
fn namespace(name: &str) -> Option<Oid> {
    let name = super::cstring(name);
    // SAFETY: a C string that outlives the calls, which look into the caches.
    unsafe {
        pg_sys::AcceptInvalidationMessages();
        let schema = pg_sys::LookupNamespaceNoError(name.as_ptr());
        (schema != pg_sys::InvalidOid && may_use(schema)).then_some(schema)
    }
}

/// Whether the current user may use a schema.
fn may_use(schema: Oid) -> bool {
    let usage = pg_sys::ACL_USAGE as pg_sys::AclMode;
    // SAFETY: asks for rights on an existing schema.
    unsafe {
        let user = pg_sys::GetUserId();
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let result = pg_sys::pg_namespace_aclcheck(schema, user, usage);
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        let result = pg_sys::object_aclcheck(pg_sys::NamespaceRelationId, schema, user, usage);
        result == pg_sys::AclResult::ACLCHECK_OK
    }
}

/// The oid of a schema, without a check of rights. None: there is none.
pub fn schema(name: &str) -> Option<u32> {
    let name = super::cstring(name);
    // SAFETY: as above.
    let schema = unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) };
    (schema != pg_sys::InvalidOid).then(|| schema.to_u32())
}

/// The numbers of all functions and procedures of a name, with whatever arguments, as a call of
/// the current user would find them. Errors: the name holds a database that isn't this one.
pub fn routines(name: &Name) -> Result<Vec<u32>> {
    let parts: Vec<_> =
        name.schema.iter().chain([&name.relation]).map(|s| super::cstring(s)).collect();
    let mut found = Vec::new();
    // SAFETY: C strings that outlive the call; a list of String nodes is what the server takes.
    // The answer is a chain in the current memory context.
    unsafe {
        let mut names = PgList::<pg_sys::Node>::new();
        for part in &parts {
            names.push(pg_sys::makeString(part.as_ptr().cast_mut()).cast());
        }
        let names = names.into_pg();
        let mut next = catch(|| {
            raw::FuncnameGetCandidates(names, -1, core::ptr::null_mut(), false, false, false, true)
        })?;
        while !next.is_null() {
            found.push((*next).oid.to_u32());
            next = (*next).next;
        }
    }
    Ok(found)
}

/// The schemas in which the current user's statements look for names without a schema, but
/// for those that the server adds by itself.
pub fn search_path() -> Vec<u32> {
    // SAFETY: returns a list of oids, palloc'ed for the caller.
    let schemas = unsafe { PgList::<Oid>::from_pg(pg_sys::fetch_search_path(false)) };
    schemas.iter_oid().map(Oid::to_u32).collect()
}

/// The table of an index; anything else is its own.
pub fn table_of(relation: u32) -> u32 {
    // SAFETY: a look-up by number in the caches.
    let table = unsafe { pg_sys::IndexGetRelation(relation.into(), true) };
    if table == pg_sys::InvalidOid { relation } else { table.to_u32() }
}

/// The name that a relation has now. None: it is gone.
pub fn of(relation: u32) -> Option<Name> {
    // SAFETY: look-ups by number, whose answers are palloc'ed C strings or null.
    unsafe {
        let name = text(pg_sys::get_rel_name(relation.into()))?;
        let schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation.into())))?;
        Some(Name { schema: Some(schema), relation: name })
    }
}

/// The identifier that a text begins with, in lower case unless it is quoted, and the rest.
fn identifier(sql: &str) -> Option<(String, &str)> {
    if let Some(quoted) = sql.strip_prefix('"') {
        let mut name = String::new();
        let mut rest = quoted;
        loop {
            let end = rest.find('"')?;
            name.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('"') {
                Some(after) => (rest, name) = (after, name + "\""),
                None => return (!name.is_empty()).then_some((name, rest)),
            }
        }
    }
    let end = sql.find(['.', '"']).unwrap_or(sql.len());
    let name = sql[..end].to_ascii_lowercase();
    (!name.is_empty()).then_some((name, &sql[end..]))
}

/// # Safety
/// `name` is a C string or null.
unsafe fn text(name: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise; null is looked at as such.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

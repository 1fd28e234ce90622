//! A table as it is at one moment, to be compared with what it is later.

use crate::error::Result;
use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;

/// A table or view, with what changes when it is replaced, rewritten or given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationState {
    oid: Oid,
    owner: Oid,
    // A truncated or rewritten table has another file.
    file: u32,
}

/// Code or rows that changes of a table would involve without naming them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SideEffect {
    /// A trigger of this name.
    Trigger(String),
    /// A rule.
    Rule,
    /// Row-level security.
    RowSecurity,
    /// A table that inherits from it.
    Child,
}

/// The oid of a schema. None: there is none of this name.
pub fn schema(name: &CStr) -> Option<Oid> {
    // SAFETY: a look-up by a C string, which returns 0 if there is no such schema.
    let oid = unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The oid of a relation. None: the schema has none of this name.
fn find(schema: Oid, name: &CStr) -> Option<Oid> {
    // SAFETY: a look-up by a C string, which returns 0 if there is no such relation.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Takes the lock on a table that a reader takes, until the transaction ends. It waits for a
/// lock that conflicts. A schema without the table is left alone.
pub fn lock_for_reading(schema: Oid, name: &CStr) {
    if let Some(oid) = find(schema, name) {
        lock(oid);
    }
}

fn lock(oid: Oid) {
    // SAFETY: a lock of a number, whatever it is; the end of the transaction releases it.
    unsafe { pg_sys::LockRelationOid(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
}

impl RelationState {
    /// The state of a schema's relation. None: there is none of this name.
    pub fn find(schema: Oid, name: &CStr) -> Option<RelationState> {
        let oid = find(schema, name)?;
        // SAFETY: the tuple is a row of pg_class, and is released after it was read.
        unsafe {
            let tuple = pg_sys::SearchSysCache1(
                pg_sys::SysCacheIdentifier::RELOID as core::ffi::c_int,
                pg_sys::Datum::from(oid),
            );
            if tuple.is_null() {
                return None;
            }
            let header = (*tuple).t_data;
            let class = header.cast::<u8>().add((*header).t_hoff as usize);
            let class = class.cast::<pg_sys::FormData_pg_class>();
            let (owner, file) = ((*class).relowner, (*class).relfilenode.to_u32());
            pg_sys::ReleaseSysCache(tuple);
            Some(RelationState { oid, owner, file })
        }
    }

    /// Its owner.
    pub fn owner(&self) -> Oid {
        self.owner
    }

    /// Accepts that the relation has the file of this later state.
    pub fn accept_file_of(&mut self, later: &RelationState) {
        self.file = later.file;
    }

    /// Takes the lock of a reader until the transaction ends.
    pub fn lock_for_reading(&self) {
        lock(self.oid);
    }

    /// What changes of this table would involve, but for triggers that call this function.
    pub fn side_effect(&self, own_trigger: (Oid, &CStr)) -> Result<Option<SideEffect>> {
        // SAFETY: an error is raised for a table that is gone. The entry in the cache is read
        // while the table is open.
        let (trigger, has_rules, has_row_security, may_have_children) = unsafe {
            let relation = pg_sys::table_open(self.oid, pg_sys::AccessShareLock as _);
            let class = (*relation).rd_rel;
            let found = (
                other_trigger((*relation).trigdesc, own_trigger),
                !(*relation).rd_rules.is_null(),
                (*class).relrowsecurity || (*class).relforcerowsecurity,
                (*class).relhassubclass,
            );
            pg_sys::table_close(relation, pg_sys::NoLock as _);
            found
        };
        if let Some(trigger) = trigger {
            return Ok(Some(SideEffect::Trigger(trigger)));
        }
        if has_rules {
            return Ok(Some(SideEffect::Rule));
        }
        if has_row_security {
            return Ok(Some(SideEffect::RowSecurity));
        }
        // The mark stays when the last child is gone.
        let has_children = may_have_children && super::rows::has_children(self.oid.to_u32())?;
        Ok(has_children.then_some(SideEffect::Child))
    }
}

/// The name of the first trigger that calls another function than this one.
///
/// # Safety
/// Null, or the triggers of a table that is open.
unsafe fn other_trigger(
    triggers: *mut pg_sys::TriggerDesc,
    (schema, name): (Oid, &CStr),
) -> Option<String> {
    if triggers.is_null() {
        return None;
    }
    // SAFETY: the caller's promise. Names are C strings.
    unsafe {
        let triggers =
            std::slice::from_raw_parts((*triggers).triggers, (*triggers).numtriggers as usize);
        let other = triggers.iter().find(|trigger| {
            let function = pg_sys::get_func_name(trigger.tgfoid);
            pg_sys::get_func_namespace(trigger.tgfoid) != schema
                || function.is_null()
                || CStr::from_ptr(function) != name
        });
        other.map(|trigger| CStr::from_ptr(trigger.tgname).to_string_lossy().into_owned())
    }
}

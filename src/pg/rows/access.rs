//! Locks on a table, and the right to read it.

use crate::error::Result;
use crate::pg::guc::GucScope;
use crate::pg::{catch::catch, cstring, raw};
use pgrx::pg_sys;

/// The lock under which a relation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Keeps it from being changed in its definition.
    Definition,
    /// Also keeps others from changing its rows.
    Rows,
}

impl Lock {
    fn mode(self) -> pg_sys::LOCKMODE {
        match self {
            Lock::Definition => pg_sys::AccessShareLock as pg_sys::LOCKMODE,
            Lock::Rows => pg_sys::ShareLock as pg_sys::LOCKMODE,
        }
    }
}

/// Locks a relation and all tables that inherit from it, by number, until the transaction ends.
/// Gives the numbers, that of the relation first. The caller has checked the rights on it.
/// Errors: those of waiting for a lock.
pub fn lock(relation: u32, lock: Lock) -> Result<Vec<u32>> {
    let mode = lock.mode();
    // SAFETY: a number that has gone meanwhile is no error here.
    unsafe { catch(|| raw::LockRelationOid(relation.into(), mode)) }?;
    inheritors(relation, mode)
}

/// The numbers of a relation and of all tables that inherit from it, which are locked. The
/// relation is the first one.
fn inheritors(relation: u32, mode: pg_sys::LOCKMODE) -> Result<Vec<u32>> {
    // SAFETY: the list is palloc'ed for us.
    unsafe {
        let all = catch(|| raw::find_all_inheritors(relation.into(), mode, core::ptr::null_mut()))?;
        let all = pgrx::PgList::<pg_sys::Oid>::from_pg(all);
        Ok(all.iter_oid().map(pg_sys::Oid::to_u32).collect())
    }
}

/// Whether other tables inherit from a relation. Errors: the server's.
pub fn has_children(relation: u32) -> Result<bool> {
    Ok(inheritors(relation, pg_sys::NoLock as pg_sys::LOCKMODE)?.len() > 1)
}

/// Errors: the current user may not read all rows of a relation, by its rights or because
/// row security hides some (42501).
pub fn check_readable(relation: u32, name: &str, may_select: bool) -> Result<()> {
    let name = cstring(name);
    // Rows that row security hides are an error: a copy without them would be incomplete.
    let nest = GucScope::open();
    nest.set("row_security", "off")?;
    // SAFETY: a C string that outlives the call; a number that has gone has no row security.
    unsafe {
        catch(|| {
            if !may_select {
                raw::aclcheck_error(
                    pg_sys::AclResult::ACLCHECK_NO_PRIV,
                    pg_sys::ObjectType::OBJECT_TABLE,
                    name.as_ptr(),
                );
            }
            raw::check_enable_rls(relation.into(), pg_sys::InvalidOid, false);
        })?;
    }
    nest.undo()
}

//! The modes of deferrable constraints in this transaction.

use super::catch::catch;
use super::parse::ParsedStatement;
use crate::error::Result;
use pgrx::PgList;
use pgrx::pg_sys;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

// Whether a deferrable constraint may exist: cleared by a look that finds none, set whenever
// pg_constraint changes.
static MAY_BE: AtomicBool = AtomicBool::new(true);
static CHANGES: AtomicU64 = AtomicU64::new(0);

unsafe extern "C-unwind" {
    fn AfterTriggerSetState(statement: *mut pg_sys::ConstraintsSetStmt);
}

/// Makes the server report changes of constraints. To be called once, when the library is
/// loaded.
pub fn watch() {
    // SAFETY: a function of this library, which is never unloaded.
    unsafe {
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::CONSTROID as core::ffi::c_int,
            Some(changed),
            pg_sys::Datum::from(0),
        );
    }
}

unsafe extern "C-unwind" fn changed(
    _argument: pg_sys::Datum,
    _cache: core::ffi::c_int,
    _hash: pg_sys::uint32,
) {
    MAY_BE.store(true, Ordering::Relaxed);
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// A count of changes of constraints. While it stays the same, no constraint was made.
pub fn changes() -> u64 {
    CHANGES.load(Ordering::Relaxed)
}

/// False: no constraint of the database is deferrable.
pub fn may_be_deferrable() -> bool {
    MAY_BE.load(Ordering::Relaxed)
}

/// Notes that no constraint is deferrable, until one changes.
pub fn none_is_deferrable() {
    MAY_BE.store(false, Ordering::Relaxed);
}

/// Notes that a constraint is deferrable.
pub fn one_is_deferrable() {
    MAY_BE.store(true, Ordering::Relaxed);
}

/// Whether checks of deferred constraints are pending on a table.
pub fn is_pending_on(table: u32) -> bool {
    // SAFETY: looks through this session's list of events.
    table != 0 && unsafe { pg_sys::AfterTriggerPendingOnRel(table.into()) }
}

/// SET CONSTRAINTS … DEFERRED, or IMMEDIATE, which makes the checks that are pending, for
/// constraints given by schema and name. The mode stays for the rest of the transaction.
pub fn set(names: &[(&str, &str)], deferred: bool) -> Result<()> {
    // Without names the statement would mean all constraints.
    if names.is_empty() {
        return Ok(());
    }
    // SAFETY: a parse node as the server's grammar makes it, in the current memory
    // context; the statement's code only reads it.
    unsafe {
        let statement = pg_sys::palloc0(size_of::<pg_sys::ConstraintsSetStmt>())
            .cast::<pg_sys::ConstraintsSetStmt>();
        (*statement).type_ = pg_sys::NodeTag::T_ConstraintsSetStmt;
        (*statement).constraints = list(names);
        (*statement).deferred = deferred;
        catch(|| AfterTriggerSetState(statement))?;
    }
    Ok(())
}

/// Names as the server's grammar makes them, in the current memory context.
fn list(names: &[(&str, &str)]) -> *mut pg_sys::List {
    let mut constraints = PgList::<pg_sys::RangeVar>::new();
    for (schema, name) in names {
        // SAFETY: copies of C strings.
        constraints.push(unsafe {
            let schema = pg_sys::pstrdup(super::cstring(schema).as_ptr());
            let name = pg_sys::pstrdup(super::cstring(name).as_ptr());
            pg_sys::makeRangeVar(schema, name, -1)
        });
    }
    constraints.into_pg()
}

/// For SET CONSTRAINTS ALL, whether it is DEFERRED. None: it is another statement.
pub fn sets_all(statement: &ParsedStatement) -> Option<bool> {
    let set = statement.tree.get::<pg_sys::ConstraintsSetStmt>()?;
    set.constraints.is_null().then_some(set.deferred)
}

/// Changes a SET CONSTRAINTS to one of these constraints. Without names it would mean all, so it
/// stays as it is.
pub fn name_all(statement: &ParsedStatement, names: &[(&str, &str)]) {
    if !names.is_empty() {
        statement.tree.edit(|set: &mut pg_sys::ConstraintsSetStmt| set.constraints = list(names));
    }
}

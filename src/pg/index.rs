//! Indexes that a statement is about to create: the name that the server would choose, and the
//! index's definition.

use super::parse::ParsedStatement;
use super::subtransaction::Subtransaction;
use super::{catch::catch, raw, tree};
use crate::error::Result;
use core::ffi::c_int;
use pgrx::pg_sys::{self, Oid};
use std::ffi::{CStr, CString};

// With the zero at their end, names have this many bytes at most.
const NAMEDATALEN: usize = pg_sys::NAMEDATALEN as usize;

/// The name that the server would choose now for the index of a CREATE INDEX without one.
/// None: the table is gone. Errors: the server's.
pub fn choose_name(statement: &ParsedStatement, table: u32) -> Result<Option<String>> {
    let table = Oid::from(table);
    // SAFETY: look-ups by number in the caches; the names are palloc'ed.
    let (name, schema) = unsafe {
        pg_sys::AcceptInvalidationMessages();
        (pg_sys::get_rel_name(table), pg_sys::get_rel_namespace(table))
    };
    if name.is_null() {
        return Ok(None);
    }
    let mut columns: Vec<CString> = Vec::new();
    for column in column_names(statement)? {
        let column = distinct(column, &columns);
        columns.push(column);
    }
    let columns = addition(&columns);
    // SAFETY: C strings that outlive the call.
    let chosen = unsafe {
        catch(|| raw::ChooseRelationName(name, columns.as_ptr(), c"idx".as_ptr(), schema, false))
    }?;
    // SAFETY: what is returned is a C string.
    Ok(Some(unsafe { CStr::from_ptr(chosen) }.to_string_lossy().into_owned()))
}

/// The names that the server first gives to the columns of an index, including those of INCLUDE.
fn column_names(statement: &ParsedStatement) -> Result<Vec<CString>> {
    let Some(index) = statement.tree.get::<pg_sys::IndexStmt>() else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    // SAFETY: columns are lists of nodes; names are C strings or null.
    unsafe {
        for list in [index.indexParams, index.indexIncludingParams] {
            for column in tree::list::<pg_sys::IndexElem>(list) {
                let expression = column.expr;
                let name = match column.name.is_null() {
                    true => catch(|| raw::FigureIndexColname(expression))?,
                    false => column.name,
                };
                let name = if name.is_null() { c"expr" } else { CStr::from_ptr(name) };
                names.push(name.to_owned());
            }
        }
    }
    Ok(names)
}

/// A name with a number after it, if it is taken by a column before.
fn distinct(name: CString, taken: &[CString]) -> CString {
    let mut tried = name.clone();
    for number in 1.. {
        if !taken.contains(&tried) {
            break;
        }
        let number = u32::to_string(&number);
        let limit = NAMEDATALEN - 1 - number.len();
        let (length, limit) = (name.as_bytes().len() as c_int, limit as c_int);
        // SAFETY: a C string and its length.
        let kept = unsafe { pg_sys::pg_mbcliplen(name.as_ptr(), length, limit) };
        let bytes = [&name.as_bytes()[..kept as usize], number.as_bytes()].concat();
        tried = CString::new(bytes).unwrap_or_default();
    }
    tried
}

/// The columns' part of an index's name, as long as the server makes it before it shortens
/// the whole name.
fn addition(columns: &[CString]) -> CString {
    let mut all = Vec::new();
    for column in columns {
        if !all.is_empty() {
            all.push(b'_');
        }
        let column = column.as_bytes();
        all.extend_from_slice(&column[..column.len().min(NAMEDATALEN - 1)]);
        if all.len() >= NAMEDATALEN {
            break;
        }
    }
    CString::new(all).unwrap_or_default()
}

/// Gives the index of a CREATE INDEX this name.
pub fn set_name(statement: &ParsedStatement, name: &str) {
    let name = super::cstring(name);
    statement.tree.edit(|index: &mut pg_sys::IndexStmt| {
        // SAFETY: a C string, which is copied into the memory of the tree.
        index.idxname = unsafe { pg_sys::pstrdup(name.as_ptr()) };
    });
}

/// Makes the server create the index of a CREATE INDEX CONCURRENTLY on an empty table with the
/// same columns, looks at it, and undoes that. None: the current user can't create such an index
/// on the table, or the statement is no CREATE INDEX.
///
/// So the definition is the server's own, with all its rules for types, operator classes and
/// defaults. It only waits for the lock of a reader of the table.
///
/// Errors: those that the statement itself would raise; the lock isn't available.
pub fn prospective<T>(
    statement: &ParsedStatement,
    table: u32,
    look: impl FnOnce(u32) -> Result<T>,
) -> Result<Option<T>> {
    let _undone = Subtransaction::begin()?;
    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: a lock of a number. A table that is gone is looked for afterwards.
    unsafe { catch(|| raw::LockRelationOid(table.into(), lock)) }?;
    if !may_have_indexes(table.into()) {
        return Ok(None);
    }
    let Some(index) = statement.tree.get::<pg_sys::IndexStmt>() else { return Ok(None) };
    let (text, index) = (statement.tree.sql().as_ptr(), std::ptr::from_ref(index));
    // SAFETY: a CREATE INDEX and its text. The server changes a copy of it. The table is locked,
    // and all that is made goes with the subtransaction.
    let index = unsafe {
        catch(|| {
            raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
            let index = raw::copyObjectImpl(index.cast()).cast::<pg_sys::IndexStmt>();
            (*index).idxname = core::ptr::null_mut();
            (*index).concurrent = false;
            (*index).if_not_exists = false;
            let index = raw::transformIndexStmt(table.into(), index, text);
            let empty = empty_copy(table.into());
            let made = define(empty, index);
            raw::CommandCounterIncrement();
            raw::PopActiveSnapshot();
            made
        })
    }?;
    look(index.to_u32()).map(Some)
}

/// The name of the empty table that [`prospective`] makes. A definition that refers to whole rows
/// has this name instead of the table's own.
pub fn copy_name(table: u32) -> String {
    format!("pg_temp_{table}")
}

/// Whether the current user owns a relation that is a table or materialized view, and is neither
/// temporary nor part of the catalog.
fn may_have_indexes(table: Oid) -> bool {
    // SAFETY: look-ups by number in the caches, which give null or zero for what is gone.
    unsafe {
        let kind = pg_sys::get_rel_relkind(table) as u8;
        let user = pg_sys::GetUserId();
        matches!(kind, b'r' | b'm')
            && pg_sys::get_rel_persistence(table) as u8 != b't'
            && pg_sys::get_rel_namespace(table) != Oid::from(pg_sys::PG_CATALOG_NAMESPACE)
            && owns(table, user)
    }
}

fn owns(table: Oid, user: Oid) -> bool {
    // SAFETY: asks for the owner of an existing relation.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return pg_sys::pg_class_ownercheck(table, user);
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        return pg_sys::object_ownercheck(pg_sys::RelationRelationId, table, user);
    }
}

/// # Safety
/// Inside of `catch`, with a snapshot; the table is locked.
unsafe fn empty_copy(table: Oid) -> Oid {
    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: the caller's promise.
    unsafe {
        let relation = raw::table_open(table, lock);
        let form = (*relation).rd_rel;
        let (persistence, space) = ((*form).relpersistence, (*form).reltablespace);
        #[cfg(not(feature = "pg14"))]
        let method = (*form).relam;
        raw::table_close(relation, lock);
        #[cfg(feature = "pg14")]
        return raw::make_new_heap(table, space, persistence, lock);
        #[cfg(not(feature = "pg14"))]
        return raw::make_new_heap(table, space, method, persistence, lock);
    }
}

/// # Safety
/// Inside of `catch`, with a snapshot; the statement is transformed.
unsafe fn define(table: Oid, index: *mut pg_sys::IndexStmt) -> Oid {
    let none = pg_sys::InvalidOid;
    // SAFETY: the caller's promise. It is no part of an ALTER TABLE, rights and use are not
    // checked, nothing is built, and there are no messages.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let made =
            raw::DefineIndex(table, index, none, none, none, false, false, false, true, true);
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        let made =
            raw::DefineIndex(table, index, none, none, none, -1, false, false, false, true, true);
        made.objectId
    }
}

//! Rows of tables that belong to others, read and copied without a query.
//!
//! To plan a query is to run code of the table's owner: constant parts of index expressions,
//! of CHECK constraints and of statistics are evaluated as the user who plans. So rows are
//! read as COPY TO reads them, by a scan of the table, and written as they were stored.

use super::call::Value;
use super::guc::GucScope;
use super::{catch::catch, cstring, memory, raw};
use crate::error::{Error, Result};
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum};

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

/// A column to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its number in its table.
    pub number: i16,
    /// Its type.
    pub kind: u32,
    /// It isn't stored, and its value is to be computed.
    pub is_virtual: bool,
}

/// Locks a relation and all that inherit from it, by number, until the transaction ends.
/// Gives their numbers, its own first. The caller has checked the rights on it. Errors: those
/// of waiting for a lock.
pub fn lock(relation: u32, lock: Lock) -> Result<Vec<u32>> {
    let mode = lock.mode();
    // SAFETY: a number that has gone meanwhile is no error here.
    unsafe { catch(|| raw::LockRelationOid(relation.into(), mode)) }?;
    inheritors(relation, mode)
}

/// The numbers of a relation, its own first, and of all that inherit from it, which are locked.
fn inheritors(relation: u32, mode: pg_sys::LOCKMODE) -> Result<Vec<u32>> {
    // SAFETY: the list is palloc'ed for us.
    unsafe {
        let all = catch(|| raw::find_all_inheritors(relation.into(), mode, core::ptr::null_mut()))?;
        let all = pgrx::PgList::<pg_sys::Oid>::from_pg(all);
        Ok(all.iter_oid().map(pg_sys::Oid::to_u32).collect())
    }
}

/// Whether other tables inherit from one.
pub fn has_children(relation: u32) -> Result<bool> {
    Ok(inheritors(relation, pg_sys::NoLock as pg_sys::LOCKMODE)?.len() > 1)
}

/// Errors: the current user may not read all of a relation's rows, by its rights or because
/// row security hides some (42501).
pub fn check_readable(relation: u32, name: &str, may_select: bool) -> Result<()> {
    let name = cstring(name);
    // What row security hides is to be an error, and not left out.
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

/// Copies all rows of a relation, those that are committed by now, into a table that has just
/// these columns and neither indexes nor triggers. Both are locked. Gives how many.
///
/// Errors: the relation has no rows of its own that can be read (55000, 42809), it is
/// another session's (0A000), the disk is full, and the like.
pub fn copy(from: u32, columns: &[Column], to: u32) -> Result<u64> {
    let memory = memory::Context::new()?;
    let row_memory = memory::Context::new()?;
    let (numbers, count) = (columns.as_ptr(), columns.len());
    let rows = row_memory.raw();
    // SAFETY: relations that exist and are locked; pointers outlive the call; nothing with a
    // destructor is alive in the closure. What it makes goes with the memory, or is given
    // back by the abort that an error brings.
    let copied = memory.enter(|| unsafe {
        catch(|| {
            raw::CommandCounterIncrement();
            let mut scan = Scan::begin(from);
            let target = raw::table_open(to.into(), pg_sys::RowExclusiveLock as _);
            let out =
                raw::MakeSingleTupleTableSlot((*target).rd_att, &raw const raw::TTSOpsVirtual);
            let cid = raw::GetCurrentCommandId(true);
            let bulk = raw::GetBulkInsertState();
            let computed = Computed::new(scan.relation, numbers, count);
            let mut copied = 0_u64;
            while scan.next() {
                raw::MemoryContextReset(rows);
                let former = pg_sys::MemoryContextSwitchTo(rows);
                if let Some(clear) = (*(*out).tts_ops).clear {
                    clear(out);
                }
                for n in 0..count {
                    let column = &*numbers.add(n);
                    let (value, null) = match column.is_virtual {
                        true => computed.value(n, scan.slot),
                        false => scan.value(column.number),
                    };
                    *(*out).tts_values.add(n) = value;
                    *(*out).tts_isnull.add(n) = null;
                }
                raw::ExecStoreVirtualTuple(out);
                if let Some(insert) = (*(*target).rd_tableam).tuple_insert {
                    insert(target, out, cid, 0, bulk);
                }
                pg_sys::MemoryContextSwitchTo(former);
                copied += 1;
            }
            computed.end();
            raw::FreeBulkInsertState(bulk);
            raw::ExecDropSingleTupleTableSlot(out);
            raw::table_close(target, pg_sys::NoLock as _);
            scan.end();
            raw::CommandCounterIncrement();
            copied
        })
    })?;
    Ok(copied)
}

/// Reads columns of a table's rows, those that are committed by now; at most `limit` rows.
/// The table is locked, and its columns are stored ones of the types that [`Value`] has.
///
/// Errors: a column is of another type (0A000), and those of [`copy`].
pub fn read(relation: u32, columns: &[Column], limit: usize) -> Result<Vec<Vec<Value>>> {
    let memory = memory::Context::new()?;
    memory.enter(|| {
        let mut all = Vec::new();
        // SAFETY: as for `copy`; values are read while the scan is at their row.
        unsafe {
            let mut scan = catch(|| Scan::begin(relation))?;
            let at = &raw mut scan;
            while all.len() < limit && catch(|| (*at).next())? {
                let row = columns.iter().map(|column| value(column, scan.value(column.number)));
                all.push(row.collect::<Result<_>>()?);
            }
            catch(|| (*at).end())?;
        }
        Ok(all)
    })
}

/// # Safety
/// The value is of the column's type.
unsafe fn value(column: &Column, (value, null): (Datum, bool)) -> Result<Value> {
    // SAFETY: the caller's promise; the type is looked at before the value is.
    unsafe {
        Ok(match column.kind.into() {
            _ if null => Value::Null,
            pg_sys::BOOLOID => bool::from_datum(value, false).map_or(Value::Null, Value::Bool),
            pg_sys::INT4OID => i32::from_datum(value, false).map_or(Value::Null, Value::Int),
            pg_sys::INT8OID => i64::from_datum(value, false).map_or(Value::Null, Value::BigInt),
            pg_sys::TEXTOID | pg_sys::VARCHAROID => {
                String::from_datum(value, false).map_or(Value::Null, Value::Text)
            }
            _ => {
                return Err(Error::new(
                    pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    format!("column {} is of a type that is not read", column.number),
                ));
            }
        })
    }
}

/// A scan of a relation's rows under a snapshot of its own.
#[derive(Clone, Copy)]
struct Scan {
    relation: pg_sys::Relation,
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    /// # Safety
    /// To be called inside `catch`, with a relation that is locked.
    unsafe fn begin(relation: u32) -> Scan {
        // SAFETY: the caller's promise. Only what has rows has functions to read them by.
        unsafe {
            let relation = raw::table_open(relation.into(), pg_sys::NoLock as _);
            let class = (*relation).rd_rel;
            if (*class).relpersistence == pg_sys::RELPERSISTENCE_TEMP as core::ffi::c_char
                && !(*relation).rd_islocaltemp
            {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    c"cannot access temporary tables of other sessions",
                );
            }
            if !(*class).relispopulated {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    c"the materialized view has not been populated",
                );
            }
            let methods = (*relation).rd_tableam;
            let begin = match methods.is_null() {
                false => (*methods).scan_begin,
                true => None,
            };
            let Some(begin) = begin else {
                refuse(
                    pgrx::PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                    c"cannot read the rows of a foreign table",
                );
            };
            let slot = raw::table_slot_create(relation, core::ptr::null_mut());
            raw::PushActiveSnapshot(raw::GetLatestSnapshot());
            let flags = pg_sys::ScanOptions::SO_TYPE_SEQSCAN
                | pg_sys::ScanOptions::SO_ALLOW_STRAT
                | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE;
            let nothing = core::ptr::null_mut();
            let scan = begin(
                relation,
                pg_sys::GetActiveSnapshot(),
                0,
                core::ptr::null_mut(),
                nothing,
                flags,
            );
            Scan { relation, scan, slot }
        }
    }

    /// Goes to the next row. False: there is none.
    ///
    /// # Safety
    /// To be called inside `catch`.
    unsafe fn next(&mut self) -> bool {
        // SAFETY: the scan is open.
        unsafe {
            let Some(next) = (*(*self.relation).rd_tableam).scan_getnextslot else { return false };
            if !next(self.scan, pg_sys::ScanDirection::ForwardScanDirection, self.slot) {
                return false;
            }
            let columns = (*(*self.relation).rd_att).natts;
            if i32::from((*self.slot).tts_nvalid) < columns {
                raw::slot_getsomeattrs_int(self.slot, columns);
            }
            true
        }
    }

    /// A stored column's value, and whether it is NULL.
    ///
    /// # Safety
    /// The scan is at a row, and its relation has such a column.
    unsafe fn value(&self, column: i16) -> (Datum, bool) {
        // SAFETY: the caller's promise; all columns of the row were made valid.
        unsafe {
            let n = column as usize - 1;
            (*(*self.slot).tts_values.add(n), *(*self.slot).tts_isnull.add(n))
        }
    }

    /// # Safety
    /// To be called inside `catch`, once.
    unsafe fn end(&mut self) {
        // SAFETY: all of it was made by `begin`.
        unsafe {
            if let Some(end) = (*(*self.relation).rd_tableam).scan_end {
                end(self.scan);
            }
            raw::ExecDropSingleTupleTableSlot(self.slot);
            raw::PopActiveSnapshot();
            raw::table_close(self.relation, pg_sys::NoLock as _);
        }
    }
}

/// Raises an error of the server's machinery.
///
/// # Safety
/// To be called inside `catch`.
unsafe fn refuse(code: pgrx::PgSqlErrorCode, message: &core::ffi::CStr) -> ! {
    // SAFETY: a constant format and a C string; errfinish leaves by a longjmp to `catch`.
    unsafe {
        raw::errstart(pg_sys::PGERROR as _, core::ptr::null());
        raw::errcode(code as _);
        raw::errmsg_internal(c"%s".as_ptr(), message.as_ptr());
        raw::errfinish(c"pg_migrations".as_ptr(), 0, core::ptr::null());
        std::process::abort()
    }
}

/// The virtual generated columns of a relation, which 18 has. Their expressions hold nothing
/// but what is built in.
struct Computed {
    #[cfg(feature = "pg18")]
    states: *mut *mut pg_sys::ExprState,
    #[cfg(feature = "pg18")]
    executor: *mut pg_sys::EState,
    #[cfg(feature = "pg18")]
    context: *mut pg_sys::ExprContext,
}

#[cfg(not(feature = "pg18"))]
impl Computed {
    unsafe fn new(_: pg_sys::Relation, _: *const Column, _: usize) -> Computed {
        Computed {}
    }

    unsafe fn value(&self, _: usize, _: *mut pg_sys::TupleTableSlot) -> (Datum, bool) {
        (Datum::from(0), true)
    }

    unsafe fn end(&self) {}
}

#[cfg(feature = "pg18")]
impl Computed {
    /// # Safety
    /// To be called inside `catch`; the columns are those of the relation.
    unsafe fn new(relation: pg_sys::Relation, columns: *const Column, count: usize) -> Computed {
        // SAFETY: the caller's promise; all is made in the current memory.
        unsafe {
            let executor = raw::CreateExecutorState();
            let context = raw::CreateExprContext(executor);
            let states = raw::palloc0(count * size_of::<*mut pg_sys::ExprState>())
                .cast::<*mut pg_sys::ExprState>();
            for n in 0..count {
                let column = &*columns.add(n);
                if column.is_virtual {
                    let expression =
                        raw::build_generation_expression(relation, column.number.into());
                    *states.add(n) = raw::ExecPrepareExpr(expression.cast(), executor);
                }
            }
            Computed { states, executor, context }
        }
    }

    /// # Safety
    /// To be called inside `catch`, for a virtual column, with the slot at a row.
    unsafe fn value(&self, n: usize, slot: *mut pg_sys::TupleTableSlot) -> (Datum, bool) {
        // SAFETY: the caller's promise.
        unsafe {
            (*self.context).ecxt_scantuple = slot;
            let state = *self.states.add(n);
            let mut null = true;
            match (*state).evalfunc {
                Some(evaluate) => (evaluate(state, self.context, &mut null), null),
                None => (Datum::from(0), true),
            }
        }
    }

    /// # Safety
    /// To be called inside `catch`, once.
    unsafe fn end(&self) {
        // SAFETY: made by `new`.
        unsafe { raw::FreeExecutorState(self.executor) };
    }
}

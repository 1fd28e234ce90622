//! Plans of statements. The few statements of a run are planned once a session.

use super::statement::Statement;
use crate::error::{Error, Result};
use crate::pg::{catch::catch, cstring, raw};
use core::ffi::c_int;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;

/// A plan of SPI.
#[derive(Clone, Copy)]
pub struct Plan(pub(super) pg_sys::SPIPlanPtr);

thread_local! {
    // A server process has one thread; its plans live until it ends.
    static PLANS: RefCell<HashMap<&'static str, Plan>> = RefCell::new(HashMap::new());
}

/// The plan of a statement, which the session keeps. Errors: the server's.
pub fn kept(statement: &Statement) -> Result<Plan> {
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(statement.sql).copied()) {
        return Ok(plan);
    }
    let mut types: Vec<Oid> = statement.types.iter().map(|t| t.oid()).collect();
    let plan = prepare(statement.sql, &mut types, true)?;
    PLANS.with_borrow_mut(|plans| plans.insert(statement.sql, plan));
    Ok(plan)
}

/// The plan of a statement without parameters, for this connection. Errors: the server's.
pub fn for_once(sql: &str) -> Result<Plan> {
    prepare(sql, &mut [], false)
}

/// Removes the kept plan of a statement.
pub fn forget(sql: &str) {
    PLANS.with_borrow_mut(|plans| plans.remove(sql));
}

fn prepare(sql: &str, types: &mut [Oid], keep: bool) -> Result<Plan> {
    let text = cstring(sql);
    let (text, count, types) = (text.as_ptr(), types.len() as c_int, types.as_mut_ptr());
    // SAFETY: pointers outlive the call (the owners live to the end of the function); a
    // plan that is kept is moved to memory that lasts.
    let plan = unsafe {
        catch(|| {
            let plan = raw::SPI_prepare(text, count, types);
            if keep && !plan.is_null() {
                raw::SPI_keepplan(plan);
            }
            plan
        })
    }?;
    if plan.is_null() {
        // SAFETY: set by the call that has just failed.
        return Err(refused(unsafe { pg_sys::SPI_result }));
    }
    Ok(Plan(plan))
}

/// The error of a statement that SPI did not run, by SPI's code for the reason.
pub fn refused(code: c_int) -> Error {
    // SAFETY: gives a constant text, or one of its own memory.
    let name = unsafe { CStr::from_ptr(pg_sys::SPI_result_code_string(code)) };
    Error::new(
        pgrx::PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        format!("the server refused a statement of pg_migrations ({})", name.to_string_lossy()),
    )
}

//! The virtual generated columns of a table, which are computed when they are read.

use super::column::Column;
#[cfg(feature = "pg18")]
use crate::pg::raw;
use pgrx::pg_sys::{self, Datum};

/// The virtual generated columns of a relation, which 18 has. Their expressions hold nothing
/// but what is built in.
pub struct Computed {
    #[cfg(feature = "pg18")]
    states: *mut *mut pg_sys::ExprState,
    #[cfg(feature = "pg18")]
    executor: *mut pg_sys::EState,
    #[cfg(feature = "pg18")]
    context: *mut pg_sys::ExprContext,
}

#[cfg(not(feature = "pg18"))]
impl Computed {
    pub unsafe fn new(_: pg_sys::Relation, _: &[Column]) -> Computed {
        Computed {}
    }

    pub unsafe fn value(&self, _: usize, _: *mut pg_sys::TupleTableSlot) -> (Datum, bool) {
        (Datum::from(0), true)
    }

    pub unsafe fn end(&self) {}
}

#[cfg(feature = "pg18")]
impl Computed {
    /// # Safety
    /// To be called inside `catch`; the columns are those of the relation.
    pub unsafe fn new(relation: pg_sys::Relation, columns: &[Column]) -> Computed {
        // SAFETY: the caller's promise; all is made in the current memory.
        unsafe {
            let executor = raw::CreateExecutorState();
            let context = raw::CreateExprContext(executor);
            let states = raw::palloc0(columns.len() * size_of::<*mut pg_sys::ExprState>())
                .cast::<*mut pg_sys::ExprState>();
            for (n, column) in columns.iter().enumerate() {
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
    pub unsafe fn value(&self, n: usize, slot: *mut pg_sys::TupleTableSlot) -> (Datum, bool) {
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
    pub unsafe fn end(&self) {
        // SAFETY: made by `new`.
        unsafe { raw::FreeExecutorState(self.executor) };
    }
}

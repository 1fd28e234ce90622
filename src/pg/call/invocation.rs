//! One call of a SQL function, as the server's function manager makes it.

use crate::error::Result;
use crate::pg::defect;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::OnceCell;

/// One call of a SQL function.
pub struct Call {
    info: pg_sys::FunctionCallInfo,
    types: OnceCell<Types>,
}

/// The types that the catalog declares for the function that was called.
pub struct Types {
    /// Those of the arguments.
    pub(super) arguments: Vec<Oid>,
    /// That of the result, or of its rows.
    pub(super) result: Oid,
    /// The function returns a set of rows.
    pub(super) is_set: bool,
}

impl Call {
    /// # Safety
    /// `info` must be the function manager's, and valid while the call lives.
    pub(in crate::pg) unsafe fn new(info: pg_sys::FunctionCallInfo) -> Call {
        Call { info, types: OnceCell::new() }
    }

    pub(super) fn info(&self) -> pg_sys::FunctionCallInfo {
        self.info
    }

    /// The function that was called, by its number.
    pub(super) fn function(&self) -> Oid {
        // SAFETY: the call is valid, and made through the function manager.
        unsafe { (*(*self.info).flinfo).fn_oid }
    }

    /// The types that the catalog declares for the function.
    pub(super) fn types(&self) -> &Types {
        self.types.get_or_init(|| {
            let (mut types, mut count) = (core::ptr::null_mut(), 0);
            let function = self.function();
            // SAFETY: the server copies the types of an existing function for us.
            unsafe {
                let result = pg_sys::get_func_signature(function, &mut types, &mut count);
                let arguments = match types.is_null() || count <= 0 {
                    true => Vec::new(),
                    false => std::slice::from_raw_parts(types, count as usize).to_vec(),
                };
                Types { arguments, result, is_set: pg_sys::get_func_retset(function) }
            }
        })
    }

    /// Argument n (from 0), if the catalog declares that it has a type. None: NULL. Errors: it
    /// has another one, or does not exist (42804).
    pub(super) fn datum(&self, n: usize, kind: Oid) -> Result<Option<Datum>> {
        // SAFETY: the call is valid.
        let given = unsafe { (*self.info).nargs } as usize;
        if n >= given || self.types().arguments.get(n) != Some(&kind) {
            return Err(defect::wrong_type(format!("argument {} has another type", n + 1)));
        }
        // SAFETY: the call is valid, and has this argument.
        unsafe {
            Ok((!pgrx::fcinfo::pg_arg_is_null(self.info, n))
                .then(|| pgrx::fcinfo::pg_getarg_datum_raw(self.info, n)))
        }
    }

    /// The type that argument n (from 0) has in the calling expression.
    pub(super) fn given_type(&self, n: usize) -> Oid {
        // SAFETY: the call is valid; gives no type for an argument that it does not know.
        unsafe { pg_sys::get_fn_expr_argtype((*self.info).flinfo, n as core::ffi::c_int) }
    }

    /// The function or procedure that was called, as in `migrations.rollback`.
    pub fn name(&self) -> String {
        // SAFETY: gives a C string that the server has made for us, or null.
        let name = unsafe { pg_sys::get_func_name(self.function()) };
        let name = match name.is_null() {
            true => c"",
            // SAFETY: checked above.
            false => unsafe { std::ffi::CStr::from_ptr(name) },
        };
        format!("migrations.{}", name.to_string_lossy())
    }

    /// Whether the procedure may end the transaction: it was called as a statement of its
    /// own, outside of a transaction block, a function, a DO block or another procedure.
    pub fn may_commit(&self) -> bool {
        // SAFETY: the node is checked to be a CALL's before it is read as one. In a
        // non-atomic block of another language a commit of ours would remove what the
        // block still uses, so SPI must not be in use.
        unsafe {
            let context = (*self.info).context;
            !context.is_null()
                && (*context).type_ == pg_sys::NodeTag::T_CallContext
                && !(*context.cast::<pg_sys::CallContext>()).atomic
                && !pg_sys::SPI_inside_nonatomic_context()
                && !pg_sys::IsSubTransaction()
        }
    }
}

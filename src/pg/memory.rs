//! Memory contexts.

use super::raw;
use crate::error::Result;
use pgrx::pg_sys;

/// A memory context that is deleted with this value. What it holds may be used no
/// longer than that; after an error it goes with the transaction at the latest.
pub struct Context {
    context: pg_sys::MemoryContext,
}

impl Context {
    /// A new child of the current context.
    pub fn new() -> Result<Context> {
        // SAFETY: the current context outlives the value; sizes are the server's defaults.
        let context = unsafe {
            super::catch::catch(|| {
                raw::AllocSetContextCreateInternal(
                    pg_sys::CurrentMemoryContext,
                    c"pg_migrations".as_ptr(),
                    pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                )
            })
        }?;
        Ok(Context { context })
    }

    /// Runs code with this context as the current one.
    pub fn enter<T>(&self, code: impl FnOnce() -> T) -> T {
        let _entered = Entered { former: switch(self.context) };
        code()
    }

    pub(super) fn raw(&self) -> pg_sys::MemoryContext {
        self.context
    }
}

struct Entered {
    former: pg_sys::MemoryContext,
}

impl Drop for Entered {
    fn drop(&mut self) {
        switch(self.former);
    }
}

fn switch(to: pg_sys::MemoryContext) -> pg_sys::MemoryContext {
    // SAFETY: assigning the current context; callers give live ones.
    unsafe {
        let former = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = to;
        former
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by new; deleted once. It isn't the current one: `enter` is left.
        unsafe { raw::MemoryContextDelete(self.context) };
    }
}

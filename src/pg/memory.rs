//! Memory contexts.

use super::{catch::catch, raw};
use crate::error::Result;
use core::ffi::c_void;
use pgrx::pg_sys::{self, MemoryContext};
use std::cell::Cell;
use std::rc::Rc;

/// A memory context that is deleted with this value.
///
/// The server deletes it earlier when it deletes the context that was the current one when this
/// value was made, as the abort of a transaction may do. The value notices that: it is empty from
/// then on.
pub struct Context {
    handle: Rc<Handle>,
}

struct Handle {
    // Around the one that is used, which may be reset. Null once the server has deleted it.
    outer: Cell<MemoryContext>,
    inner: MemoryContext,
}

impl Context {
    /// A new child of the current context.
    pub fn new() -> Result<Context> {
        // SAFETY: the current context is one of the server's; sizes are its own.
        let (outer, inner) = unsafe {
            catch(|| {
                let outer = create(pg_sys::CurrentMemoryContext, pg_sys::ALLOCSET_SMALL_INITSIZE);
                (outer, create(outer, pg_sys::ALLOCSET_DEFAULT_INITSIZE))
            })
        }?;
        let handle = Rc::new(Handle { outer: Cell::new(outer), inner });
        // SAFETY: the callback's entry lives in the context, so as long as it may be called. It
        // owns a count of the handle, which the call gives back.
        unsafe {
            let size = size_of::<pg_sys::MemoryContextCallback>();
            let entry = catch(|| raw::MemoryContextAlloc(outer, size))?;
            let entry = entry.cast::<pg_sys::MemoryContextCallback>();
            (*entry).func = Some(deleted);
            (*entry).arg = Rc::into_raw(Rc::clone(&handle)).cast_mut().cast::<c_void>();
            pg_sys::MemoryContextRegisterResetCallback(outer, entry);
        }
        Ok(Context { handle })
    }

    /// Whether the server has not deleted it.
    pub(super) fn is_there(&self) -> bool {
        !self.handle.outer.get().is_null()
    }

    /// Runs code with this context as the current one. If it was deleted, the current one stays.
    pub fn enter<T>(&self, code: impl FnOnce() -> T) -> T {
        if !self.is_there() {
            return code();
        }
        let _entered = Entered { context: self, former: switch(self.handle.inner) };
        code()
    }

    /// The context, for as long as it [is there](Context::is_there).
    pub(super) fn raw(&self) -> MemoryContext {
        self.handle.inner
    }
}

/// # Safety
/// Inside of `catch`; the parent is a context.
unsafe fn create(parent: MemoryContext, initial: u32) -> MemoryContext {
    let name = c"pg_migrations".as_ptr();
    let (minimum, maximum) = (pg_sys::ALLOCSET_DEFAULT_MINSIZE, pg_sys::ALLOCSET_DEFAULT_MAXSIZE);
    let sizes = (minimum as usize, initial as usize, maximum as usize);
    // SAFETY: the caller's promise.
    unsafe { raw::AllocSetContextCreateInternal(parent, name, sizes.0, sizes.1, sizes.2) }
}

/// Called by the server as it deletes a context.
unsafe extern "C-unwind" fn deleted(handle: *mut c_void) {
    // SAFETY: the count that `new` gave away. The server calls it once.
    let handle = unsafe { Rc::from_raw(handle.cast_const().cast::<Handle>()) };
    handle.leave();
    handle.outer.set(core::ptr::null_mut());
}

impl Handle {
    /// Makes another context the current one, if it is this one.
    fn leave(&self) {
        // SAFETY: reads a variable of this process.
        let current = unsafe { pg_sys::CurrentMemoryContext };
        if [self.outer.get(), self.inner].contains(&current) {
            switch(of_statement());
        }
    }
}

struct Entered<'a> {
    context: &'a Context,
    former: MemoryContext,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // What deleted this context may have deleted the former one, too.
        switch(if self.context.is_there() { self.former } else { of_statement() });
    }
}

/// The context of the client's statement, which outlives transactions in a CALL.
pub(super) fn of_statement() -> MemoryContext {
    // SAFETY: reads variables of this process. One of the contexts is always there.
    unsafe {
        let portal = pg_sys::PortalContext;
        let transaction = pg_sys::TopTransactionContext;
        match (portal.is_null(), transaction.is_null()) {
            (false, _) => portal,
            (true, false) => transaction,
            (true, true) => pg_sys::TopMemoryContext,
        }
    }
}

fn switch(to: MemoryContext) -> MemoryContext {
    // SAFETY: callers give contexts that are there.
    unsafe {
        let former = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = to;
        former
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let outer = self.handle.outer.get();
        if !outer.is_null() {
            self.handle.leave();
            // SAFETY: the context is there, since `deleted` wasn't called, and isn't the current
            // one.
            unsafe { raw::MemoryContextDelete(outer) };
        }
    }
}

//! Work that is taken back without ending the transaction.

use super::{catch::catch, raw};
use crate::error::Result;
use pgrx::pg_sys;

/// A subtransaction. Its drop rolls it back, after an error, too: one left open would be
/// taken for its own by whoever catches the error outside.
#[must_use]
pub struct Subtransaction {
    memory: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Subtransaction {
    /// Begins one.
    pub fn begin() -> Result<Subtransaction> {
        // SAFETY: the order of work of the server's own languages: memory context and
        // resource owner stay those of the surroundings.
        unsafe {
            let (memory, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
            catch(|| raw::BeginInternalSubTransaction(core::ptr::null()))?;
            pg_sys::CurrentMemoryContext = memory;
            Ok(Subtransaction { memory, owner })
        }
    }
}

impl Drop for Subtransaction {
    fn drop(&mut self) {
        // SAFETY: ours, and the innermost one: inner ones were dropped before. The abort
        // raises nothing that could be acted on. Context and owner live as long as the
        // surrounding (sub)transaction.
        unsafe {
            let _ = catch(|| raw::RollbackAndReleaseCurrentSubTransaction());
            pg_sys::CurrentMemoryContext = self.memory;
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}

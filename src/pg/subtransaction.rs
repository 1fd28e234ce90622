//! Work that is rolled back without ending the transaction.

use super::{catch::catch, raw};
use crate::error::Result;
use pgrx::pg_sys;

/// A subtransaction. Its drop rolls it back, after an error, too: whoever catches the error
/// outside would take one that was left open for its own.
#[must_use]
pub struct Subtransaction {
    id: pg_sys::SubTransactionId,
    level: core::ffi::c_int,
    memory: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Subtransaction {
    /// Begins one.
    pub fn begin() -> Result<Subtransaction> {
        // SAFETY: the order of work of the server's own languages: memory context and resource
        // owner stay those of the surroundings.
        unsafe {
            let (memory, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
            catch(|| raw::BeginInternalSubTransaction(core::ptr::null()))?;
            pg_sys::CurrentMemoryContext = memory;
            let id = pg_sys::GetCurrentSubTransactionId();
            let level = pg_sys::GetCurrentTransactionNestLevel();
            Ok(Subtransaction { id, level, memory, owner })
        }
    }
}

impl Drop for Subtransaction {
    fn drop(&mut self) {
        // SAFETY: rolls back what is inside of this subtransaction, and then this one. If it has
        // ended before, with one around it or the transaction, nothing happens. The abort raises
        // nothing that could be acted on. Context and owner live as long as the surrounding
        // (sub)transaction.
        unsafe {
            let roll_back = || catch(|| raw::RollbackAndReleaseCurrentSubTransaction());
            while pg_sys::GetCurrentTransactionNestLevel() > self.level {
                if roll_back().is_err() {
                    return;
                }
            }
            if pg_sys::GetCurrentSubTransactionId() != self.id {
                return;
            }
            let _ = roll_back();
            pg_sys::CurrentMemoryContext = self.memory;
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}

//! Cancels, timeouts and terminations while Rust code is at work, and want of memory there.
//!
//! The rules of `src/domain` count what they do, and have [`check`] called for each part of it
//! ([`halt`]). A server error that this gives, such as that of a cancel, is carried through the
//! Rust frames as a panic's payload is, with all destructors, up to [`stoppable`], which makes
//! an [`Error`] of it.

use super::catch::{Caught, catch};
use super::{raw, reserve};
use crate::domain::halt::{self, OutOfMemory};
use crate::error::{Error, Result};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::cell::Cell;

thread_local! {
    // Whether the work is part of making a message, where nothing may be thrown.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// A server error on its way.
struct Stopped(Caught);

// SAFETY: a server process has one thread that runs server code; the payload of a panic must be
// `Send`, but goes to no other thread.
unsafe impl Send for Stopped {}

/// Has the rules of `src/domain` look for interrupts. To be called once, when the library is
/// loaded.
pub fn watch() {
    halt::install(check);
}

/// What CHECK_FOR_INTERRUPTS does.
fn check() {
    // SAFETY: a variable that signal handlers of this process set.
    let is_pending = unsafe { (&raw const pg_sys::InterruptPending).read_volatile() } != 0;
    if IS_QUIET.get() {
        return;
    }
    if reserve::is_used() {
        halt::end(OutOfMemory);
    }
    if !is_pending {
        return;
    }
    // SAFETY: the closure holds nothing; what is thrown ends the call, or the step of it.
    if let Err(error) = unsafe { catch(|| raw::ProcessInterrupts()) } {
        end(error);
    }
}

/// Ends the work with an error of the server's, where there is no way to return one.
pub fn end(error: Caught) -> ! {
    halt::end(Stopped(error))
}

/// Does work that may be ended. Errors: its own; the server's, by which it is cut off (57014
/// and others); there is no memory left for its texts (53200).
pub fn stoppable<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match halt::catch(|| halt::catch(work)) {
        Ok(Ok(done)) => done,
        Ok(Err(OutOfMemory)) => Err(out_of_memory()),
        Err(Stopped(error)) => Err(error.into()),
    }
}

/// There is no memory left for a text (53200).
pub fn out_of_memory() -> Error {
    Error::new(Code::ERRCODE_OUT_OF_MEMORY, "out of memory")
        .hint("Repeat the call when the server has more of it.")
}

/// Does work as part of making a message: it isn't cut off, and without memory there is none.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    let former = IS_QUIET.replace(true);
    let done = halt::catch(work);
    IS_QUIET.set(former);
    done.map_err(|OutOfMemory| ()).ok()
}

//! Cancels, timeouts and terminations while Rust code runs, and memory that runs out there.
//!
//! The code of `src/domain` counts its work and calls a check for each part of it ([`halt`]). A
//! server error of the check, such as that of a cancel, unwinds the Rust frames with all
//! destructors up to [`stoppable`], which returns it as an [`Error`].

use super::catch::{Caught, catch};
use super::{raw, reserve};
use crate::domain::halt::{self, OutOfMemory};
use crate::error::{Error, Result};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::cell::Cell;

thread_local! {
    // Whether the work is part of a message that is being made, where nothing may be thrown.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// A server error that unwinds the stack.
struct Stopped(Caught);

// SAFETY: a server process has one thread that runs server code; the payload of a panic must be
// `Send`, but goes to no other thread.
unsafe impl Send for Stopped {}

/// Makes the code of `src/domain` act on interrupts. To be called once, when the library is
/// loaded.
pub fn watch() {
    halt::install(check_work);
}

/// Acts on the interrupts that are pending, as CHECK_FOR_INTERRUPTS does. Errors: the server's,
/// of a cancel, a timeout or a termination.
pub fn check() -> std::result::Result<(), Caught> {
    // SAFETY: a variable that signal handlers of this process set.
    let is_pending = unsafe { (&raw const pg_sys::InterruptPending).read_volatile() } != 0;
    if !is_pending {
        return Ok(());
    }
    // SAFETY: the closure holds nothing.
    unsafe { catch(|| raw::ProcessInterrupts()) }
}

/// The check of work that may be ended.
fn check_work() {
    if IS_QUIET.get() {
        return;
    }
    if reserve::is_used() {
        halt::end(OutOfMemory);
    }
    if let Err(error) = check() {
        end(error);
    }
}

/// Ends the work with a server error, where it cannot be returned.
pub fn end(error: Caught) -> ! {
    halt::end(Stopped(error))
}

/// Does work that may be ended. Errors: its own; the server's, which ended it (57014 and others);
/// there is no memory left for its texts (53200).
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

/// Does work for a message that is being made: no interrupt ends it. None: there is no memory.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    let former = IS_QUIET.replace(true);
    let done = halt::catch(work);
    IS_QUIET.set(former);
    done.map_err(|OutOfMemory| ()).ok()
}

//! Ends work early: when a cancel arrives, or when there is no memory left.
//!
//! Every loop over data of a user counts its work ([`work`]). After each [`STRIDE`] of work a check
//! is called, which the part of the program that knows the server has installed ([`install`]). A
//! check that ends the work unwinds the stack ([`end`]), so that destructors run, and [`catch`]
//! returns the reason where the work began. So functions that can't fail need no error for this
//! case, and their unfinished results are dropped.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The work between two checks, in bytes that were read or written.
pub const STRIDE: usize = 256 << 10;

/// The work of a step that reads no bytes, but looks something up or compares.
pub const STEP: usize = 64;

/// The reason that is no check's: there is no memory left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory;

thread_local! {
    static CHECK: Cell<fn()> = const { Cell::new(nothing) };
    // The work since the last check.
    static DONE: Cell<usize> = const { Cell::new(0) };
}

fn nothing() {}

/// Installs the check. It returns, or calls [`end`].
pub fn install(check: fn()) {
    CHECK.set(check);
}

/// Counts work, before or after it is done. Doesn't return if the check ends it.
pub fn work(bytes: usize) {
    let done = DONE.get().saturating_add(bytes);
    if done < STRIDE {
        DONE.set(done);
        return;
    }
    DONE.set(0);
    CHECK.get()();
}

/// Counts a step of work for each element of an iterator.
pub fn counted<T>(items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    items.inspect(|_| work(STEP))
}

/// The parts of a long text; each is counted as work.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(STRIDE).inspect(|part| work(part.len()))
}

/// Searches a text from a place on, part by part, with a function that finds the place in a part.
/// What is searched for is at most `length` bytes long.
pub fn search(
    bytes: &[u8],
    from: usize,
    length: usize,
    mut find: impl FnMut(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        // Parts overlap, so that something across the end of one is found as a whole.
        let end = bytes.len().min(at + STRIDE + length - 1);
        if let Some(n) = find(&bytes[at..end]) {
            work(n + 1);
            return Some(at + n);
        }
        work(end - at);
        at += STRIDE;
    }
    None
}

/// Ends the work for this reason.
pub fn end(why: impl Any + Send) -> ! {
    resume_unwind(Box::new(why))
}

/// Does work that a check or a lack of memory may end. Error: the reason that was given to [`end`].
/// Other panics continue.
pub fn catch<W: Any, T>(work: impl FnOnce() -> T) -> Result<T, W> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|why| match why.downcast::<W>() {
        Ok(why) => *why,
        Err(other) => resume_unwind(other),
    })
}

#[cfg(test)]
pub mod testing {
    //! Counting what others do.

    use super::{STRIDE, install, nothing, work};
    use std::cell::Cell;

    thread_local! {
        static CHECKS: Cell<usize> = const { Cell::new(0) };
    }

    fn count() {
        CHECKS.set(CHECKS.get() + 1);
    }

    /// How often work calls the check.
    pub fn checks(of: impl FnOnce()) -> usize {
        // Whatever was counted before.
        work(STRIDE);
        CHECKS.set(0);
        install(count);
        of();
        install(nothing);
        CHECKS.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop() {
        end("enough");
    }

    #[test]
    fn ends_what_does_too_much() {
        let reached = Cell::new(0);
        install(stop);
        let ended = catch::<&str, ()>(|| {
            for n in 0..10 * STRIDE {
                work(1);
                reached.set(n);
            }
        });
        install(nothing);
        assert_eq!(ended, Err("enough"));
        assert!(reached.get() <= STRIDE);
    }

    #[test]
    fn other_panics_pass() {
        let passed = catch_unwind(|| catch::<OutOfMemory, ()>(|| end(1u8)));
        assert!(passed.is_err());
    }

    #[test]
    fn searches_across_parts() {
        for at in [0, 1, STRIDE - 2, STRIDE - 1, STRIDE, 3 * STRIDE - 1] {
            let mut bytes = vec![0u8; 3 * STRIDE + 2];
            bytes[at..at + 2].copy_from_slice(b"ab");
            let find = |part: &[u8]| memchr::memmem::find(part, b"ab");
            assert_eq!(search(&bytes, 0, 2, find), Some(at));
            assert_eq!(search(&bytes, at + 1, 2, find), None);
        }
    }

    #[test]
    fn counts_parts() {
        let read = || assert_eq!(parts(&vec![0; 4 * STRIDE]).count(), 4);
        assert_eq!(testing::checks(read), 4);
    }
}

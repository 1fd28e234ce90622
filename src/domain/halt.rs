//! Ends work that is under way: a cancel has come in, or there is no memory left.
//!
//! Everything that loops over something of a user's says how much work it does ([`work`]).
//! Once a [`STRIDE`] of it is done, the check that the server's side has installed is called
//! ([`install`]). A check that wants the work to end unwinds ([`end`]), so destructors run,
//! and [`catch`] makes a value of that where the work was begun. So functions that can't fail
//! need no way to say that they were cut off, and what they have made so far is dropped
//! instead of used.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// How much work is done between two checks, in bytes that were read or written.
pub const STRIDE: usize = 256 << 10;

/// What a step is counted as that reads no bytes, but looks something up or compares.
pub const STEP: usize = 64;

/// Why work has ended, where it isn't a check that has ended it: there is no memory left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory;

thread_local! {
    static CHECK: Cell<fn()> = const { Cell::new(nothing) };
    // The work since the last check.
    static DONE: Cell<usize> = const { Cell::new(0) };
}

fn nothing() {}

/// Makes this function the check. It returns, or leaves by [`end`].
pub fn install(check: fn()) {
    CHECK.set(check);
}

/// Counts work, before or after it is done. Does not return where it is to end.
pub fn work(bytes: usize) {
    let done = DONE.get().saturating_add(bytes);
    if done < STRIDE {
        DONE.set(done);
        return;
    }
    DONE.set(0);
    CHECK.get()();
}

/// The same as an element of an iterator passes by.
pub fn counted<T>(items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    items.inspect(|_| work(STEP))
}

/// Parts of a long text of bytes, each counted as work.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(STRIDE).inspect(|part| work(part.len()))
}

/// Searches a text of bytes from a place on, part by part, with a function that finds the place
/// in a part. What is searched for is at most `length` bytes long.
pub fn search(
    bytes: &[u8],
    from: usize,
    length: usize,
    mut find: impl FnMut(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        // What is cut by the end of a part is found in whole in the longer one.
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

/// Ends the work, for this reason.
pub fn end(why: impl Any + Send) -> ! {
    resume_unwind(Box::new(why))
}

/// Does work that a check, or want of memory, may end. Error: why it has ended, as it was
/// given to [`end`]. Panics for other reasons pass.
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

    /// How often something checks whether it is to end.
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

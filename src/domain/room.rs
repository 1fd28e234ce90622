//! Memory for data whose size users determine. A Rust allocation that fails aborts the process, and
//! with it the whole server. Here it ends the work instead ([`halt::OutOfMemory`]).

use super::halt::{self, OutOfMemory};

/// A copy of a text.
pub fn owned(text: &str) -> String {
    let mut copy = String::new();
    push_str(&mut copy, text);
    copy
}

/// Adds to a text.
pub fn push_str(text: &mut String, more: &str) {
    if text.try_reserve(more.len()).is_err() && text.try_reserve_exact(more.len()).is_err() {
        halt::end(OutOfMemory);
    }
    text.push_str(more);
}

/// Adds an element.
pub fn push<T>(all: &mut Vec<T>, one: T) {
    if all.len() == all.capacity()
        && all.try_reserve(1).is_err()
        && all.try_reserve_exact(1 + all.len() / 8).is_err()
    {
        halt::end(OutOfMemory);
    }
    all.push(one);
}

/// Adds bytes.
pub fn extend(bytes: &mut Vec<u8>, more: &[u8]) {
    if bytes.try_reserve(more.len()).is_err() && bytes.try_reserve_exact(more.len()).is_err() {
        halt::end(OutOfMemory);
    }
    bytes.extend_from_slice(more);
}

/// Bytes to which a library can write.
#[derive(Debug, Default)]
pub struct Buffer(pub Vec<u8>);

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        halt::work(bytes.len());
        extend(&mut self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A list for this many elements.
pub fn list<T>(count: usize) -> Vec<T> {
    let mut all = Vec::new();
    match all.try_reserve_exact(count) {
        Ok(()) => all,
        Err(_) => halt::end(OutOfMemory),
    }
}

/// Makes sure that there is memory for this many bytes, before work that allocates no more, and whose
/// allocations can't be checked, such as that of a library.
pub fn ensure(bytes: usize) {
    drop(list::<u8>(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies() {
        let mut text = owned("a");
        push_str(&mut text, "b");
        assert_eq!(text, "ab");
        let mut all = list(1);
        push(&mut all, 1);
        push(&mut all, 2);
        assert_eq!(all, [1, 2]);
    }

    #[test]
    fn ends_where_there_is_no_memory() {
        assert_eq!(halt::catch(|| ensure(usize::MAX / 2)), Err::<(), _>(OutOfMemory));
        assert_eq!(halt::catch(|| ensure(1 << 20)), Ok::<_, OutOfMemory>(()));
    }
}

//! Texts that were checked and are about to run: fetched, hashed and scanned once.

use crate::pg::context::Read;
use crate::store::script::StoredScript;
use std::collections::HashMap;
use std::rc::Rc;

/// How much text a run keeps between its checks and its steps, in bytes. The first text is
/// kept whatever its size: a dump is mostly alone.
const KEPT: usize = 16 << 20;

/// The texts of a step that was checked.
pub struct Ready {
    /// The texts.
    pub text: StoredScript,
    /// What the parser reads of the body.
    pub read: Option<Rc<Read>>,
}

/// Texts by the places of their steps in the plan.
#[derive(Default)]
pub struct Kept {
    texts: HashMap<usize, Ready>,
    size: usize,
}

impl Kept {
    /// Keeps the texts of a step, if there is room for them.
    pub fn keep(&mut self, step: usize, ready: Ready) {
        let Ready { text, read } = &ready;
        let beside = [&text.precondition, &text.verify].into_iter().flatten();
        let size = text.body.len()
            + beside.map(String::len).sum::<usize>()
            + read.as_ref().map_or(0, |read| read.size());
        if self.texts.is_empty() || self.size + size <= KEPT {
            self.size += size;
            self.texts.insert(step, ready);
        }
    }

    /// Gives the texts of a step away.
    pub fn take(&mut self, step: usize) -> Option<Ready> {
        self.texts.remove(&step)
    }
}

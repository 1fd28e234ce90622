//! Scripts that were checked and are about to run, so that they are fetched, hashed and scanned
//! only once.

use crate::pg::context::ParserInput;
use crate::store::script::StoredScript;
use std::collections::HashMap;
use std::rc::Rc;

/// How much a run keeps between its checks and its steps, in bytes. The first step's scripts are
/// kept whatever their size, since a dump is usually the only migration.
const KEPT: usize = 16 << 20;

/// The scripts of a step that was checked.
pub struct CachedScript {
    /// The scripts.
    pub text: StoredScript,
    /// What the parser is to read of the step's own script, if that was prepared.
    pub read: Option<Rc<ParserInput>>,
}

/// The scripts of steps, by the index of the step in the plan.
#[derive(Default)]
pub struct ScriptCache {
    texts: HashMap<usize, CachedScript>,
    size: usize,
}

impl ScriptCache {
    /// Keeps the scripts of a step, if there is room for them.
    pub fn keep(&mut self, step: usize, ready: CachedScript) {
        let CachedScript { text, read } = &ready;
        let beside = [&text.precondition, &text.verify].into_iter().flatten();
        let size = text.body.len()
            + beside.map(String::len).sum::<usize>()
            + read.as_ref().map_or(0, |read| read.size());
        if self.texts.is_empty() || self.size + size <= KEPT {
            self.size += size;
            self.texts.insert(step, ready);
        }
    }

    /// Takes the scripts of a step out of the cache.
    pub fn take(&mut self, step: usize) -> Option<CachedScript> {
        self.texts.remove(&step)
    }
}

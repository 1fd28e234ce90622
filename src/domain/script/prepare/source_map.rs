//! The way from what the parser has read to the text as it was registered.

/// Leads from places in what the parser reads to places in the text as it was registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    // A run goes to the beginning of the next one.
    pub(super) runs: Vec<MappedRange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MappedRange {
    // Where it begins in what the parser reads, and in the text.
    pub(super) sql: usize,
    pub(super) text: usize,
    // The bytes are the same in both. Else all of it replaces what is in this place of the text.
    pub(super) verbatim: bool,
}

impl SourceMap {
    /// The place in the text of a place in what the parser reads, both in bytes.
    pub fn to_source(&self, sql: usize) -> usize {
        let next = self.runs.partition_point(|run| run.sql <= sql);
        match next.checked_sub(1).map(|n| self.runs[n]) {
            Some(run) if run.verbatim => run.text + (sql - run.sql),
            Some(run) => run.text,
            None => sql,
        }
    }

    /// The place in the text of an end in what the parser reads.
    pub fn to_source_end(&self, sql: usize) -> usize {
        let before = self.runs.partition_point(|run| run.sql < sql);
        match before.checked_sub(1).map(|n| self.runs[n]) {
            Some(run) if run.verbatim => run.text + (sql - run.sql),
            // The value of a placeholder ends where the next run begins.
            Some(run) => self.runs.get(before).map_or(run.text, |next| next.text),
            None => sql,
        }
    }
}

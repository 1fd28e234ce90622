//! Sections of a text, which say at which line of it they begin.

use crate::domain::script::{floor_boundary, line_at, origin};
use crate::domain::{halt, room};
use memchr::memmem;
use std::ops::Range;

/// A line of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Where it begins.
    pub start: usize,
    /// Where the next one begins.
    pub end: usize,
    /// What is in it, without its end.
    pub text: &'a str,
}

/// Whether something is in a text.
pub fn holds(text: &str, wanted: &str) -> bool {
    let find = |part: &[u8]| memmem::find(part, wanted.as_bytes());
    halt::search(text.as_bytes(), 0, wanted.len(), find).is_some()
}

/// As much of a line as a mark can have.
pub fn head(line: &str) -> &str {
    const LONGEST: usize = 1000;
    &line[..floor_boundary(line, line.len().min(LONGEST))]
}

/// The lines of a text.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(n, whole)| {
        halt::work(whole.len());
        let line = Line {
            number: n + 1,
            start,
            end: start + whole.len(),
            text: whole
                .strip_suffix('\n')
                .map_or(whole, |line| line.strip_suffix('\r').unwrap_or(line)),
        };
        start = line.end;
        line
    })
}

/// What stands in the given ranges, which follow one another and begin lines: with empty lines
/// for those between them, and the line at which it begins.
pub fn cut(text: &str, ranges: &[Range<usize>]) -> String {
    let mut section = Section::default();
    let (mut line, mut from) = (1, 0);
    for range in ranges {
        line += line_at(&text[from..range.start], range.start - from) - 1;
        section.put(line, &text[range.clone()]);
        from = range.start;
    }
    section.finish()
}

/// A part of a text that is put together line by line: lines between others that aren't its own
/// are empty in it, so that each stays where it is in the whole text, counted from the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    text: String,
    /// The line of the whole text at which it begins; 0: none yet.
    first: usize,
    /// How many lines it has ended.
    newlines: usize,
}

impl Section {
    /// Adds a line of the whole text.
    pub fn add(&mut self, whole: &str, line: &Line) {
        self.put(line.number, &whole[line.start..line.end]);
    }

    /// Adds a text that begins with this line, and may be several.
    pub fn put(&mut self, line: usize, text: &str) {
        if self.first == 0 {
            self.first = line;
        }
        for _ in self.first + self.newlines..line {
            self.end_line();
        }
        self.newlines += line_at(text, text.len()) - 1;
        room::push_str(&mut self.text, text);
    }

    /// Ends the last line.
    pub fn end_line(&mut self) {
        room::push_str(&mut self.text, "\n");
        self.newlines += 1;
    }

    /// Adds a line that is a comment and ends a statement, which may lack its semicolon.
    pub fn end_statement(&mut self, whole: &str, line: &Line) {
        let ended = self.text.trim_end().ends_with(';');
        let at = self.text.len();
        self.add(whole, line);
        if !ended {
            // Behind the empty lines that have been added.
            let comment = self.text.len() - (line.end - line.start);
            self.text.insert(comment.max(at), ';');
        }
    }

    /// What has been put together.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the whole text that is the one of this number here.
    pub fn line(&self, number: usize) -> usize {
        self.first.max(1) + number - 1
    }

    /// The same with the line at which it begins.
    pub fn finish(self) -> String {
        origin::marked(self.first, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_lines() {
        let all: Vec<_> = lines("a\r\n\nb").map(|l| (l.number, l.start, l.end, l.text)).collect();
        assert_eq!(all, [(1, 0, 3, "a"), (2, 3, 4, ""), (3, 4, 5, "b")]);
        assert_eq!(lines("").count(), 0);
        assert_eq!(lines("a\n").count(), 1);
    }

    #[test]
    fn keeps_lines_where_they_are() {
        let text = "1\n2\n3\n4\n5";
        let mark = "-- pg_migrations: line 2\n";
        assert_eq!(cut(text, &[2..4, 6..8]), format!("{mark}2\n\n4\n"));
        assert_eq!(cut(text, &[0..2, 6..8]), "1\n\n\n4\n");
        assert_eq!(cut(text, &[]), "");
        assert_eq!(cut("é\né\né", &[3..5, 6..8]), format!("{mark}é\né"));
    }

    #[test]
    fn many_sections_are_no_longer_than_the_text() {
        let text = "a\n".repeat(20_000);
        let one = |line: Line| {
            let mut section = Section::default();
            section.add(&text, &line);
            section.finish().len()
        };
        assert!(lines(&text).map(one).sum::<usize>() < 20 * text.len());
    }
}

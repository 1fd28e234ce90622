//! Lines and sections of a file. A section says at which line of the file it begins.

use crate::domain::script::{floor_boundary, line_at, origin};
use crate::domain::{halt, room};
use memchr::memmem;
use std::ops::Range;

/// A line of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// The offset of its first byte.
    pub start: usize,
    /// The offset of the next line.
    pub end: usize,
    /// The content, without the line end.
    pub text: &'a str,
}

/// Whether a text contains another one. Long searches can be cancelled.
pub fn contains(text: &str, wanted: &str) -> bool {
    let find = |part: &[u8]| memmem::find(part, wanted.as_bytes());
    halt::search(text.as_bytes(), 0, wanted.len(), find).is_some()
}

/// The beginning of a line, which is longer than any marker.
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

/// A section of the given ranges, which are in order and begin at line starts. The lines between
/// them are empty in it.
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

/// A section that is collected line by line. Lines of the file between those of the section are
/// empty in it, so that each line keeps its distance from the first one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    text: String,
    /// The line of the file at which it begins; 0: it is empty.
    first: usize,
    /// The number of line ends in it.
    newlines: usize,
}

impl Section {
    /// Adds a line of the file.
    pub fn add(&mut self, whole: &str, line: &Line) {
        self.put(line.number, &whole[line.start..line.end]);
    }

    /// Adds a text of one or more lines that begins at this line of the file.
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

    /// Adds a line end.
    pub fn end_line(&mut self) {
        room::push_str(&mut self.text, "\n");
        self.newlines += 1;
    }

    /// Adds a comment line that ends a statement, and the semicolon if the statement has none.
    pub fn end_statement(&mut self, whole: &str, line: &Line) {
        let ended = self.text.trim_end().ends_with(';');
        let at = self.text.len();
        self.add(whole, line);
        if !ended {
            // After the empty lines that have been added.
            let comment = self.text.len() - (line.end - line.start);
            self.text.insert(comment.max(at), ';');
        }
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the file for a line of the section.
    pub fn line(&self, number: usize) -> usize {
        self.first.max(1) + number - 1
    }

    /// The text, with a first line that says at which line of the file it begins.
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
    fn lines_keep_their_distance() {
        let text = "1\n2\n3\n4\n5";
        let first = "-- pg_migrations: line 2\n";
        assert_eq!(cut(text, &[2..4, 6..8]), format!("{first}2\n\n4\n"));
        assert_eq!(cut(text, &[0..2, 6..8]), "1\n\n\n4\n");
        assert_eq!(cut(text, &[]), "");
        assert_eq!(cut("é\né\né", &[3..5, 6..8]), format!("{first}é\né"));
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

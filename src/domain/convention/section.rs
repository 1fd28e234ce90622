//! Sections of a text, of which the lines stay where they are.

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

/// The lines of a text.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(n, whole)| {
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

/// What stands in the given ranges, which follow one another: each line where it is in the
/// whole text, those outside of them empty.
pub fn cut(text: &str, ranges: &[Range<usize>]) -> String {
    let mut section = String::new();
    let mut from = 0;
    for range in ranges {
        let newlines = text[from..range.start].bytes().filter(|b| *b == b'\n').count();
        section.extend(std::iter::repeat_n('\n', newlines));
        section.push_str(&text[range.clone()]);
        from = range.end;
    }
    section
}

/// A section that is put together line by line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// The lines, each where it is in the whole text.
    pub text: String,
    newlines: usize,
}

impl Section {
    /// Adds a line of the whole text.
    pub fn add(&mut self, whole: &str, line: &Line) {
        let missing = (line.number - 1).saturating_sub(self.newlines);
        self.text.extend(std::iter::repeat_n('\n', missing));
        self.newlines += missing;
        let line = &whole[line.start..line.end];
        self.text.push_str(line);
        self.newlines += usize::from(line.ends_with('\n'));
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
        assert_eq!(cut(text, &[2..4, 6..8]), "\n2\n\n4\n");
        assert_eq!(cut(text, &[]), "");
        assert_eq!(cut("é\né\né", &[3..5, 6..8]), "\né\né");
    }
}

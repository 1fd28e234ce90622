//! The data after `COPY … FROM stdin`.

use super::super::lexer::{end_of_line, is_space};
use super::{PieceKind, Scanner};
use crate::domain::{halt, room};
use memchr::memmem;

impl Scanner<'_> {
    /// Reads the rest of the line of a COPY, and its data. `place` is that of what ends the COPY.
    pub(super) fn copied(&mut self, place: usize) {
        self.rest_of_line();
        let start = self.at;
        let end = self.end_of_data();
        if end > start {
            self.at = end;
            self.new_piece(PieceKind::Data, start..end);
            room::push(&mut self.scan.copies, place);
        }
        if end < self.bytes.len() {
            self.at = self.next_line(end);
            self.new_piece(PieceKind::EndOfData, end..self.at);
        }
    }

    /// The rest of the line: white space and a comment. Anything else cannot be distinguished
    /// from the data.
    fn rest_of_line(&mut self) {
        let rest = self.at;
        self.at = self.next_line(rest);
        let line = &self.bytes[rest..self.at];
        let blank = line.iter().take_while(|b| is_space(**b)).count();
        let is_comment = line[blank..].starts_with(b"--");
        let end = if is_comment { end_of_line(line, blank) } else { blank };
        if !matches!(line[end..], [] | [b'\n'] | [b'\r', b'\n']) {
            self.scan.after_copy.get_or_insert(rest + end);
        }
        if is_comment {
            self.new_piece(PieceKind::Comment, rest..self.at);
        } else if self.at > rest {
            self.piece(PieceKind::Sql, rest);
        }
    }

    /// Where the line begins that ends the data which begins here; the end of the text, if there
    /// is no such line.
    fn end_of_data(&self) -> usize {
        let mut at = self.at;
        loop {
            // Only lines that begin with a backslash matter.
            let is_line_start = at == 0 || self.bytes[at - 1] == b'\n';
            let line = match is_line_start && self.text[at..].starts_with("\\.") {
                true => Some(at),
                false => {
                    let find = |part: &[u8]| memmem::find(part, b"\n\\.");
                    halt::search(self.bytes, at, 3, find).map(|n| n + 1)
                }
            };
            let Some(line) = line else { return self.bytes.len() };
            at = line + 2;
            match &self.bytes[at..] {
                [] | [b'\n', ..] | [b'\r', b'\n', ..] => return line,
                _ => {}
            }
        }
    }

    /// Where the line after the one of this place begins.
    fn next_line(&self, from: usize) -> usize {
        let newline = halt::search(self.bytes, from, 1, |part| memchr::memchr(b'\n', part));
        newline.map_or(self.bytes.len(), |n| n + 1)
    }
}

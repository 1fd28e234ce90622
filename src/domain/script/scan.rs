//! A script in pieces: SQL, and what psql would not send to the server: its own commands, its
//! variables, and the data after `COPY … FROM stdin`.
//!
//! The server's parser decides what a statement is. This scanner only reads what the parser
//! can't: quotes, comments and dollar quotes as in the server's lexer (`scan.l`), and the end of a
//! statement as psql sees it (`psqlscan.l`), since data follows the end of a COPY. It reads the
//! text once. The pieces joined are the text.

mod copy;
mod statement;

use super::super::{halt, room};
use super::lexer::{self, variable_length};
use statement::{Colon, StatementState};
use std::ops::Range;

/// The kind of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// SQL: part of a statement, or several statements.
    Sql,
    /// A comment.
    Comment,
    /// A psql command, from its backslash to the end of its arguments.
    Command,
    /// A psql variable: `:x`, `:'x'`, `:"x"` or `:{?x}`. One that isn't set stays SQL.
    Variable,
    /// A variable, or a bound of a subscript, as in `a[ lo :hi ]`, or a value of JSON_OBJECT. What
    /// isn't set stays SQL, whatever is to be done about variables.
    Bound,
    /// The data of a COPY, in whole lines.
    Data,
    /// The line `\.` that ends data.
    EndOfData,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its kind.
    pub kind: PieceKind,
    /// Where it is, in bytes.
    pub range: Range<usize>,
}

/// A text in pieces.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// One after the other, without gaps.
    pub pieces: Vec<Piece>,
    /// The places of the semicolons that end statements.
    pub ends: Vec<usize>,
    /// For each piece of data, the place of what ends its COPY: a semicolon or `\g`.
    pub copies: Vec<usize>,
    /// The first place between the end of a COPY and the end of its line that has text, which
    /// cannot be distinguished from the data.
    pub after_copy: Option<usize>,
}

/// Scans a text. `conforming` is `standard_conforming_strings`: whether a backslash in `'…'` has
/// no special meaning.
pub fn scan(text: &str, conforming: bool) -> Scan {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        text,
        at: 0,
        conforming,
        scan: Scan::default(),
        statement: StatementState::default(),
        unclosed: 0,
    };
    scanner.run();
    scanner.scan
}

struct Scanner<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    conforming: bool,
    scan: Scan,
    statement: StatementState,
    // No brace before this place closes a placeholder. Without it, many placeholders in one line
    // would take quadratic time.
    unclosed: usize,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while self.at < self.bytes.len() {
            let start = self.at;
            let kind = self.token();
            halt::work(self.at - start);
            self.piece(kind, start);
            let ends = match kind {
                PieceKind::Sql => self.scan.ends.last() == Some(&start),
                PieceKind::Command => self.sends(start),
                _ => false,
            };
            if ends && std::mem::take(&mut self.statement).reads_data() {
                self.copied(start);
            }
        }
    }

    /// Adds what has been read to the last piece of its kind, or as a new one.
    fn piece(&mut self, kind: PieceKind, start: usize) {
        match self.scan.pieces.last_mut() {
            Some(last) if last.kind == kind && kind == PieceKind::Sql => last.range.end = self.at,
            _ => self.new_piece(kind, start..self.at),
        }
    }

    fn new_piece(&mut self, kind: PieceKind, range: Range<usize>) {
        room::push(&mut self.scan.pieces, Piece { kind, range });
    }

    /// Reads one token.
    fn token(&mut self) -> PieceKind {
        match &self.bytes[self.at..] {
            [b'-', b'-', ..] => {
                self.at = lexer::end_of_line(self.bytes, self.at);
                PieceKind::Comment
            }
            [b'/', b'*', ..] => {
                self.at = lexer::end_of_comment(self.bytes, self.at);
                PieceKind::Comment
            }
            [b':', ..] => self.colon(),
            [b'\\', b';' | b':', ..] => {
                // As in psql: a semicolon that is only sent to the server, or a colon that begins
                // no variable.
                self.at += 2;
                PieceKind::Command
            }
            [b'\\', ..] => {
                self.at = lexer::end_of_command(self.bytes, self.at);
                PieceKind::Command
            }
            _ => {
                self.sql();
                PieceKind::Sql
            }
        }
    }

    /// Reads one token of SQL.
    fn sql(&mut self) {
        match &self.bytes[self.at..] {
            [b'\'', ..] => self.quoted(0, !self.conforming),
            [b'e' | b'E', b'\'', ..] => self.quoted(1, true),
            [b'u' | b'U', b'&', b'\'', ..] => self.quoted(2, false),
            [b'b' | b'B' | b'x' | b'X', b'\'', ..] => self.quoted(1, false),
            [b'"', ..] => {
                self.at = lexer::end_of_quoted(self.bytes, self.at);
                self.statement.other();
            }
            // A placeholder of other tools, whose name may hold a colon.
            [b'$', b'{', ..] => {
                self.at = self.placeholder();
                self.statement.other();
            }
            // `$tag$ … $tag$`, `$1`, or a single dollar sign.
            [b'$', ..] => {
                self.statement.other();
                let end = lexer::end_of_dollar_quote(self.bytes, self.at);
                self.at = end.unwrap_or(self.at + 1);
            }
            [b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.., ..] => {
                let start = self.at;
                self.at = lexer::end_of_name(self.bytes, start);
                self.statement.word(&self.bytes[start..self.at]);
            }
            // What follows a number without a space is read as a word: no literal begins with a
            // letter there, but a dollar quote may begin.
            [b'0'..=b'9', ..] => {
                self.at += 1;
                self.statement.other();
            }
            [b';', ..] => {
                if self.statement.can_end() {
                    room::push(&mut self.scan.ends, self.at);
                }
                self.at += 1;
            }
            [byte, ..] => {
                self.statement.bracket(*byte, &self.bytes[..self.at]);
                if !lexer::is_space(*byte) {
                    self.statement.other();
                }
                self.at += 1;
            }
            [] => {}
        }
    }

    /// Where the placeholder that begins here ends. It goes no further than its line.
    fn placeholder(&mut self) -> usize {
        if self.at < self.unclosed {
            return self.at + 1;
        }
        let close = |part: &[u8]| memchr::memchr3(b'}', b'\n', b'\r', part);
        let end = halt::search(self.bytes, self.at, 1, close).unwrap_or(self.bytes.len());
        if self.bytes.get(end) == Some(&b'}') {
            return end + 1;
        }
        self.unclosed = end;
        self.at + 1
    }

    /// `'…'`, with what continues it on further lines, after a prefix of so many bytes.
    fn quoted(&mut self, prefix: usize, escapes: bool) {
        self.statement.other();
        self.at += prefix;
        loop {
            self.at = lexer::end_of_literal(self.bytes, self.at + 1, escapes);
            // A second quote is a quote within the literal; it reads as if the literal began
            // anew. So does a literal that goes on in a further line, which matters where that
            // takes the escapes along.
            if self.bytes.get(self.at) == Some(&b'\'') {
                continue;
            }
            match lexer::continuation(self.bytes, self.at).filter(|_| escapes) {
                Some(quote) => self.at = quote,
                None => break,
            }
        }
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// `::`, `:=`, or a variable.
    fn colon(&mut self) -> PieceKind {
        self.statement.other();
        let Some(length) = variable_length(&self.bytes[self.at..]) else {
            let is_operator = matches!(self.bytes.get(self.at + 1), Some(b':' | b'='));
            self.at += if is_operator { 2 } else { 1 };
            return PieceKind::Sql;
        };
        match self.statement.colon(&self.bytes[..self.at]) {
            Colon::Separator => {
                self.at += 1;
                PieceKind::Sql
            }
            Colon::Either => {
                self.at += length;
                PieceKind::Bound
            }
            Colon::Variable => {
                self.at += length;
                PieceKind::Variable
            }
        }
    }

    /// Whether a command, which has been read, ends the statement and sends it.
    fn sends(&mut self, start: usize) -> bool {
        match lexer::command_name(&self.text[start..self.at]) {
            // Whatever is open.
            "g" | "gx" => true,
            ";" if self.statement.can_end() => {
                // It is sent together with the next one, whose end its data would follow.
                if std::mem::take(&mut self.statement).reads_data() {
                    self.scan.after_copy.get_or_insert(start);
                }
                false
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;

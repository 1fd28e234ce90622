//! A migration's text in pieces: SQL, and what is none: psql's own commands, its variables,
//! and the data behind `COPY … FROM stdin`.
//!
//! What a statement is, is for the server's parser to say. Here only so much is read as is
//! needed to see what it can't: quotes, comments and dollar quotes as the server's lexer
//! reads them (`scan.l`), and where psql takes a statement to end (`psqlscan.l`), since data
//! begins behind the end of a COPY. All of it in one pass; the pieces joined are the text.

use super::super::{halt, room};
use memchr::memmem;
use std::ops::Range;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// SQL, in whatever amount: part of a statement, or several.
    Sql,
    /// A comment.
    Comment,
    /// A command of psql's, from its backslash to the end of its arguments.
    Command,
    /// A variable of psql's: `:x`, `:'x'`, `:"x"` or `:{?x}`. What isn't set stays SQL.
    Variable,
    /// The same where a bound of a subscript may be meant, as in `a[ lo :hi ]`, or a value of
    /// JSON_OBJECT. What isn't set stays SQL, whatever is to be done about variables.
    Bound,
    /// The data of a COPY, in whole lines.
    Data,
    /// The line `\.` that ends data.
    EndOfData,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
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
    /// Of each piece of data, the place of what ends its COPY: a semicolon or `\g`.
    pub copies: Vec<usize>,
    /// Where something stands between the end of a COPY and the end of its line, so that
    /// it can't be told from the data.
    pub after_copy: Option<usize>,
}

/// Reads a text. `conforming` is `standard_conforming_strings`: whether a backslash is
/// nothing special in `'…'`.
pub fn scan(text: &str, conforming: bool) -> Scan {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        text,
        at: 0,
        conforming,
        scan: Scan::default(),
        statement: Statement::default(),
        unclosed: 0,
    };
    scanner.run();
    scanner.scan
}

/// What is known of the statement that is being read.
#[derive(Default)]
struct Statement {
    // Its words so far, up to the few that matter.
    words: usize,
    // CREATE [OR REPLACE] FUNCTION or PROCEDURE, as far as it has come.
    routine: Routine,
    // Open parentheses.
    parentheses: usize,
    // These and open brackets, the last one innermost.
    open: Vec<Open>,
    // The last word was JSON_OBJECT or JSON_OBJECTAGG.
    json: bool,
    // Open BEGIN ATOMIC and CASE, which END closes.
    blocks: usize,
    // The last word was BEGIN, of a routine.
    begins: bool,
    copy: Copy,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Routine {
    #[default]
    Start,
    Create,
    Or,
    Replace,
    Yes,
    No,
}

/// What encloses a token.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Open {
    Parenthesis,
    /// That of JSON_OBJECT, in which a colon may separate key and value.
    Json,
    /// `a[…]`, in which a colon may separate bounds.
    Subscript,
    /// `ARRAY[…]`
    Constructor,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Copy {
    #[default]
    No,
    Begun,
    From,
    FromClient,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    conforming: bool,
    scan: Scan,
    statement: Statement,
    // Up to here no brace closes a placeholder. (Looked for anew for each of many in one line,
    // it would take the square of their number.)
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
            if ends {
                self.end_statement(start);
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

    /// Where the placeholder ends that begins here; it goes no further than its line.
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

    /// Reads one token, and passes it.
    fn token(&mut self) -> PieceKind {
        match &self.bytes[self.at..] {
            [b'-', b'-', ..] => {
                self.at = super::end_of_line(self.bytes, self.at);
                return PieceKind::Comment;
            }
            [b'/', b'*', ..] => {
                self.at = super::end_of_comment(self.bytes, self.at);
                return PieceKind::Comment;
            }
            [b'\'', ..] => self.quoted(!self.conforming),
            [b'"', ..] => {
                self.at = super::end_of_quoted(self.bytes, self.at);
                self.other();
            }
            [b'e' | b'E', b'\'', ..] => {
                self.at += 1;
                self.quoted(true);
            }
            [b'u' | b'U', b'&', b'\'', ..] => {
                self.at += 2;
                self.quoted(false);
            }
            [b'b' | b'B' | b'x' | b'X', b'\'', ..] => {
                self.at += 1;
                self.quoted(false);
            }
            // A placeholder of other tools, whose name may hold a colon.
            [b'$', b'{', ..] => {
                self.at = self.placeholder();
                self.other();
            }
            [b'$', ..] => self.dollar(),
            [b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.., ..] => self.word(),
            // What is written in one piece with a number is read as a word: a letter can't
            // begin a literal there, and a dollar sign can.
            [b'0'..=b'9', ..] => {
                self.at += 1;
                self.other();
            }
            [b':', ..] => return self.colon(),
            [b'\\', b';' | b':', ..] => {
                // As psql has it: a semicolon that it doesn't act on itself, or a colon
                // that begins no variable.
                self.at += 2;
                return PieceKind::Command;
            }
            [b'\\', ..] => {
                self.at = end_of_command(self.bytes, self.at);
                return PieceKind::Command;
            }
            [b';', ..] => {
                if self.statement.parentheses == 0 && self.statement.blocks == 0 {
                    room::push(&mut self.scan.ends, self.at);
                }
                self.at += 1;
            }
            [byte, ..] => {
                let byte = *byte;
                self.bracket(byte);
                if !is_space(byte) {
                    self.other();
                }
                self.at += 1;
            }
            [] => {}
        }
        PieceKind::Sql
    }

    /// Notes a parenthesis or bracket.
    fn bracket(&mut self, byte: u8) {
        let is_parenthesis = |open: &Open| matches!(open, Open::Parenthesis | Open::Json);
        let statement = &mut self.statement;
        match byte {
            b'(' => {
                statement.parentheses += 1;
                let open = if statement.json { Open::Json } else { Open::Parenthesis };
                room::push(&mut statement.open, open);
            }
            b')' => {
                statement.parentheses = statement.parentheses.saturating_sub(1);
                // With brackets that were not closed.
                while let Some(open) = statement.open.pop() {
                    if is_parenthesis(&open) {
                        break;
                    }
                }
            }
            b'[' => {
                let open = self.opened();
                room::push(&mut self.statement.open, open);
            }
            b']' => {
                statement.open.pop_if(|open| !is_parenthesis(open));
            }
            _ => {}
        }
    }

    /// What the bracket opens that is read next.
    fn opened(&self) -> Open {
        let before = self.bytes[..self.at].trim_ascii_end();
        match before.last() {
            // A further dimension.
            Some(b'[' | b',') => Open::Constructor,
            Some(last) if is_operand(*last) => {
                let (rest, word) = before.split_at(before.len().saturating_sub(5));
                let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | 0x80..);
                match word.eq_ignore_ascii_case(b"array") && !rest.last().is_some_and(is_name) {
                    true => Open::Constructor,
                    false => Open::Subscript,
                }
            }
            _ => Open::Constructor,
        }
    }

    /// Whether a colon may separate two operands here, and whether it certainly does: then
    /// no variable begins with it.
    fn separates(&self) -> (bool, bool) {
        let (before, open) = (&self.bytes[..self.at], self.statement.open.last());
        let is_behind = |bytes: &[u8]| bytes.last().is_some_and(|last| is_operand(*last));
        match open {
            // Its first bound may be left out, and the colon stand behind a bracket.
            Some(Open::Subscript) => (true, is_behind(before)),
            Some(Open::Json) => (is_behind(before.trim_ascii_end()), is_behind(before)),
            _ => (false, false),
        }
    }

    /// A token that is no word: it stands between words that would belong together.
    fn other(&mut self) {
        let statement = &mut self.statement;
        statement.begins = false;
        statement.json = false;
        if statement.copy == Copy::From {
            // COPY … FROM 'file'
            statement.copy = Copy::No;
        }
    }

    /// `'…'`, with what continues it on further lines.
    fn quoted(&mut self, escapes: bool) {
        self.other();
        loop {
            self.at = end_of_literal(self.bytes, self.at + 1, escapes);
            // A second quote is one within, which reads as if the literal began anew. So
            // does one on a further line, which matters where it takes the escapes along.
            if self.bytes.get(self.at) == Some(&b'\'') {
                continue;
            }
            match continuation(self.bytes, self.at).filter(|_| escapes) {
                Some(quote) => self.at = quote,
                None => break,
            }
        }
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// `$tag$ … $tag$`, or `$1`, or a lone dollar sign.
    fn dollar(&mut self) {
        self.other();
        let rest = &self.bytes[self.at + 1..];
        let is_start = |b: &u8| b.is_ascii_alphabetic() || matches!(*b, b'_' | 0x80..);
        let is_part = |b: &u8| is_start(b) || b.is_ascii_digit();
        let length = match rest.first() {
            Some(first) if is_start(first) => {
                super::find(rest, 0, |b| !is_part(b)).unwrap_or(rest.len())
            }
            _ => 0,
        };
        if rest.get(length) != Some(&b'$') {
            self.at += 1;
            return;
        }
        let delimiter = &self.bytes[self.at..self.at + length + 2];
        let finder = memmem::Finder::new(delimiter);
        let end = halt::search(self.bytes, self.at + delimiter.len(), delimiter.len(), |part| {
            finder.find(part)
        });
        self.at = end.map_or(self.bytes.len(), |n| n + delimiter.len());
    }

    fn word(&mut self) {
        let start = self.at;
        self.at = super::end_of_name(self.bytes, self.at);
        let word = &self.bytes[start..self.at];
        let is = |other: &str| word.eq_ignore_ascii_case(other.as_bytes());
        let statement = &mut self.statement;
        statement.routine = match statement.routine {
            Routine::Start if is("create") => Routine::Create,
            Routine::Create if is("or") => Routine::Or,
            Routine::Or if is("replace") => Routine::Replace,
            Routine::Create | Routine::Replace if is("function") || is("procedure") => Routine::Yes,
            Routine::Yes => Routine::Yes,
            _ => Routine::No,
        };
        if statement.routine == Routine::Yes && statement.parentheses == 0 {
            if statement.blocks == 0 {
                if statement.begins && is("atomic") {
                    statement.blocks = 1;
                }
            } else if is("case") {
                statement.blocks += 1;
            } else if is("end") {
                statement.blocks -= 1;
            }
        }
        statement.begins = is("begin");
        statement.json = is("json_object") || is("json_objectagg");
        if statement.parentheses == 0 {
            statement.copy = match statement.copy {
                Copy::No if statement.words == 0 && is("copy") => Copy::Begun,
                // The table may be named so, behind its schema.
                Copy::Begun | Copy::From if is("from") => Copy::From,
                Copy::From if is("stdin") || is("stdout") => Copy::FromClient,
                Copy::From => Copy::No,
                same => same,
            };
        }
        statement.words += 1;
    }

    /// `::`, `:=`, or a variable.
    fn colon(&mut self) -> PieceKind {
        self.other();
        if let Some(length) = variable(&self.bytes[self.at..]) {
            let (may_separate, separates) = self.separates();
            self.at += if separates { 1 } else { length };
            return match (may_separate, separates) {
                (_, true) => PieceKind::Sql,
                (true, _) => PieceKind::Bound,
                _ => PieceKind::Variable,
            };
        }
        let is_operator = matches!(self.bytes.get(self.at + 1), Some(b':' | b'='));
        self.at += if is_operator { 2 } else { 1 };
        PieceKind::Sql
    }

    /// Whether a command, which has been read, ends the statement, and sends it.
    fn sends(&mut self, start: usize) -> bool {
        match super::command::name(&self.text[start..self.at]) {
            // Whatever is open.
            "g" | "gx" => true,
            ";" if self.statement.parentheses == 0 && self.statement.blocks == 0 => {
                // It is sent with the next one, and its data would come behind that one.
                if std::mem::take(&mut self.statement).copy == Copy::FromClient {
                    self.scan.after_copy.get_or_insert(start);
                }
                false
            }
            _ => false,
        }
    }

    /// Begins the next statement; behind `COPY … FROM stdin`, after its data. `place` is
    /// that of what ends the statement.
    fn end_statement(&mut self, place: usize) {
        let copies = std::mem::take(&mut self.statement).copy == Copy::FromClient;
        if !copies {
            return;
        }
        // The rest of the line: white space and a comment.
        let rest = self.at;
        let newline = halt::search(self.bytes, self.at, 1, |part| memchr::memchr(b'\n', part));
        self.at = newline.map_or(self.bytes.len(), |n| n + 1);
        let line = &self.bytes[rest..self.at];
        let blank = line.iter().take_while(|b| is_space(**b)).count();
        let comment = line[blank..].starts_with(b"--");
        let end = if comment { super::end_of_line(line, blank) } else { blank };
        if !matches!(line[end..], [] | [b'\n'] | [b'\r', b'\n']) {
            self.scan.after_copy.get_or_insert(rest + end);
        }
        if comment {
            self.new_piece(PieceKind::Comment, rest..self.at);
        } else if self.at > rest {
            self.piece(PieceKind::Sql, rest);
        }
        self.data(place);
    }

    fn data(&mut self, place: usize) {
        let start = self.at;
        let end = loop {
            // Lines are looked at where a backslash begins one.
            let line = match self.text[self.at..].starts_with("\\.")
                && is_line_start(self.bytes, self.at)
            {
                true => Some(self.at),
                false => {
                    let find = |part: &[u8]| memmem::find(part, b"\n\\.");
                    halt::search(self.bytes, self.at, 3, find).map(|n| n + 1)
                }
            };
            let Some(line) = line else { break self.bytes.len() };
            self.at = line + 2;
            match &self.bytes[self.at..] {
                [] | [b'\n', ..] | [b'\r', b'\n', ..] => break line,
                _ => {}
            }
        };
        if end > start {
            self.at = end;
            self.new_piece(PieceKind::Data, start..end);
            room::push(&mut self.scan.copies, place);
        }
        if end < self.bytes.len() {
            let newline = halt::search(self.bytes, end, 1, |part| memchr::memchr(b'\n', part));
            self.at = newline.map_or(self.bytes.len(), |n| n + 1);
            self.new_piece(PieceKind::EndOfData, end..self.at);
        }
    }
}

/// Whether a byte may end an operand.
fn is_operand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'$' | b'\'' | b'"' | b')' | b']' | b'}' | 0x80..)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The length of the variable of psql's that begins here, if one does.
pub fn variable(bytes: &[u8]) -> Option<usize> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | 0x80..);
    let length = |from: &[u8]| super::find(from, 0, |b| !is_part(b)).unwrap_or(from.len());
    let (before, name, after) = match bytes {
        [b':', quote @ (b'\'' | b'"'), inner @ ..] => (2, inner, Some(quote)),
        [b':', b'{', b'?', inner @ ..] => (3, inner, Some(&b'}')),
        [b':', name @ ..] => (1, name, None),
        _ => return None,
    };
    let n = length(name);
    let closed = after.is_none() || name.get(n) == after;
    (n > 0 && closed).then_some(before + n + usize::from(after.is_some()))
}

fn is_line_start(bytes: &[u8], at: usize) -> bool {
    at == 0 || bytes[at - 1] == b'\n'
}

/// Behind the quote that ends a literal, or at the end of the text.
fn end_of_literal(bytes: &[u8], from: usize, escapes: bool) -> usize {
    let mut at = from;
    let mark = |part: &[u8]| memchr::memchr2(b'\'', b'\\', part);
    while let Some(next) = halt::search(bytes, at, 1, mark) {
        at = next + 1;
        match bytes[next] {
            b'\'' => return at,
            _ if escapes => at += 1,
            _ => {}
        }
    }
    bytes.len()
}

/// Where a literal goes on that has ended: behind white space with a newline in it, and
/// comments up to the end of their lines.
fn continuation(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut newline = false;
    loop {
        match &bytes[at..] {
            [b'\'', ..] if newline => return Some(at),
            [b'\n' | b'\r', ..] => {
                halt::work(1);
                (at, newline) = (at + 1, true);
            }
            [b' ' | b'\t' | 0x0b | 0x0c, ..] => {
                halt::work(1);
                at += 1;
            }
            [b'-', b'-', ..] => {
                at = super::end_of_line(bytes, at);
                // A comment that ends the text continues nothing.
                bytes.get(at)?;
            }
            _ => return None,
        }
    }
}

/// Where a command ends that begins at a backslash: before the end of its line, or before
/// a backslash that stands in no quotes, which begins the next command; `\\` ends it and
/// belongs to it.
fn end_of_command(bytes: &[u8], from: usize) -> usize {
    // Its name, which may be one mark such as `!` or `?`.
    let is_end = |b: &u8| is_space(*b) || *b == b'\\';
    let mut at = super::find(bytes, from + 1, is_end).unwrap_or(bytes.len());
    let is_special = |b: &u8| matches!(b, b'\n' | b'\\' | b'\'' | b'"' | b'`');
    while let Some(next) = super::find(bytes, at, is_special) {
        at = next + 1;
        match bytes[next] {
            b'\n' => return next,
            b'\\' if bytes.get(at) == Some(&b'\\') => return at + 1,
            b'\\' => return next,
            quote => at = end_of_argument(bytes, at, quote),
        }
    }
    bytes.len()
}

/// Behind the quote that ends an argument, or at the end of its line.
fn end_of_argument(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while let Some(next) =
        halt::search(bytes, at, 1, |part| memchr::memchr3(b'\n', b'\\', quote, part))
    {
        match bytes[next] {
            b'\n' => return next,
            // Within single quotes a backslash takes the next character along.
            b'\\' if quote == b'\'' && bytes.get(next + 1) != Some(&b'\n') => at = next + 2,
            byte if byte == quote => return next + 1,
            _ => at = next + 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests;

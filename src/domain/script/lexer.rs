//! Where tokens end, as the server's lexer (`scan.l`) and psql's (`psqlslash.l`) read them.

use super::super::halt;
use memchr::memmem;

pub(super) fn end_of_line(bytes: &[u8], from: usize) -> usize {
    // The server's lexer ends a line comment at a carriage return, too.
    let end = halt::search(bytes, from, 1, |part| memchr::memchr2(b'\n', b'\r', part));
    end.unwrap_or(bytes.len())
}

/// The first place at or after `from` of a byte of this kind.
pub(super) fn find(bytes: &[u8], from: usize, is: impl Fn(&u8) -> bool) -> Option<usize> {
    halt::search(bytes, from, 1, |part| part.iter().position(&is))
}

/// Where a comment ends. Comments nest in SQL, and one that is not closed takes the rest of the
/// text.
pub(super) fn end_of_comment(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0usize);
    let mark = |part: &[u8]| memchr::memchr2(b'/', b'*', part);
    while let Some(next) = halt::search(bytes, at, 1, mark) {
        at = next;
        match &bytes[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    bytes.len()
}

pub(super) fn end_of_quoted(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let end = halt::search(bytes, from + 1, 1, |part| memchr::memchr(quote, part));
    end.map_or(bytes.len(), |n| n + 1)
}

pub(super) fn end_of_name(bytes: &[u8], from: usize) -> usize {
    if bytes[from] == b'"' {
        return end_of_quoted(bytes, from);
    }
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | b'$' | 0x80..);
    find(bytes, from, |b| !is_part(b)).unwrap_or(bytes.len())
}

/// Whether a byte may end an operand.
pub(super) fn is_operand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'$' | b'\'' | b'"' | b')' | b']' | b'}' | 0x80..)
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The length of the psql variable that begins here, if one does.
pub(super) fn variable_length(bytes: &[u8]) -> Option<usize> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | 0x80..);
    let length = |from: &[u8]| find(from, 0, |b| !is_part(b)).unwrap_or(from.len());
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

/// The place after the quote that ends a literal, or the end of the text.
pub(super) fn end_of_literal(bytes: &[u8], from: usize, escapes: bool) -> usize {
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

/// Where a literal that has ended goes on: after white space with a newline in it, and comments
/// up to the end of their lines.
pub(super) fn continuation(bytes: &[u8], from: usize) -> Option<usize> {
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
                at = end_of_line(bytes, at);
                // A comment that ends the text continues nothing.
                bytes.get(at)?;
            }
            _ => return None,
        }
    }
}

/// Where the command that begins at a backslash ends: before the end of its line, or before a
/// backslash outside of quotes, which begins the next command. `\\` ends it and belongs to it.
pub(super) fn end_of_command(bytes: &[u8], from: usize) -> usize {
    // Its name may be a single character such as `!` or `?`.
    let is_end = |b: &u8| is_space(*b) || *b == b'\\';
    let mut at = find(bytes, from + 1, is_end).unwrap_or(bytes.len());
    let is_special = |b: &u8| matches!(b, b'\n' | b'\\' | b'\'' | b'"' | b'`');
    while let Some(next) = find(bytes, at, is_special) {
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

/// The place after the quote that ends an argument, or the end of its line.
fn end_of_argument(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while let Some(next) =
        halt::search(bytes, at, 1, |part| memchr::memchr3(b'\n', b'\\', quote, part))
    {
        match bytes[next] {
            b'\n' => return next,
            // Within single quotes a backslash escapes the next character.
            b'\\' if quote == b'\'' && bytes.get(next + 1) != Some(&b'\n') => at = next + 2,
            byte if byte == quote => return next + 1,
            _ => at = next + 1,
        }
    }
    bytes.len()
}

/// Where a dollar quote ends that begins here. None: this dollar sign begins none.
pub(super) fn end_of_dollar_quote(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = &bytes[from + 1..];
    let is_start = |b: &u8| b.is_ascii_alphabetic() || matches!(*b, b'_' | 0x80..);
    let is_part = |b: &u8| is_start(b) || b.is_ascii_digit();
    let length = match rest.first() {
        Some(first) if is_start(first) => find(rest, 0, |b| !is_part(b)).unwrap_or(rest.len()),
        _ => 0,
    };
    if rest.get(length) != Some(&b'$') {
        return None;
    }
    let delimiter = &bytes[from..from + length + 2];
    let finder = memmem::Finder::new(delimiter);
    let end =
        halt::search(bytes, from + delimiter.len(), delimiter.len(), |part| finder.find(part));
    Some(end.map_or(bytes.len(), |n| n + delimiter.len()))
}

/// The name of a psql command, without the backslash that it begins with.
pub fn command_name(command: &str) -> &str {
    let rest = command.strip_prefix('\\').unwrap_or(command);
    if rest.starts_with(['\\', ';', ':']) {
        return &rest[..1];
    }
    let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '\\');
    &rest[..end.unwrap_or(rest.len())]
}

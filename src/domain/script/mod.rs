//! Places in a migration's text: lines, characters, and what to show of them.
//!
//! Statements themselves are found by the server's own parser. It reports offsets
//! that point before leading white space and comments, and error positions counted
//! in characters; here these become places that a person can look up.

pub mod command;
pub mod ending;
pub mod include;
pub mod origin;
pub mod prepare;
#[cfg(any(test, fuzzing))]
pub mod properties;
pub mod scan;

use super::{halt, room};
use std::borrow::Cow;

/// The most of a body that is shown as the text around an error, in bytes.
pub const EXCERPT: usize = 4096;

/// The offset of the first byte at or after `from` that is neither white space nor
/// part of a comment: where a statement really starts.
pub fn skip_blank(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from.min(bytes.len());
    loop {
        match &bytes[at..] {
            [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, ..] => {
                let is_other = |b: &u8| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
                at = find(bytes, at, is_other).unwrap_or(bytes.len());
            }
            [b'-', b'-', ..] => at = end_of_line(bytes, at),
            [b'/', b'*', ..] => at = end_of_comment(bytes, at),
            _ => return at,
        }
    }
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    // The server's lexer ends a line comment at a carriage return, too.
    let end = halt::search(bytes, from, 1, |part| memchr::memchr2(b'\n', b'\r', part));
    end.unwrap_or(bytes.len())
}

/// The first place, from one on, of a byte of this kind.
fn find(bytes: &[u8], from: usize, is: impl Fn(&u8) -> bool) -> Option<usize> {
    halt::search(bytes, from, 1, |part| part.iter().position(&is))
}

/// Comments nest in SQL. One that never ends takes the rest of the text.
fn end_of_comment(bytes: &[u8], from: usize) -> usize {
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

/// What in a text may be the name of a relation: identifiers, with their schema if it is
/// given, as they are written. Literals and comments are passed over; key words aren't told
/// apart, since whoever looks the names up will find nothing of those names.
pub fn names(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut names = Vec::new();
    let mut at = 0;
    loop {
        at = skip_blank(text, at);
        let start = at;
        match bytes.get(at) {
            None => return names,
            Some(b'\'') => at = end_of_quoted(bytes, at),
            Some(b'"' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..) => {
                at = end_of_name(bytes, at);
                while bytes.get(at) == Some(&b'.') && at + 1 < bytes.len() {
                    at = end_of_name(bytes, at + 1).max(at + 1);
                }
                room::push(&mut names, &text[start..at]);
            }
            // A number, with what is written in one piece with it.
            Some(b'0'..=b'9') => at = end_of_name(bytes, at).max(at + 1),
            Some(_) => {
                halt::work(1);
                at += 1;
            }
        }
    }
}

fn end_of_quoted(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let end = halt::search(bytes, from + 1, 1, |part| memchr::memchr(quote, part));
    end.map_or(bytes.len(), |n| n + 1)
}

fn end_of_name(bytes: &[u8], from: usize) -> usize {
    if bytes[from] == b'"' {
        return end_of_quoted(bytes, from);
    }
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | b'$' | 0x80..);
    find(bytes, from, |b| !is_part(b)).unwrap_or(bytes.len())
}

/// The beginning of a text, for messages that name what was written.
pub fn shorten(text: &str) -> &str {
    const SHOWN: usize = 300;
    &text[..floor_boundary(text, text.len().min(SHOWN))]
}

/// The number of the line, counted from 1, that holds the byte at this offset.
pub fn line_at(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    let parts = halt::parts(&text.as_bytes()[..end]);
    1 + parts.map(|part| memchr::memchr_iter(b'\n', part).count()).sum::<usize>()
}

/// How many bytes this many characters have at the beginning of a text in UTF-8; all of
/// them if it has no more.
pub fn bytes_of_characters(text: &[u8], count: usize) -> usize {
    let (mut before, mut counted) = (0, 0);
    for part in halt::parts(text) {
        let starts = part.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        if counted + starts > count {
            let starts = part.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80);
            let found = starts.map(|(offset, _)| offset).nth(count - counted);
            return before + found.unwrap_or(part.len());
        }
        (before, counted) = (before + part.len(), counted + starts);
    }
    text.len()
}

/// What to show of a text around an offset.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt<'a> {
    /// The whole text while it is at most [`EXCERPT`] bytes, else a cut around the offset. A
    /// whole one has its lines where they are in its file, behind empty ones.
    pub text: Cow<'a, str>,
    /// The offset's position within the excerpt, in characters from 1.
    pub position: usize,
}

/// The part of a text to show with an error at this offset. A cut starts and ends
/// with whole lines where lines are short enough for that.
pub fn excerpt(text: &str, offset: usize) -> Excerpt<'_> {
    let (line, body) = origin::split(text);
    let offset = offset.min(text.len()).saturating_sub(text.len() - body.len());
    let offset = floor_boundary(body, offset);
    let whole = body.len() + line - 1 <= EXCERPT;
    let (start, end) = if body.len() <= EXCERPT { (0, body.len()) } else { cut(body, offset) };
    let position = 1 + body[start..offset].chars().count();
    match whole && line > 1 {
        false => Excerpt { text: Cow::Borrowed(&body[start..end]), position },
        true => Excerpt {
            text: Cow::Owned("\n".repeat(line - 1) + body),
            position: position + line - 1,
        },
    }
}

fn cut(text: &str, offset: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let start = offset.saturating_sub(EXCERPT / 2);
    // All of the part before is text that is shown, so that it may be dropped up to a
    // line's start without losing the place.
    let start = match bytes[start..offset].iter().position(|b| *b == b'\n') {
        _ if start == 0 => 0,
        Some(newline) => start + newline + 1,
        None => ceil_boundary(text, start),
    };
    let limit = floor_boundary(text, (start + EXCERPT).min(text.len()));
    let end = match bytes[offset..limit].iter().rposition(|b| *b == b'\n') {
        _ if limit == text.len() => limit,
        Some(newline) => offset + newline,
        None => limit,
    };
    (start, end)
}

/// The nearest character boundary at or before an offset.
pub fn floor_boundary(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn ceil_boundary(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset += 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_a_statement_starts() {
        for (text, start) in [
            ("SELECT 1", "SELECT 1"),
            ("\n\t -- note; 'quoted'\n  SELECT 1", "SELECT 1"),
            ("/* a /* nested */ ; */ SELECT 1", "SELECT 1"),
            ("-- a\r SELECT 1", "SELECT 1"),
            ("/* never ends SELECT 1", ""),
            ("-- only a comment", ""),
            ("- 1", "- 1"),
            ("/ 1", "/ 1"),
            ("/*/ SELECT 1 */ SELECT 2", "SELECT 2"),
        ] {
            assert_eq!(&text[skip_blank(text, 0)..], start, "{text:?}");
        }
        assert_eq!(skip_blank("a; b", 2), 3);
        assert_eq!(skip_blank("a", 9), 1);
    }

    #[test]
    fn finds_names() {
        for (text, expected) in [
            (
                "ALTER TABLE app.users ADD x int DEFAULT 'y z'",
                "ALTER|TABLE|app.users|ADD|x|int|DEFAULT",
            ),
            ("LOCK \"My Table\", a.\"b.c\" -- x\n", "LOCK|\"My Table\"|a.\"b.c\""),
            ("TABLE é1; /* no */ 1e5 2x", "TABLE|é1"),
            ("a. 'open", "a."),
            ("\"open", "\"open"),
            ("", ""),
        ] {
            assert_eq!(names(text).join("|"), expected, "{text}");
        }
    }

    #[test]
    fn counts_lines_and_characters() {
        assert_eq!(line_at("a\nb\nc", 0), 1);
        assert_eq!(line_at("a\nb\nc", 2), 2);
        assert_eq!(line_at("a\nb\nc", 99), 3);
        assert_eq!(bytes_of_characters("aéz".as_bytes(), 0), 0);
        assert_eq!(bytes_of_characters("aéz".as_bytes(), 2), 3);
        assert_eq!(bytes_of_characters("aéz".as_bytes(), 99), 4);
    }

    #[test]
    fn shows_a_short_text_whole() {
        assert_eq!(excerpt("aé\nz", 4), Excerpt { text: "aé\nz".into(), position: 4 });
        assert_eq!(excerpt("", 7), Excerpt { text: "".into(), position: 1 });
        let text = origin::marked(4, "a\nb".to_owned());
        for (offset, position) in [(0, 4), (text.len() - 1, 6), (text.len(), 7)] {
            assert_eq!(excerpt(&text, offset), Excerpt { text: "\n\n\na\nb".into(), position });
        }
        let text = origin::marked(40_000, "a\nb".to_owned());
        assert_eq!(excerpt(&text, text.len()), Excerpt { text: "a\nb".into(), position: 4 });
    }

    #[test]
    fn cuts_a_long_text_around_the_place() {
        let lines: String = (0..2000).map(|n| format!("SELECT {n}; -- é\n")).collect();
        let one_line = "é".repeat(9000);
        for text in [lines.as_str(), one_line.as_str()] {
            for offset in (0..=text.len()).step_by(7) {
                let at = floor_boundary(text, offset);
                let shown = excerpt(text, offset);
                assert!(shown.text.len() <= EXCERPT);
                let rest = shown.text.char_indices().nth(shown.position - 1);
                let place = rest.map_or("", |(n, _)| &shown.text[n..]);
                assert!(text[at..].starts_with(place), "offset {offset}");
                assert!(!place.is_empty() || at == text.len() || text[at..].starts_with('\n'));
            }
        }
        assert!(excerpt(&lines, lines.len() / 2).text.starts_with("SELECT "));
    }
}

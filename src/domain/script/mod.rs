//! Places in a script: lines, characters, and the excerpts that are shown.
//!
//! The server's own parser finds the statements. It reports offsets before leading white space and
//! comments, and error positions in characters. Here these become places that a person can look
//! up.

pub mod command;
pub mod ending;
mod lexer;
pub mod origin;
pub mod prepare;
#[cfg(any(test, fuzzing))]
pub mod properties;
pub mod scan;

use super::{halt, room};
use lexer::{end_of_comment, end_of_line, end_of_name, end_of_quoted, find};

/// The longest excerpt that is shown around an error, in bytes.
pub const EXCERPT: usize = 4096;

/// How many lines are shown before the line of an error, and from it on.
pub const AROUND: usize = 5;

/// The most lines before an excerpt that are counted. Each takes a byte of the message.
const COUNTED: usize = 100_000;

/// The offset of the first byte at or after `from` that is neither white space nor
/// part of a comment, where a statement starts.
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

/// What may be the name of a relation in a text: identifiers as they are written, with their
/// schema if they have one. Literals and comments are ignored. Key words are included, since no
/// relation will be found for them.
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
            // A number, with what follows it without a space.
            Some(b'0'..=b'9') => at = end_of_name(bytes, at).max(at + 1),
            Some(_) => {
                halt::work(1);
                at += 1;
            }
        }
    }
}

/// The beginning of a text, for messages that quote it.
pub fn shorten(text: &str) -> &str {
    const SHOWN: usize = 300;
    &text[..floor_boundary(text, text.len().min(SHOWN))]
}

/// The number, from 1, of the line of the byte at this offset.
pub fn line_at(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    let parts = halt::parts(&text.as_bytes()[..end]);
    1 + parts.map(|part| memchr::memchr_iter(b'\n', part).count()).sum::<usize>()
}

/// How many bytes the first `count` characters of a text in UTF-8 have. A text with fewer
/// characters counts as a whole.
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

/// The part of a text around an offset.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The lines around the offset, at most [`EXCERPT`] bytes of them. Before them are as many
    /// carriage returns as the file has lines before, and a newline. So clients that count lines
    /// up to the position get the line of the file, and show no empty lines.
    pub text: String,
    /// The offset's position within the excerpt, in characters from 1.
    pub position: usize,
}

/// The excerpt for an error at this offset: [`AROUND`] lines before it and as many from there on, or
/// fewer if lines are very long.
pub fn excerpt(text: &str, offset: usize) -> Excerpt {
    let (line, body) = origin::split(text);
    let offset = offset.min(text.len()).saturating_sub(text.len() - body.len());
    let offset = floor_boundary(body, offset);
    let (start, end) = cut(body, offset);
    let before = line + line_at(body, start) - 2;
    let lines = match before {
        0 => String::new(),
        1..=COUNTED => "\r".repeat(before) + "\n",
        _ => String::new(),
    };
    let position = 1 + lines.len() + body[start..offset].chars().count();
    Excerpt { text: lines + &body[start..end], position }
}

/// Where the lines around an offset begin and end.
fn cut(text: &str, offset: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let lowest = ceil_boundary(text, offset.saturating_sub(EXCERPT / 2));
    let newlines = bytes[lowest..offset].iter().enumerate().rev().filter(|(_, b)| **b == b'\n');
    // After the newline of the last line that isn't shown. A line that was cut isn't shown.
    let start = match newlines.map(|(n, _)| lowest + n + 1).nth(AROUND) {
        Some(start) => start,
        None if lowest == 0 => 0,
        None => match bytes[lowest..offset].iter().position(|b| *b == b'\n') {
            Some(newline) => lowest + newline + 1,
            None => lowest,
        },
    };
    let limit = floor_boundary(text, (start + EXCERPT).min(text.len()));
    let ends = bytes[offset..limit].iter().enumerate().filter(|(_, b)| **b == b'\n');
    let end = match ends.map(|(n, _)| offset + n).nth(AROUND - 1) {
        Some(end) => end,
        None if limit == text.len() => limit,
        None => match bytes[offset..limit].iter().rposition(|b| *b == b'\n') {
            Some(newline) => offset + newline,
            None => limit,
        },
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

    fn shown(text: &str, position: usize) -> Excerpt {
        Excerpt { text: text.to_owned(), position }
    }

    #[test]
    fn shows_a_short_text_whole() {
        assert_eq!(excerpt("aé\nz", 4), shown("aé\nz", 4));
        assert_eq!(excerpt("", 7), shown("", 1));
        let text = origin::marked(4, "a\nb".to_owned());
        for (offset, position) in [(0, 5), (text.len() - 1, 7), (text.len(), 8)] {
            assert_eq!(excerpt(&text, offset), shown("\r\r\r\na\nb", position));
        }
        let text = origin::marked(200_000, "a\nb".to_owned());
        assert_eq!(excerpt(&text, text.len()), shown("a\nb", 4));
    }

    #[test]
    fn shows_ten_lines_of_a_long_text() {
        let text: String = (1..=100).map(|n| format!("line {n}\n")).collect();
        for (line, before, first, last) in
            [(50, 44, 45, 54), (1, 0, 1, 5), (6, 0, 1, 10), (7, 1, 2, 11), (100, 94, 95, 100)]
        {
            let offset = text.find(&format!("line {line}\n")).unwrap_or_default();
            let Excerpt { text: shown, position } = excerpt(&text, offset);
            let padding = if before > 0 { "\r".repeat(before) + "\n" } else { String::new() };
            assert!(shown.starts_with(&format!("{padding}line {first}\n")), "{line}: {shown:?}");
            assert!(shown.trim_end().ends_with(&format!("line {last}")), "{line}: {shown:?}");
            assert!(shown[position - 1..].starts_with(&format!("line {line}")), "{line}");
        }
    }

    #[test]
    fn cuts_a_long_text_around_the_place() {
        let lines: String = (0..2000).map(|n| format!("SELECT {n}; -- é\n")).collect();
        let long: String = (0..40).map(|n| format!("SELECT {n}; {}\n", "é".repeat(700))).collect();
        let one_line = "é".repeat(9000);
        for text in [lines.as_str(), long.as_str(), one_line.as_str()] {
            for offset in (0..=text.len()).step_by(7) {
                let at = floor_boundary(text, offset);
                let shown = excerpt(text, offset);
                assert!(shown.text.trim_start_matches('\r').len() <= EXCERPT + 1);
                let rest = shown.text.char_indices().nth(shown.position - 1);
                let place = rest.map_or("", |(n, _)| &shown.text[n..]);
                assert!(text[at..].starts_with(place), "offset {offset}");
                assert!(!place.is_empty() || at == text.len() || text[at..].starts_with('\n'));
            }
        }
        assert!(excerpt(&lines, lines.len() / 2).text.trim_start().starts_with("SELECT "));
    }
}

//! Verify scripts, which Sqitch runs in a transaction of their own that they roll back.

use super::super::section::head;
use crate::domain::script::skip_blank;
use crate::domain::{halt, room};
use std::ops::Range;

/// The text without the statements that open a transaction and end it, with all lines where
/// they are. It holds if it raises no error, whatever its last query gives.
pub fn body(text: &str) -> String {
    let statements = statements(text);
    let opening = statements.first().filter(|range| is_opening(&text[(*range).clone()]));
    let ending = statements.last().filter(|range| is_ending(&text[(*range).clone()]));
    room::ensure(2 * text.len() + 16);
    let mut body = String::with_capacity(text.len() + 16);
    let mut from = 0;
    for range in opening.into_iter().chain(ending) {
        body.push_str(&text[from..range.start]);
        let blank = |c| if matches!(c, '\n' | '\r') { c } else { ' ' };
        body.extend(text[range.clone()].chars().map(blank));
        from = range.end;
    }
    body.push_str(&text[from..]);
    // The end of a file may have come without its newline. What stands before may be a
    // comment, or a statement without its semicolon.
    body.truncate(body.trim_end().len());
    body.push_str("\n;SELECT true");
    body
}

fn words(statement: &str) -> impl Iterator<Item = String> {
    let words = statement.trim_end_matches(';').split_whitespace();
    words.map(|word| head(word).to_ascii_uppercase())
}

fn is_opening(statement: &str) -> bool {
    let mut words = words(statement);
    match words.next().as_deref() {
        Some("BEGIN") => true,
        Some("START") => words.next().as_deref() == Some("TRANSACTION"),
        _ => false,
    }
}

fn is_ending(statement: &str) -> bool {
    let mut words = words(statement);
    let is_one = words
        .next()
        .is_some_and(|word| ["ROLLBACK", "ABORT", "COMMIT", "END"].contains(&word.as_str()));
    is_one && words.all(|word| word == "WORK" || word == "TRANSACTION")
}

/// The statements of a text, each with its semicolon. Lines for psql alone are ignored
/// where a statement could begin.
fn statements(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut statements = Vec::new();
    let mut at = skip_blank(text, 0);
    while at < bytes.len() {
        if bytes[at] == b'\\' {
            at = after(bytes, at, b"\n");
        } else {
            let end = end_of_statement(text, at);
            room::push(&mut statements, at..end);
            at = end;
        }
        at = skip_blank(text, at);
    }
    statements
}

fn end_of_statement(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        halt::work(1);
        at = match bytes[at] {
            b';' => return at + 1,
            b'-' | b'/' => match skip_blank(text, at) {
                blank if blank > at => blank,
                _ => at + 1,
            },
            b'\'' => {
                let escapes = at > start
                    && matches!(bytes[at - 1], b'e' | b'E')
                    && (at < start + 2 || !is_part_of_name(bytes[at - 2]));
                end_of_quoted(bytes, at, escapes)
            }
            b'"' => end_of_quoted(bytes, at, false),
            b'$' if at == start || !is_part_of_name(bytes[at - 1]) => end_of_dollars(bytes, at),
            _ => at + 1,
        };
    }
    bytes.len()
}

fn is_part_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

fn end_of_quoted(bytes: &[u8], start: usize, escapes: bool) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while let Some(next) = halt::search(bytes, at, 1, |part| memchr::memchr2(quote, b'\\', part)) {
        at = match bytes[next] {
            b if b == quote => return next + 1,
            _ if escapes => next + 2,
            _ => next + 1,
        };
    }
    bytes.len()
}

/// Behind a text between dollar quotes, or behind the dollar if it begins none.
fn end_of_dollars(bytes: &[u8], start: usize) -> usize {
    let tag = bytes[start + 1..].iter().position(|b| !is_part_of_name(*b) || *b == b'$');
    let Some(length) = tag.filter(|n| bytes[start + 1 + n] == b'$') else { return start + 1 };
    if bytes[start + 1].is_ascii_digit() {
        return start + 1;
    }
    let behind = start + length + 2;
    after(bytes, behind, &bytes[start..behind])
}

/// Behind the next place of a text, or the end.
fn after(bytes: &[u8], from: usize, wanted: &[u8]) -> usize {
    let finder = memchr::memmem::Finder::new(wanted);
    let found = halt::search(bytes, from, wanted.len(), |part| finder.find(part));
    found.map_or(bytes.len(), |at| at + wanted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_transaction_off() {
        for (text, expected) in [
            ("BEGIN;\nSELECT 1;\nROLLBACK;\n", "      \nSELECT 1;\n         \n"),
            (
                "-- Verify é\n\\set x 1\nbegin ;\r\n SELECT 1; -- x\nrollback work",
                "-- Verify é\n\\set x 1\n       \r\n SELECT 1; -- x\n             ",
            ),
            (
                "START\nTRANSACTION;\nSELECT 1; COMMIT; --",
                "     \n            \nSELECT 1;         --",
            ),
            ("SELECT 1;\nROLLBACK;", "SELECT 1;\n         "),
            ("BEGIN; SELECT 1", "       SELECT 1"),
            ("BEGIN;", "      "),
            ("SELECT 1; ROLLBACK TO x;", "SELECT 1; ROLLBACK TO x;"),
            ("", ""),
            ("-- nothing", "-- nothing"),
        ] {
            let expected = expected.trim_end();
            assert_eq!(body(text), format!("{expected}\n;SELECT true"), "{text}");
        }
    }

    #[test]
    fn finds_statements() {
        let shown = |text: &'static str| -> Vec<&'static str> {
            statements(text).into_iter().map(|range| &text[range]).collect()
        };
        assert_eq!(
            shown(
                "SELECT ';', \";\", $$;$$, $a$ ; $$ ; $a$, $1; /* ; */ SELECT E'\\';' -- ;\n, x$y$;2"
            ),
            ["SELECT ';', \";\", $$;$$, $a$ ; $$ ; $a$, $1;", "SELECT E'\\';' -- ;\n, x$y$;", "2"]
        );
        assert_eq!(shown(" ;; 'open"), [";", ";", "'open"]);
        assert_eq!(shown("\\echo x\n\\q"), Vec::<&str>::new());
        assert_eq!(shown("$open$ x; é"), ["$open$ x; é"]);
        assert_eq!(shown("a - b / c; $"), ["a - b / c;", "$"]);
    }
}

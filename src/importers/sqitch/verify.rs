//! Verify scripts. Sqitch runs each in a transaction that the script begins and rolls back itself.

use super::super::section::head;
use crate::domain::room;
use crate::domain::script::scan::{PieceKind, scan};
use std::ops::Range;

/// The text without the statements that begin and end the transaction; all lines stay where they
/// are. It is valid if it raises no error, whatever its last query returns.
pub fn body(text: &str) -> String {
    let statements = statements(text);
    let begin = statements.first().filter(|range| begins_transaction(&text[(*range).clone()]));
    let end = statements.last().filter(|range| ends_transaction(&text[(*range).clone()]));
    room::ensure(2 * text.len() + 16);
    let mut body = String::with_capacity(text.len() + 16);
    let mut from = 0;
    for range in begin.into_iter().chain(end) {
        body.push_str(&text[from..range.start]);
        let blank = |c| if matches!(c, '\n' | '\r') { c } else { ' ' };
        body.extend(text[range.clone()].chars().map(blank));
        from = range.end;
    }
    body.push_str(&text[from..]);
    // The last line may have no line end, and be a comment or a statement without semicolon.
    body.truncate(body.trim_end().len());
    body.push_str("\n;SELECT true");
    body
}

fn words(statement: &str) -> impl Iterator<Item = String> {
    let words = statement.trim_end_matches(';').split_whitespace();
    words.map(|word| head(word).to_ascii_uppercase())
}

fn begins_transaction(statement: &str) -> bool {
    let mut words = words(statement);
    match words.next().as_deref() {
        Some("BEGIN") => true,
        Some("START") => words.next().as_deref() == Some("TRANSACTION"),
        _ => false,
    }
}

fn ends_transaction(statement: &str) -> bool {
    let mut words = words(statement);
    let ends = words
        .next()
        .is_some_and(|word| ["ROLLBACK", "ABORT", "COMMIT", "END"].contains(&word.as_str()));
    ends && words.all(|word| word == "WORK" || word == "TRANSACTION")
}

/// The statements of a text, each from its first word to its semicolon. Commands of psql and
/// comments before a statement are no part of it.
fn statements(text: &str) -> Vec<Range<usize>> {
    let scanned = scan(text, true);
    let mut ends = scanned.ends.iter().map(|semicolon| semicolon + 1).peekable();
    let mut statements = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let is_sql = |kind| matches!(kind, PieceKind::Sql | PieceKind::Variable | PieceKind::Bound);
    for piece in scanned.pieces.iter().filter(|piece| is_sql(piece.kind)) {
        let mut at = piece.range.start;
        while ends.next_if(|end| *end <= at).is_some() {}
        while at < piece.range.end {
            let end = ends.next_if(|end| *end <= piece.range.end);
            let part = &text[at..end.unwrap_or(piece.range.end)];
            let blank = part.len() - part.trim_start().len();
            let last = at + part.trim_end().len();
            at += part.len();
            if blank < part.len() {
                let start = open.map_or(at - part.len() + blank, |open| open.start);
                open = Some(start..last);
            }
            if end.is_some()
                && let Some(statement) = open.take()
            {
                room::push(&mut statements, statement);
            }
        }
    }
    statements.extend(open);
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_the_transaction() {
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

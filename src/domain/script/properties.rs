//! Properties of all texts that are registered as migrations. They are checked with random texts
//! here, and with those of a fuzzer in `tests/fuzz`.
#![allow(clippy::panic, missing_docs)]

use super::prepare::{PreparedScript, SourceMap, Syntax, Variables, prepare};
use super::scan::{PieceKind, Scan, scan};
use super::{EXCERPT, command, excerpt, line_at, names, skip_blank};

/// Panics if a property doesn't hold.
pub fn hold(text: &str) {
    for conforming in [true, false] {
        let found = scan(text, conforming);
        pieces(text, &found);
        for syntax in [Syntax::None, Syntax::Dollar, Syntax::Psql] {
            let variables = Variables { syntax, values: values(), ..Variables::default() };
            if let Ok(script) = prepare(text, conforming, &variables) {
                prepared(text, &script, &found);
            }
        }
    }
    places(text);
}

fn values() -> std::collections::HashMap<String, String> {
    let values = [("x", "1"), ("a", "it's \\ \u{e9};"), ("e", ""), ("t", "COPY t FROM stdin;\n")];
    values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn pieces(text: &str, scan: &Scan) {
    let mut at = 0;
    for piece in &scan.pieces {
        assert_eq!(piece.range.start, at);
        assert!(piece.range.end > at && text.is_char_boundary(piece.range.end));
        at = piece.range.end;
        if piece.kind == PieceKind::Command {
            command::meaning(&text[piece.range.clone()]);
        }
    }
    assert_eq!(at, text.len());
    assert!(scan.ends.is_sorted_by(|a, b| a < b));
    assert!(scan.ends.iter().all(|end| text.as_bytes()[*end] == b';'));
    assert!(scan.after_copy.is_none_or(|at| text.is_char_boundary(at)));
    let data = |at| scan.pieces.iter().any(|p| p.kind == PieceKind::Data && p.range.contains(&at));
    assert!(!scan.ends.iter().any(|end| data(*end)));
}

fn prepared(text: &str, script: &PreparedScript, scan: &Scan) {
    let mut after = 0;
    let mut semicolons = 0;
    for data in &script.data {
        assert!(data.range.start >= after && data.range.end > data.range.start);
        assert!(text.get(data.range.clone()).is_some());
        after = data.range.end;
        // The statement's semicolon, and no other one's.
        assert_eq!(script.sql.as_bytes().get(data.semicolon), Some(&b';'));
        assert!(data.semicolon >= semicolons);
        semicolons = data.semicolon + 1;
        let here = script.map.to_source(data.semicolon);
        let sent = text[here..].starts_with("\\g");
        assert!(here < data.range.start && (sent || scan.ends.contains(&here)));
    }
    assert!(script.ignored_commands.is_sorted());
    assert!(script.ignored_commands.iter().all(|(at, _)| text[*at..].starts_with('\\')));
    leads_back(text, script);
}

fn leads_back(text: &str, script: &PreparedScript) {
    let (sql, bytes) = (script.sql.as_bytes(), text.as_bytes());
    if script.map == SourceMap::default() {
        assert!(sql.is_empty() || sql == bytes);
        return;
    }
    let (mut last, mut last_end) = (0, 0);
    // Every place of a short text, some of a long one.
    let step = 1 + sql.len() / 20_000;
    for at in (0..=sql.len()).step_by(step) {
        let (here, end) = (script.map.to_source(at), script.map.to_source_end(at));
        assert!(here <= bytes.len() && here >= last);
        assert!(end <= bytes.len() && end >= last_end);
        (last, last_end) = (here, end);
        let Some(byte) = sql.get(at) else { continue };
        // The same byte, or what replaced a placeholder or command.
        assert!(bytes[here] == *byte || matches!(bytes[here], b'\\' | b':' | b'$'));
        if script.map.to_source(at + 1) == here + 1 {
            assert_eq!(bytes[here], *byte);
            assert_eq!(script.map.to_source_end(at + 1), here + 1);
        }
    }
}

fn places(text: &str) {
    let bytes = text.len();
    let mut found = 0;
    for name in names(text) {
        let start = name.as_ptr() as usize - text.as_ptr() as usize;
        assert!(start >= found && !name.is_empty());
        found = start + name.len();
    }
    for from in [0, bytes / 2, bytes, bytes + 1] {
        let at = skip_blank(text, from);
        assert!(at <= bytes && at >= from.min(bytes));
        let shown = excerpt(text, from);
        assert!(shown.text.len() <= EXCERPT && shown.position >= 1);
        assert!(line_at(text, from) >= 1);
    }
    // Any line may follow a backslash.
    let line = text.split('\n').next().unwrap_or_default();
    command::meaning(&format!("\\{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of random pieces of what is special, from a fixed seed.
    fn random(seed: &mut u64) -> String {
        const PARTS: [&str; 35] = [
            "'",
            "''",
            "E'",
            "\\",
            "\\.",
            "\n",
            "\r\n",
            "\"",
            "$$",
            "$a$",
            "$",
            "--",
            "/*",
            "*/",
            ";",
            "(",
            ")",
            ":x",
            "::",
            ":'x'",
            "COPY t FROM stdin",
            "copy",
            " ",
            "BEGIN ATOMIC",
            "CREATE FUNCTION f",
            "END",
            "CASE",
            "\u{e9}",
            "a1",
            "1",
            "\\set x y",
            "\0",
            "${x}",
            "${",
            ":{?x}",
        ];
        let mut next = || {
            *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*seed >> 33) as usize
        };
        let length = next() % 40;
        (0..length).map(|_| PARTS[next() % PARTS.len()]).collect()
    }

    #[test]
    fn hold_for_random_texts() {
        let mut seed = 7;
        for _ in 0..50_000 {
            let text = random(&mut seed);
            let held = std::panic::catch_unwind(|| hold(&text));
            assert!(held.is_ok(), "{text:?}");
        }
    }
}

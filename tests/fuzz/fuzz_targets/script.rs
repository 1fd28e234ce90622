//! What must hold for any text that is registered as a migration: see README.md.
#![no_main]
#![allow(dead_code)]

#[path = "../../../src/domain/mod.rs"]
mod domain;

use domain::script::command;
use domain::script::prepare::{Map, Script, Syntax, Variables, prepare};
use domain::script::scan::{Kind, Scan, scan};
use domain::script::{EXCERPT, excerpt, line_at, names, skip_blank};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for conforming in [true, false] {
        let found = scan(text, conforming);
        pieces(text, &found);
        for syntax in [Syntax::None, Syntax::Dollar, Syntax::Psql] {
            let variables = Variables { syntax, values: values() };
            if let Ok(script) = prepare(text, conforming, &variables) {
                prepared(text, &script, &found);
            }
        }
    }
    places(text);
});

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
        if piece.kind == Kind::Command {
            command::meaning(&text[piece.range.clone()]);
        }
    }
    assert_eq!(at, text.len());
    assert!(scan.ends.is_sorted_by(|a, b| a < b));
    assert!(scan.ends.iter().all(|end| text.as_bytes()[*end] == b';'));
    assert!(scan.behind_copy.is_none_or(|at| text.is_char_boundary(at)));
    let data = |at| scan.pieces.iter().any(|p| p.kind == Kind::Data && p.range.contains(&at));
    assert!(!scan.ends.iter().any(|end| data(*end)));
}

fn prepared(text: &str, script: &Script, scan: &Scan) {
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
        let here = script.map.back(data.semicolon);
        let sent = text[here..].starts_with("\\g");
        assert!(here < data.range.start && (sent || scan.ends.contains(&here)));
    }
    assert!(script.passed_over.is_sorted());
    assert!(script.passed_over.iter().all(|(at, _)| text[*at..].starts_with('\\')));
    leads_back(text, script);
}

fn leads_back(text: &str, script: &Script) {
    let (sql, bytes) = (script.sql.as_bytes(), text.as_bytes());
    if script.map == Map::default() {
        assert!(sql.is_empty() || sql == bytes);
        return;
    }
    let (mut last, mut last_end) = (0, 0);
    // Every place of a short text, some of a long one.
    let step = 1 + sql.len() / 20_000;
    for at in (0..=sql.len()).step_by(step) {
        let (here, end) = (script.map.back(at), script.map.back_end(at));
        assert!(here <= bytes.len() && here >= last);
        assert!(end <= bytes.len() && end >= last_end);
        (last, last_end) = (here, end);
        let Some(byte) = sql.get(at) else { continue };
        // The same byte, or what stands for a placeholder or command.
        assert!(bytes[here] == *byte || matches!(bytes[here], b'\\' | b':' | b'$'));
        if script.map.back(at + 1) == here + 1 {
            assert_eq!(bytes[here], *byte);
            assert_eq!(script.map.back_end(at + 1), here + 1);
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
    // Whatever a line holds, it may stand behind a backslash.
    let line = text.split('\n').next().unwrap_or_default();
    command::meaning(&format!("\\{line}"));
}

//! Whether the text of a block or procedure ends transactions: whether it has COMMIT or ROLLBACK as
//! a statement, and which procedures it calls.

use super::super::room;
use super::scan::{self, PieceKind, scan};
use super::{names, skip_blank};

/// Words after which a statement of PL/pgSQL begins.
const BEFORE: [&str; 4] = ["begin", "then", "else", "loop"];

/// What of a text may end transactions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TransactionEnds<'a> {
    /// It has a COMMIT or ROLLBACK.
    pub ends: bool,
    /// The procedures that it calls, as they are written.
    pub calls: Vec<&'a str>,
}

/// Reads a text. Quoted text, such as that of EXECUTE, and comments are ignored.
pub fn ending(text: &str) -> TransactionEnds<'_> {
    let scan = scan(text, true);
    let mut found = TransactionEnds::default();
    let mut start = 0;
    for end in &scan.ends {
        found.ends |= ends_transaction(&words_at_end(text, &scan.pieces, start..*end));
        start = end + 1;
    }
    start = 0;
    for end in scan.ends.iter().copied().chain([text.len()]) {
        let names = names(&text[skip_blank(text, start).min(end)..end]);
        for (n, pair) in names.windows(2).enumerate() {
            let begins = n == 0 || is_one_of(names[n - 1], &BEFORE);
            if begins && pair[0].eq_ignore_ascii_case("call") {
                room::push(&mut found.calls, pair[1]);
            }
        }
        start = end + 1;
    }
    found
}

/// The last words of a statement without its comments, at most five, the last one first.
fn words_at_end<'a>(
    text: &'a str,
    pieces: &[scan::Piece],
    statement: std::ops::Range<usize>,
) -> Vec<&'a str> {
    let mut words = Vec::new();
    let from = pieces.partition_point(|piece| piece.range.end <= statement.start);
    let to = pieces.partition_point(|piece| piece.range.start < statement.end);
    for piece in pieces[from..to].iter().rev().filter(|piece| piece.kind != PieceKind::Comment) {
        let range = piece.range.start.max(statement.start)..piece.range.end.min(statement.end);
        for word in text[range].split_ascii_whitespace().rev() {
            words.push(word);
            if words.len() == 5 {
                return words;
            }
        }
    }
    words
}

fn ends_transaction(words: &[&str]) -> bool {
    let is =
        |n: usize, word: &str| words.get(n).is_some_and(|w: &&str| w.eq_ignore_ascii_case(word));
    let chain = match (is(0, "chain"), is(1, "no"), is(1, "and"), is(2, "and")) {
        (true, true, _, true) => 3,
        (true, _, true, _) => 2,
        _ => 0,
    };
    let ends = is(chain, "commit") || is(chain, "rollback");
    let before = words.get(chain + 1);
    // A label ends with >>.
    ends && before.is_none_or(|word| is_one_of(word, &BEFORE) || word.ends_with(">>"))
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_statements_that_end_a_transaction() {
        for text in [
            "BEGIN COMMIT; END",
            "DECLARE i int; BEGIN UPDATE t SET v = 1; commit ; END",
            "BEGIN LOOP ROLLBACK; END LOOP; END",
            "BEGIN IF a THEN COMMIT; ELSE ROLLBACK; END IF; END",
            "BEGIN x := 1; COMMIT AND CHAIN; END",
            "BEGIN x := 1; ROLLBACK AND NO CHAIN; END",
            "BEGIN /* a */ COMMIT /* b */ -- c\n; END",
            "BEGIN -- first\n COMMIT; END",
            "BEGIN <<here>> COMMIT; END",
            "BEGIN PERFORM 'it''s;'; COMMIT; END",
        ] {
            assert!(ending(text).ends, "{text}");
        }
        for text in [
            "BEGIN x := commit; END",
            "BEGIN commit := 1; END",
            "BEGIN -- COMMIT;\n NULL; END",
            "BEGIN /* COMMIT; */ NULL; END",
            "BEGIN RAISE NOTICE 'then COMMIT;'; END",
            "BEGIN EXECUTE 'COMMIT'; END",
            "BEGIN EXECUTE $q$ BEGIN COMMIT; END $q$; END",
            "BEGIN RETURN rollback; END",
            "BEGIN ROLLBACK TO a; END",
            "BEGIN x := CASE WHEN a THEN commit ELSE rollback END; END",
            "BEGIN SELECT 1 AS \"BEGIN\" INTO commit; END",
            "COMMIT",
            "",
        ] {
            assert!(!ending(text).ends, "{text}");
        }
    }

    #[test]
    fn finds_calls() {
        for (text, calls) in [
            ("BEGIN CALL p(1); END", "p"),
            ("BEGIN x := 1; call app.\"P\"(); LOOP CALL q(); END LOOP; END", "app.\"P\"|q"),
            ("BEGIN x := call; END", ""),
            ("BEGIN EXECUTE 'CALL p()'; END", ""),
            ("", ""),
        ] {
            assert_eq!(ending(text).calls.join("|"), calls, "{text}");
        }
    }
}

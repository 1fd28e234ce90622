//! Hides the values of secret variables in texts that are stored, logged or shown.
//!
//! The server quotes values in many ways: with doubled quotes, as JSON, in lower case, or
//! truncated. So each run of [`PIECE`] bytes of a value in one of these forms is hidden, and also
//! each shorter piece of a value between double quotes or where the server has truncated a text.

use std::collections::HashSet;
use std::ops::Range;

/// What is shown instead of a value, or of a piece of one.
pub const MASK: &str = "***";

/// The shortest value that can be a secret, in characters. A shorter one would hide much
/// else, and be easy to guess from that.
pub const SHORTEST: usize = 4;

/// The longest value that can be a secret, in bytes.
pub const LONGEST: usize = 64 << 10;

/// How many consecutive bytes of a value are hidden wherever they are.
const PIECE: usize = 8;

/// The values to hide.
#[derive(Debug, Default)]
pub struct Mask {
    // Values in lower case, in each form.
    forms: Vec<Vec<u8>>,
    pieces: HashSet<[u8; PIECE]>,
}

/// A text in which values are hidden.
#[derive(Debug, PartialEq, Eq)]
pub struct Masked {
    /// The text.
    pub text: String,
    // What was hidden, in bytes of the original text.
    hidden: Vec<Range<usize>>,
}

impl Mask {
    /// A mask for these values. Those that are too short are not hidden.
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Mask {
        let mut mask = Mask::default();
        for value in values.filter(|value| value.chars().count() >= SHORTEST) {
            for form in forms(value) {
                let form = form.to_ascii_lowercase().into_bytes();
                if !mask.forms.contains(&form) {
                    mask.pieces.extend(form.windows(PIECE).filter_map(piece));
                    mask.forms.push(form);
                }
            }
        }
        mask
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// A text with the values hidden. None: it holds none of them.
    pub fn apply(&self, text: &str) -> Option<Masked> {
        if self.is_empty() {
            return None;
        }
        let mut hidden = self.found(text.to_ascii_lowercase().as_bytes());
        if hidden.is_empty() {
            return None;
        }
        // Whole characters, and one mask for pieces that touch.
        hidden.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in hidden {
            let mut range = range;
            while !text.is_char_boundary(range.start) {
                range.start -= 1;
            }
            while !text.is_char_boundary(range.end) {
                range.end += 1;
            }
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for range in &merged {
            masked.push_str(&text[at..range.start]);
            masked.push_str(MASK);
            at = range.end;
        }
        masked.push_str(&text[at..]);
        Some(Masked { text: masked, hidden: merged })
    }

    /// The same, as a text in any case.
    pub fn hide(&self, text: String) -> String {
        self.apply(&text).map_or(text, |masked| masked.text)
    }

    fn found(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for (at, window) in text.windows(PIECE).enumerate() {
            if piece(window).is_some_and(|piece| self.pieces.contains(&piece)) {
                found.push(at..at + PIECE);
            }
        }
        for form in self.forms.iter().filter(|form| form.len() < PIECE) {
            found.extend(memchr::memmem::find_iter(text, form).map(|at| at..at + form.len()));
        }
        found.extend(cut_off(text).filter(|range| self.holds(&text[range.clone()])));
        found.extend(quoted(text).filter(|range| self.holds(&text[range.clone()])));
        found
    }

    /// Whether a value holds a short piece.
    fn holds(&self, piece: &[u8]) -> bool {
        (SHORTEST..PIECE).contains(&piece.len())
            && self.forms.iter().any(|form| memchr::memmem::find(form, piece).is_some())
    }
}

impl Masked {
    /// The new place of a place of the original text, both in characters from 1.
    pub fn position(&self, before: &str, position: usize) -> usize {
        let offset = before.char_indices().nth(position.saturating_sub(1));
        let offset = offset.map_or(before.len(), |(offset, _)| offset);
        let (mut at, mut place) = (0, 1);
        for range in &self.hidden {
            if range.start >= offset {
                break;
            }
            place += before[at..range.start].chars().count();
            at = range.end;
            if range.end > offset {
                return place;
            }
            place += MASK.len();
        }
        place + before[at..offset].chars().count()
    }
}

/// The forms that a value can have in a text.
fn forms(value: &str) -> Vec<String> {
    let quotes = value.replace('\'', "''");
    let json = serde_json::Value::from(value).to_string();
    vec![
        value.to_owned(),
        quotes.replace('\\', "\\\\"),
        quotes,
        value.replace('\\', "\\\\"),
        value.replace('"', "\"\""),
        json[1..json.len() - 1].to_owned(),
    ]
}

fn piece(window: &[u8]) -> Option<[u8; PIECE]> {
    window.try_into().ok()
}

/// The pieces right before or after three points, with which the server marks truncation.
fn cut_off(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    const CUT: &[u8] = b"...";
    memchr::memmem::find_iter(text, CUT).flat_map(move |at| {
        let end = at + CUT.len();
        (SHORTEST..PIECE).flat_map(move |length| {
            let before = at.checked_sub(length).map(|start| start..at);
            let after = (end + length <= text.len()).then_some(end..end + length);
            [before, after].into_iter().flatten()
        })
    })
}

/// The pieces between a double quote and the next one.
fn quoted(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut quotes = memchr::memchr_iter(b'"', text);
    let mut last = quotes.next();
    quotes.map(move |quote| {
        let start = last.replace(quote).map_or(quote, |last| last + 1);
        start..quote
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(values: &[&str], text: &str) -> String {
        Mask::of(values.iter().copied()).hide(text.to_owned())
    }

    #[test]
    fn hides_values_in_all_forms() {
        for (value, text, expected) in [
            ("hunter2!", "invalid value: \"hunter2!\"", "invalid value: \"***\""),
            ("hunter2!", "HUNTER2! Hunter2!", "*** ***"),
            ("it's a secret", "'it''s a secret'", "'***'"),
            ("back\\slash", "E'back\\\\slash'", "E'***'"),
            ("q\"uote\nline", "{\"a\":\"q\\\"uote\\nline\"}", "{\"a\":\"***\"}"),
            ("a\"b\"cdefg", "\"a\"\"b\"\"cdefg\"", "\"***\""),
            ("pin4", "value pin4, pin5", "value ***, pin5"),
            ("geheim\u{e4}nis", "GEHEIM\u{e4}nis", "***"),
            ("not there", "some text", "some text"),
            ("", "some text", "some text"),
            ("abc", "abc", "abc"),
        ] {
            assert_eq!(hide(&[value], text), expected, "{value}");
        }
    }

    #[test]
    fn hides_pieces() {
        let value = "0123456789abcdefghij";
        assert_eq!(hide(&[value], "(1, 0123456789abcde...)"), "(1, ***...)");
        assert_eq!(hide(&[value], "...9abcdefghij)"), "...***)");
        assert_eq!(hide(&[value], "{a: 01234...efghij}"), "{a: ***...***}");
        assert_eq!(hide(&[value], "at or near \"cdef\""), "at or near \"***\"");
        assert_eq!(hide(&[value], "cdef is a word"), "cdef is a word");
        assert_eq!(hide(&[value], "at or near \"cde\""), "at or near \"cde\"");
        assert_eq!(
            hide(&["\u{e4}\u{f6}\u{fc}\u{df}x"], "\u{f6}\u{fc}\u{df}x"),
            "\u{f6}\u{fc}\u{df}x"
        );
        assert_eq!(hide(&["first one", "second one"], "first one, second one"), "***, ***");
    }

    #[test]
    fn places_move() {
        let mask = Mask::of(["\u{e4}secret!"].into_iter());
        let text = "x '\u{e4}secret!' y '\u{e4}secret!' z";
        let Some(masked) = mask.apply(text) else { unreachable!() };
        assert_eq!(masked.text, "x '***' y '***' z");
        for (before, after) in [(1, 1), (3, 3), (4, 4), (7, 4), (12, 7), (14, 9), (27, 17)] {
            assert_eq!(masked.position(text, before), after, "{before}");
        }
    }
}

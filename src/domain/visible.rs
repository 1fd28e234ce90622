//! Characters that are invisible, or that make text look like other text.

use std::borrow::Cow;

/// The longest name of a migration or a variable, in characters.
pub const LONGEST_NAME: usize = 500;

/// Whether a character is a control character, a line separator, a format character (such as those
/// that change the direction of text, and those without width), or one that fonts leave blank.
/// These are the Unicode categories Cc, Cf, Zl and Zp, and some fillers.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Why a name is invalid, as a sentence. None: it is valid.
pub fn defect(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("It is empty.".to_owned());
    }
    if let Some(c) = name.chars().find(|c| is_invisible(*c)) {
        return Some(format!("It holds the character U+{:04X}, which cannot be seen.", c as u32));
    }
    let length = name.chars().count();
    (length > LONGEST_NAME)
        .then(|| format!("It has {length} characters, more than {LONGEST_NAME}."))
}

/// A text for people: each invisible character is replaced by its number, such as `\u{202e}`. Line
/// ends and tabs stay.
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| !matches!(c, '\n' | '\t') && is_invisible(c);
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_odd(c) {
            true => shown.push_str(&format!("\\u{{{:x}}}", c as u32)),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_cannot_be_seen() {
        for c in "\0\n\u{7f}\u{85}\u{ad}\u{200b}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}".chars() {
            assert!(is_invisible(c), "U+{:04X}", c as u32);
        }
        for c in "aZ0 _-.\u{e4}\u{4e2d}\u{5d0}\u{1f600}\u{301}\u{a0}".chars() {
            assert!(!is_invisible(c), "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_name() {
        assert_eq!(defect("create users"), None);
        assert_eq!(defect(" ").as_deref(), Some("It is empty."));
        let odd = defect("ab\u{202e}c");
        assert_eq!(odd.as_deref(), Some("It holds the character U+202E, which cannot be seen."));
        assert_eq!(defect(&"\u{e4}".repeat(LONGEST_NAME)), None);
        let long = defect(&"x".repeat(501));
        assert_eq!(long.as_deref(), Some("It has 501 characters, more than 500."));
    }

    #[test]
    fn shows_what_cannot_be_seen() {
        assert_eq!(shown("a\u{202e}b\u{1b}[2J"), "a\\u{202e}b\\u{1b}[2J");
        assert_eq!(shown("two\nlines\tand \u{e4}"), "two\nlines\tand \u{e4}");
    }
}

//! Patterns of paths, as in the option `ignore`.

use super::limits;
use super::path::base;
use crate::domain::halt;

/// A list of patterns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patterns {
    patterns: Vec<Vec<Token>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// A character.
    Char(char),
    /// `?`: one character except a slash.
    One,
    /// `*`: any number of characters except slashes.
    Name,
    /// `**`: any number of characters.
    All,
    /// `**/`: any number of folders.
    Folders,
}

impl Patterns {
    /// Parses patterns that are separated by commas. A pattern without a slash matches names of
    /// files in any folder; one that ends with a slash matches all files in a folder.
    ///
    /// Error: there are too many.
    pub fn read(text: &str) -> Result<Patterns, String> {
        const MOST: usize = 1000;
        let given = text.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
        let patterns: Vec<Vec<Token>> = given.take(MOST + 1).map(tokens).collect();
        match patterns.len() > MOST {
            true => Err(format!("more than {MOST} patterns are given")),
            false => Ok(Patterns { patterns }),
        }
    }

    /// Whether one of them matches the file with this path.
    pub fn cover(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| {
            let has_slash = pattern
                .iter()
                .any(|token| matches!(token, Token::Char('/') | Token::Folders | Token::All));
            matches(pattern, if has_slash { path } else { base(path) })
        })
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let pattern = pattern.trim_start_matches("./");
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let begins_part = rest.len() == pattern.len() || tokens.last() == Some(&Token::Char('/'));
        let (token, length) = match c {
            _ if begins_part && rest.starts_with("**/") => (Token::Folders, 3),
            _ if rest.starts_with("**") => (Token::All, 2),
            '*' => (Token::Name, 1),
            '?' => (Token::One, 1),
            c => (Token::Char(c), c.len_utf8()),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    if pattern.ends_with('/') {
        tokens.push(Token::All);
    }
    tokens.truncate(limits::MAX_MESSAGE);
    tokens
}

/// Whether a pattern matches a path. It keeps the offsets of the path that the pattern can reach so
/// far, so the work is at most the product of both lengths.
fn matches(pattern: &[Token], path: &str) -> bool {
    let chars: Vec<char> = path.chars().collect();
    let mut reached = vec![false; chars.len() + 1];
    reached[0] = true;
    for token in pattern {
        halt::work(chars.len() + 1);
        let mut next = vec![false; chars.len() + 1];
        // Whether a token of any length may have begun before this offset.
        let mut open = false;
        for at in 0..=chars.len() {
            let before = at.checked_sub(1).map(|at| (reached[at], chars[at]));
            next[at] = match (token, before) {
                (Token::Char(wanted), Some((true, c))) => c == *wanted,
                (Token::One, Some((true, c))) => c != '/',
                (Token::Char(_) | Token::One, _) => false,
                (Token::Name, before) => {
                    open = reached[at] || (open && before.is_some_and(|(_, c)| c != '/'));
                    open
                }
                (Token::All, _) => {
                    open |= reached[at];
                    open
                }
                (Token::Folders, before) => {
                    let begins = reached[at] || (open && before.is_some_and(|(_, c)| c == '/'));
                    open |= reached[at];
                    begins
                }
            };
        }
        reached = next;
    }
    reached[chars.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_paths() {
        for (pattern, path, expected) in [
            ("*.bak", "1_a.sql.bak", true),
            ("*.bak", "old/1_a.sql.bak", true),
            ("*.bak", "1_a.bak.sql", false),
            ("old/*", "old/1_a.sql", true),
            ("old/*", "old/x/1_a.sql", false),
            ("old/**", "old/x/1_a.sql", true),
            ("old/", "old/x/1_a.sql", true),
            ("old/", "older/1_a.sql", false),
            ("old", "old/1_a.sql", false),
            ("**/old/*.sql", "old/1_a.sql", true),
            ("**/old/*.sql", "a/b/old/1_a.sql", true),
            ("**/old/*.sql", "cold/1_a.sql", false),
            ("a/**/b.sql", "a/b.sql", true),
            ("a/**/b.sql", "a/x/y/b.sql", true),
            ("a/**/b.sql", "a/xb.sql", false),
            ("./a/b.sql", "a/b.sql", true),
            ("1_?.sql", "1_\u{e9}.sql", true),
            ("1_?.sql", "1_.sql", false),
            ("a?b", "x/a?b", true),
            ("x/a?b", "x/a/b", false),
            ("**", "a/b.sql", true),
            ("seed.sql, *.ddl", "x/a.ddl", true),
            ("seed.sql, *.ddl", "x/seed.sql", true),
            ("1_[a].sql", "1_a.sql", false),
            ("", "a.sql", false),
            (",", "", false),
        ] {
            let patterns = Patterns::read(pattern).unwrap_or_default();
            assert_eq!(patterns.cover(path), expected, "{pattern} and {path}");
        }
        assert!(Patterns::read(&"a,".repeat(1001)).is_err());
    }

    #[test]
    fn work_is_bounded() {
        let patterns = Patterns::read(&"*a".repeat(500)).unwrap_or_default();
        let path = format!("{}b", "a".repeat(4000));
        assert!(halt::testing::checks(|| assert!(!patterns.cover(&path))) < 20);
    }
}

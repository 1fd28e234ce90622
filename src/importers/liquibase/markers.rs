//! The markers of formatted SQL, which are comments.

use super::super::section::lines;

/// Whether a text begins with the header of formatted SQL.
pub fn has_header(text: &str) -> bool {
    let first = lines(text).find(|line| !line.text.trim().is_empty());
    first.is_some_and(|line| header(line.text).is_some())
}

/// The text after the header of formatted SQL.
pub fn header(line: &str) -> Option<&str> {
    word(marker(line, "liquibase")?.trim_start(), "formatted")
}

/// The text after the word that begins a changeset, even if there are too few hyphens.
pub fn is_changeset(line: &str) -> Option<&str> {
    let text = line.trim_start().trim_start_matches('-');
    if text.len() == line.trim_start().len() {
        return None;
    }
    let rest = word(text.trim_start(), "changeset")?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// A marker in a changeset that is not supported, and the HINT.
pub fn unsupported(line: &str) -> Option<(&'static str, &'static str)> {
    if marker(line, "precondition-").is_some() {
        let hint = "Remove the changeset from the folder, and register it by add() with a precondition and on_fail; or check the condition in its SQL.";
        return Some(("a precondition", hint));
    }
    if marker(line, "include")
        .is_some_and(|rest| rest.trim_start().starts_with("file:") || word(rest, "All ").is_some())
    {
        return Some(("an include", "Remove it, and load the files of the folder directly."));
    }
    if marker(line, "rollbackSqlFile").is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
        return Some(("a rollback in another file", "Move it to this one, as --rollback."));
    }
    let hint = "Remove the line: apply() and rollback_to() use versions.";
    marker(line, "tagDatabase:").map(|_| ("a tag", hint))
}

/// Whether a comment with a rollback begins here.
pub fn is_rollback_comment(line: &str) -> bool {
    let inner =
        line.trim().strip_prefix("/*").and_then(|rest| word(rest.trim_start(), "liquibase"));
    inner.and_then(|rest| word(rest.trim_start(), "rollback")).is_some_and(str::is_empty)
}

/// The text after a marker: `--`, white space, and the marker in any case.
pub fn marker<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    word(line.trim_start().strip_prefix("--")?.trim_start(), marker)
}

/// The text after a word in any case.
pub fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let found = text.get(..word.len())?.eq_ignore_ascii_case(word);
    if found { text.get(word.len()..) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_the_header() {
        for (text, expected) in [
            ("--liquibase formatted sql", true),
            ("\r\n -- LIQUIBASE  Formatted SQL logicalFilePath:x\r\n", true),
            ("--liquibaseformatted", true),
            ("-- by liquibase\n--liquibase formatted sql", false),
            ("", false),
        ] {
            assert_eq!(has_header(text), expected, "{text:?}");
        }
    }

    #[test]
    fn recognises_markers() {
        assert_eq!(marker("  --  RollBack x", "rollback"), Some(" x"));
        assert_eq!(marker("-rollback x", "rollback"), None);
        assert_eq!(marker("--é", "rollback"), None);
        assert_eq!(is_changeset(" - changeset a:1"), Some(" a:1"));
        assert_eq!(is_changeset("changeset a:1"), None);
        assert_eq!(is_changeset("--changesets"), None);
        assert!(
            is_rollback_comment(" /* Liquibase rollback ")
                && is_rollback_comment("/*liquibase rollback")
        );
        assert!(!is_rollback_comment("/* liquibase rollback DROP TABLE x; */"));
        assert!(unsupported("-- precondition-sql-check x").is_some());
        assert!(unsupported("-- includes all").is_none());
    }
}

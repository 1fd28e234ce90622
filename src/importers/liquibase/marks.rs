//! The marks of formatted SQL, which are comments of a line or more.

use super::super::section::lines;

/// Whether a text begins as formatted SQL does.
pub fn has_header(text: &str) -> bool {
    let first = lines(text).find(|line| !line.text.trim().is_empty());
    first.is_some_and(|line| header(line.text).is_some())
}

/// What stands behind the mark of formatted SQL.
pub fn header(line: &str) -> Option<&str> {
    word(mark(line, "liquibase")?.trim_start(), "formatted")
}

/// What stands behind the word that begins a changeset, be it with too few dashes.
pub fn is_changeset(line: &str) -> Option<&str> {
    let text = line.trim_start().trim_start_matches('-');
    if text.len() == line.trim_start().len() {
        return None;
    }
    let rest = word(text.trim_start(), "changeset")?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// Marks that a changeset may hold and that aren't honoured, with what to do.
pub fn not_honoured(line: &str) -> Option<(&'static str, &'static str)> {
    if mark(line, "precondition-").is_some() {
        let hint = "Take the changeset out of the folder, and register it by add() with a precondition and on_fail; or let its SQL look itself.";
        return Some(("a precondition", hint));
    }
    if mark(line, "include")
        .is_some_and(|rest| rest.trim_start().starts_with("file:") || word(rest, "All ").is_some())
    {
        return Some(("an include", "Take it out, and load the files of the folder themselves."));
    }
    if mark(line, "rollbackSqlFile").is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
        return Some(("a rollback in another file", "Write it into this one, as --rollback."));
    }
    let hint = "Take the line out: apply() and rollback_to() go by versions.";
    mark(line, "tagDatabase:").map(|_| ("a tag", hint))
}

/// Whether a comment begins here that holds a rollback.
pub fn is_block(line: &str) -> bool {
    let inner =
        line.trim().strip_prefix("/*").and_then(|rest| word(rest.trim_start(), "liquibase"));
    inner.and_then(|rest| word(rest.trim_start(), "rollback")).is_some_and(str::is_empty)
}

/// What stands behind a mark: `--`, white space, and the mark in any case.
pub fn mark<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    word(line.trim_start().strip_prefix("--")?.trim_start(), mark)
}

/// What stands behind a word in any case.
pub fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let found = text.get(..word.len())?.eq_ignore_ascii_case(word);
    if found { text.get(word.len()..) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_files() {
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
    fn knows_marks() {
        assert_eq!(mark("  --  RollBack x", "rollback"), Some(" x"));
        assert_eq!(mark("-rollback x", "rollback"), None);
        assert_eq!(mark("--é", "rollback"), None);
        assert_eq!(is_changeset(" - changeset a:1"), Some(" a:1"));
        assert_eq!(is_changeset("changeset a:1"), None);
        assert_eq!(is_changeset("--changesets"), None);
        assert!(is_block(" /* Liquibase rollback ") && is_block("/*liquibase rollback"));
        assert!(!is_block("/* liquibase rollback DROP TABLE x; */"));
        assert!(not_honoured("-- precondition-sql-check x").is_some());
        assert!(not_honoured("-- includes all").is_none());
    }
}

//! Texts for messages: literals of SQL, names between quotes, and lists that may be long.

use super::script::{floor_boundary, shorten};
use std::time::Duration;

/// The longest message, or row as JSON, that is kept or shown, in bytes.
pub const LONGEST_MESSAGE: usize = 64 << 10;

/// How much is kept of the messages of a body, and of its rows, in bytes.
pub const KEPT_MESSAGES: usize = 1 << 20;

/// How many elements of a list are named.
pub const LISTED: usize = 10;

/// A text as a literal of SQL, for HINTs that are statements to run.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// Version and project as the arguments of a call, for HINTs that are statements to run.
pub fn arguments(version: &str, project: &str) -> String {
    format!("{}, {}", literal(version), literal(project))
}

/// The statement that sets variables; of many, the first ones.
pub fn set_variables(names: &[String], project: &str) -> String {
    let call = |name: &String| {
        format!("migrations.set_variable({}, 'value', {})", literal(name), literal(project))
    };
    format!("SELECT {};", names.iter().take(LISTED).map(call).collect::<Vec<_>>().join(", "))
}

/// A name between double quotes, without characters that cannot be printed. A long one is cut.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", shorten(name).escape_debug())
}

/// Names between double quotes; of many, the first ones.
pub fn quoted_all(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    some_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The first elements of a list that may be long, and how many more there are.
pub fn some_of(names: &[&str]) -> String {
    match names.len() {
        0..=LISTED => names.join(", "),
        n => format!("{} and {} more", names[..LISTED].join(", "), n - LISTED),
    }
}

/// The beginning of a name that may be very long, without characters that cannot be printed.
pub fn beginning(name: &str) -> String {
    match name.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &name[..end]).escape_debug().to_string(),
        None => name.escape_debug().to_string(),
    }
}

/// A message that is not too long: what is cut off is counted.
pub fn bounded(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let end = floor_boundary(message, LONGEST_MESSAGE);
    format!("{} ... ({} more bytes)", &message[..end], message.len() - end)
}

/// A time as settings have it, such as `10s`.
pub fn duration(time: Duration) -> String {
    match time.as_millis() {
        0 => "0".to_owned(),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

/// The ending of a noun that counts so many things.
pub fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The verb whose subject is so many things.
pub fn has(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_double_what_the_server_would_read() {
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(arguments("1", "a"), "'1', 'a'");
    }

    #[test]
    fn long_names_and_lists_are_cut() {
        assert_eq!(beginning("a\n"), "a\\n");
        assert_eq!(beginning(&"a".repeat(81)), format!("{}...", "a".repeat(80)));
        assert_eq!(quoted(&"a".repeat(400)).len(), 302);
        let names = vec!["a"; 12];
        assert_eq!(some_of(&names[..2]), "a, a");
        assert!(some_of(&names).ends_with("a and 2 more"));
    }

    #[test]
    fn long_messages_say_what_is_missing() {
        let long = "ä".repeat(LONGEST_MESSAGE);
        assert!(bounded(&long).ends_with(&format!("... ({LONGEST_MESSAGE} more bytes)")));
        assert_eq!(bounded("short"), "short");
    }

    #[test]
    fn durations_are_those_of_settings() {
        assert_eq!(duration(Duration::from_millis(2000)), "2s");
        assert_eq!(duration(Duration::from_millis(2500)), "2500ms");
        assert_eq!(duration(Duration::ZERO), "0");
    }
}

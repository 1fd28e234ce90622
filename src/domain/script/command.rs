//! psql's own commands in a script: which of them are ignored, which are carried out, and what to
//! do instead of the others.

use super::super::halt;
pub use super::lexer::command_name as name;
use super::lexer::variable_length;

/// What a command means for a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// It only changes what psql shows. It is ignored with a NOTICE.
    Nothing,
    /// It only matters to psql. It is ignored without a NOTICE.
    Silent,
    /// It ends a statement as a semicolon does.
    Semicolon,
    /// It is a colon.
    Colon,
    /// It sets a variable to the rest of its arguments.
    Set(String, Vec<Argument>),
    /// It removes a variable.
    Unset(String),
    /// It ends the script.
    Quit,
    /// It can't be carried out. What to do instead, as a sentence.
    Refused(&'static str),
}

/// An argument of a command, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A literal text.
    Text(String),
    /// A variable, as `:x`, `:'x'` or `:"x"`.
    Variable(String),
}

/// What a command means; `command` begins with its backslash.
pub fn meaning(command: &str) -> Meaning {
    use Meaning::*;
    let name = name(command);
    let arguments = &command[(1 + name.len()).min(command.len())..];
    let arguments = arguments.strip_suffix("\\\\").unwrap_or(arguments);
    match name {
        ";" => Semicolon,
        ":" => Colon,
        // A separator of commands.
        "\\" | "" => Silent,
        "restrict" | "unrestrict" => Silent,
        "g" | "gx" if arguments.trim().is_empty() => Semicolon,
        "set" => set(arguments),
        "unset" => match words(arguments) {
            Ok(words) => match words.into_iter().next() {
                Some(mut word) => match (word.pop(), word.is_empty()) {
                    (Some(Argument::Text(name)), true) => Unset(name),
                    _ => Refused("Write the name of the variable without quotes or a colon."),
                },
                None => Nothing,
            },
            Err(why) => Refused(why),
        },
        "q" | "quit" => Quit,
        "echo" | "qecho" | "warn" | "pset" | "timing" | "x" | "t" | "a" | "f" | "H" | "html"
        | "C" | "T" | "p" | "print" | "conninfo" | "errverbose" | "encoding" | "copyright"
        | "h" | "help" | "?" | "l" | "list" | "l+" | "z" | "sf" | "sv" | "sf+" | "sv+" => Nothing,
        _ if is_describe(name) => Nothing,
        "i" | "include" | "ir" | "include_relative" => Refused(
            "Load the folder with pg_migrations.sh, which includes the file, or replace the command with the content of the file.",
        ),
        "copy" => Refused("Put the data after COPY ... FROM stdin; and end it with a line of \\."),
        "c" | "connect" => Refused(
            "Remove the line, which pg_dump writes with --create: a migration runs in its own database.",
        ),
        "gexec" => Refused("Run the statements that the query returns with EXECUTE in a DO block."),
        "gset" => Refused("Compute the value where it is needed, or in a DO block."),
        "if" | "elif" | "else" | "endif" => {
            Refused("Decide in a DO block, or with a precondition of the migration.")
        }
        "!" | "setenv" | "getenv" | "cd" | "o" | "out" | "w" | "write" | "lo_import"
        | "lo_export" => Refused("Do this on the client, before or after the run."),
        _ => Refused("Remove the command, or replace it with SQL."),
    }
}

/// `\d` and related commands, which only show something.
fn is_describe(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next() == Some(b'd')
        && name.len() <= 6
        && letters.all(|b| b.is_ascii_alphabetic() || matches!(b, b'+' | b'S'))
}

/// Variables that control psql itself, and have no meaning here.
const SPECIAL: [&str; 30] = [
    "AUTOCOMMIT",
    "COMP_KEYWORD_CASE",
    "DBNAME",
    "ECHO",
    "ECHO_HIDDEN",
    "ENCODING",
    "ERROR",
    "FETCH_COUNT",
    "HIDE_TABLEAM",
    "HIDE_TOAST_COMPRESSION",
    "HISTCONTROL",
    "HISTFILE",
    "HISTSIZE",
    "HOST",
    "IGNOREEOF",
    "LASTOID",
    "ON_ERROR_ROLLBACK",
    "ON_ERROR_STOP",
    "PORT",
    "PROMPT1",
    "PROMPT2",
    "PROMPT3",
    "QUIET",
    "SHOW_ALL_RESULTS",
    "SHOW_CONTEXT",
    "SINGLELINE",
    "SINGLESTEP",
    "USER",
    "VERBOSITY",
    "WATCH_INTERVAL",
];

fn set(arguments: &str) -> Meaning {
    let words = match words(arguments) {
        Ok(words) => words,
        Err(why) => return Meaning::Refused(why),
    };
    let mut words = words.into_iter();
    let Some(first) = words.next() else { return Meaning::Nothing };
    let [Argument::Text(name)] = &first[..] else {
        return Meaning::Refused("Write the name of the variable without quotes or a colon.");
    };
    if SPECIAL.contains(&name.as_str()) {
        return Meaning::Nothing;
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | 0x80..)) {
        return Meaning::Refused("A variable's name is made of letters, digits and underscores.");
    }
    // All further words are joined without anything between.
    Meaning::Set(name.clone(), words.flatten().collect())
}

/// The arguments of a command that begins with its backslash, each in parts. Errors: what to do
/// instead of an argument that can't be read here.
pub fn arguments(command: &str) -> Result<Vec<Vec<Argument>>, &'static str> {
    words(&command[(1 + name(command).len()).min(command.len())..])
}

/// What to do instead of an argument in backquotes.
const BACKQUOTES: &str = "Remove the backquotes, which run a program on the client's machine. A value is set with SELECT migrations.set_variable('name', 'value'); in a project with placeholders => ':x'.";

/// The longest arguments that are read, in bytes.
const LONGEST: usize = 1 << 20;

/// The words of a command's arguments, each in parts. Errors: what to do instead of an argument
/// that can't be read here.
fn words(arguments: &str) -> Result<Vec<Vec<Argument>>, &'static str> {
    if arguments.len() > LONGEST {
        return Err("Shorten the command to less than 1 MB.");
    }
    let mut words = Vec::new();
    let mut word: Vec<Argument> = Vec::new();
    let mut in_word = false;
    let mut rest = arguments;
    while let Some(c) = rest.chars().next() {
        halt::work(halt::STEP);
        if c.is_ascii_whitespace() {
            if std::mem::take(&mut in_word) {
                words.push(std::mem::take(&mut word));
            }
            rest = &rest[1..];
            continue;
        }
        in_word = true;
        let (part, length) = match c {
            '`' => return Err(BACKQUOTES),
            '\'' => single_quoted(rest)?,
            '"' => {
                // Within double quotes everything is literal, including the quotes.
                let end = rest[1..].find('"').ok_or("Close the quotes.")?;
                (Argument::Text(rest[..end + 2].to_owned()), end + 2)
            }
            ':' => variable(rest),
            _ => {
                let end = rest
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '\'' | '"' | '`' | ':'));
                let end = end.map_or(rest.len(), |(n, _)| n);
                (Argument::Text(rest[..end].to_owned()), end)
            }
        };
        match (word.last_mut(), part) {
            (Some(Argument::Text(last)), Argument::Text(text)) => last.push_str(&text),
            (_, part) => word.push(part),
        }
        rest = &rest[length..];
    }
    if in_word {
        words.push(word);
    }
    Ok(words)
}

/// `'…'`, in which a quote is doubled and a backslash begins an escape as in C.
fn single_quoted(text: &str) -> Result<(Argument, usize), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((n, c)) = characters.next() {
        match c {
            '\'' if characters.peek().is_some_and(|(_, c)| *c == '\'') => {
                characters.next();
                value.push('\'');
            }
            '\'' => return Ok((Argument::Text(value), n + 1)),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 'b')) => value.push('\u{8}'),
                Some((_, 'f')) => value.push('\u{c}'),
                Some((_, '0'..='9' | 'x')) => {
                    return Err("Write the character itself instead of its number.");
                }
                Some((_, other)) => value.push(other),
                None => break,
            },
            _ => value.push(c),
        }
    }
    Err("Close the quotes.")
}

/// `:x`, `:'x'` or `:"x"`. Anything else is literal.
fn variable(text: &str) -> (Argument, usize) {
    match variable_length(text.as_bytes()) {
        Some(length) => (Argument::Variable(text[..length].to_owned()), length),
        None => (Argument::Text(":".to_owned()), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_commands_mean() {
        for (command, expected) in [
            ("\\restrict abc", Meaning::Silent),
            ("\\echo hello", Meaning::Nothing),
            ("\\set ON_ERROR_STOP on", Meaning::Nothing),
            ("\\set", Meaning::Nothing),
            ("\\dt+ public.*", Meaning::Nothing),
            ("\\d", Meaning::Nothing),
            ("\\;", Meaning::Semicolon),
            ("\\:", Meaning::Colon),
            ("\\g", Meaning::Semicolon),
            ("\\gx \\\\", Meaning::Semicolon),
            ("\\q", Meaning::Quit),
            ("\\unset x", Meaning::Unset("x".into())),
        ] {
            assert_eq!(meaning(command), expected, "{command}");
        }
        for command in [
            "\\i other.sql",
            "\\copy t from x",
            "\\connect db",
            "\\gexec",
            "\\if :x",
            "\\! ls",
            "\\g file",
            "\\set x `date`",
            "\\password",
            "\\drop_all_of_it",
        ] {
            assert!(matches!(meaning(command), Meaning::Refused(_)), "{command}");
        }
    }

    #[test]
    fn reads_values() {
        let text = |text: &str| Argument::Text(text.to_owned());
        let set = |command: &str| match meaning(command) {
            Meaning::Set(name, parts) => (name, parts),
            other => (format!("{other:?}"), Vec::new()),
        };
        for (command, name, parts) in [
            ("\\set x 1", "x", vec![text("1")]),
            ("\\set x", "x", vec![]),
            ("\\set x 'it''s' \\n", "x", vec![text("it's"), text("\\n")]),
            ("\\set x 'a\\nb'", "x", vec![text("a\nb")]),
            ("\\set x \"a b\"", "x", vec![text("\"a b\"")]),
            ("\\set x a b c", "x", vec![text("a"), text("b"), text("c")]),
            (
                "\\set x pre:'y'z",
                "x",
                vec![text("pre"), Argument::Variable(":'y'".into()), text("z")],
            ),
            ("\\set x a::b", "x", vec![text("a:"), Argument::Variable(":b".into())]),
        ] {
            assert_eq!(set(command), (name.to_owned(), parts), "{command}");
        }
    }
}

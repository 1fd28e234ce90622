//! psql's `\i` and `\ir`: the files replace the commands, and are no migrations of their own.

use super::path::{join_within, split};
use super::{Problem, is_any_sql};
use crate::domain::script::command::{Argument, arguments, name};
use crate::domain::script::scan::{PieceKind, scan};
use crate::domain::script::{line_at, shorten};
use crate::domain::{halt, room};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// How deep files may include files.
const MAX_DEPTH: usize = 32;

/// How many files one may include, counting those in included ones each time.
const MAX_FILES: usize = 10_000;

/// The size of all texts that include others, together.
const MAX_SIZE: usize = 512 << 20;

/// Replaces the commands in files, which are pairs of path and text, and removes the included ones.
///
/// Errors: an included file is not among them, or includes itself; files are included too deep or
/// too often, or become too large.
pub fn resolve(files: Vec<(String, String)>) -> Result<Vec<(String, String)>, Problem> {
    let includes = |path: &str, text: &str| {
        let find = |part: &[u8]| memchr::memmem::find(part, b"\\i");
        is_any_sql(path) && halt::search(text.as_bytes(), 0, 2, find).is_some()
    };
    if !files.iter().any(|(path, text)| includes(path, text)) {
        return Ok(files);
    }
    let texts: HashMap<&str, &str> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut expansion = Expansion { texts, known: HashMap::new(), open: Vec::new(), size: 0 };
    let mut whole = HashMap::new();
    for (path, text) in files.iter().filter(|(path, text)| includes(path, text)) {
        whole.insert(path.clone(), expansion.of(path, text)?);
    }
    let included: HashSet<String> =
        expansion.known.into_values().flat_map(|e| e.included.clone()).collect();
    let files = files.into_iter().filter(|(path, _)| !included.contains(path));
    Ok(files
        .map(|(path, text)| {
            let text = whole.remove(&path).map_or(text, |it| match Rc::try_unwrap(it) {
                Ok(it) => it.text,
                Err(it) => room::owned(&it.text),
            });
            (path, text)
        })
        .collect())
}

/// A file with all that it includes.
struct Expanded {
    text: String,
    /// The files that it includes directly.
    included: Vec<String>,
    /// How many files are in it.
    files: usize,
    /// How deep they are included.
    depth: usize,
}

struct Expansion<'a> {
    texts: HashMap<&'a str, &'a str>,
    // Each file is expanded once, however often it is included.
    known: HashMap<String, Rc<Expanded>>,
    // The files that are being expanded. Each is included by the one before.
    open: Vec<String>,
    // The size of all texts so far.
    size: usize,
}

impl<'a> Expansion<'a> {
    fn of(&mut self, path: &str, text: &str) -> Result<Rc<Expanded>, Problem> {
        if let Some(known) = self.known.get(path) {
            return Ok(Rc::clone(known));
        }
        self.open.push(path.to_owned());
        let expanded = Rc::new(self.expand(path, text)?);
        self.open.pop();
        self.known.insert(path.to_owned(), Rc::clone(&expanded));
        Ok(expanded)
    }

    fn expand(&mut self, path: &str, text: &str) -> Result<Expanded, Problem> {
        let mut expanded =
            Expanded { text: String::new(), included: Vec::new(), files: 0, depth: 0 };
        // A command must be one for both values of standard_conforming_strings. Otherwise it is
        // part of a literal or comment.
        let commands =
            scan(text, false).pieces.into_iter().filter(|p| p.kind == PieceKind::Command);
        let commands: HashSet<usize> =
            halt::counted(commands).map(|piece| piece.range.start).collect();
        for piece in scan(text, true).pieces {
            let written = &text[piece.range.clone()];
            halt::work(written.len());
            if piece.kind == PieceKind::Command && matches!(name(written), "q" | "quit") {
                // psql stops reading here.
                room::push_str(&mut expanded.text, &text[piece.range.start..]);
                break;
            }
            let is_command =
                piece.kind == PieceKind::Command && commands.contains(&piece.range.start);
            let is_relative = match (is_command, name(written)) {
                (true, "i" | "include") => false,
                (true, "ir" | "include_relative") => true,
                _ => {
                    room::push_str(&mut expanded.text, written);
                    continue;
                }
            };
            self.add(&mut expanded, path, written, is_relative).map_err(|problem| Problem {
                line: problem.line.or_else(|| Some(line_at(text, piece.range.start))),
                ..problem
            })?;
        }
        Ok(expanded)
    }

    /// Adds the file that a command includes. A problem without a line is one of the command.
    fn add(
        &mut self,
        expanded: &mut Expanded,
        path: &str,
        command: &str,
        is_relative: bool,
    ) -> Result<(), Problem> {
        let (found, text) = self.find(path, command, is_relative)?;
        let inner = self.of(&found, text)?;
        expanded.files = expanded.files.saturating_add(1).saturating_add(inner.files);
        expanded.depth = expanded.depth.max(1 + inner.depth);
        if self.open.len() + inner.depth > MAX_DEPTH {
            return Err(too_deep(path));
        }
        if expanded.files > MAX_FILES {
            let message =
                format!("it includes more than {MAX_FILES} files, with what they include");
            return Err(Problem::beyond(path, message, "Include each file once."));
        }
        let text = inner.text.strip_prefix('\u{feff}').unwrap_or(&inner.text);
        self.size += text.len();
        halt::work(text.len());
        if self.size > MAX_SIZE {
            let message = "the texts with what they include are larger than 512 MB";
            return Err(Problem::beyond(path, message, "Load the files one by one."));
        }
        room::push_str(&mut expanded.text, text);
        // As in psql, the end of a file ends no statement, but what is included ends a line.
        if !inner.text.ends_with('\n') {
            room::push_str(&mut expanded.text, "\n");
        }
        room::push(&mut expanded.included, found);
        Ok(())
    }

    /// The path and the text of the file that a command includes.
    fn find(
        &self,
        path: &str,
        command: &str,
        is_relative: bool,
    ) -> Result<(String, &'a str), Problem> {
        let wanted = argument(command).ok_or_else(|| {
            let message = format!("the file name in \\{} is not a constant", name(command));
            Problem::of(path, message, "Write its path without variables.")
        })?;
        let beside = join_within(split(path).0, &wanted);
        // psql looks for the file of \i where it was started, mostly in the uppermost folder.
        let places = match is_relative {
            true => vec![beside],
            false => vec![join_within("", &wanted), beside],
        };
        let found = places
            .into_iter()
            .flatten()
            .find_map(|place| self.texts.get(place.as_str()).map(|text| (place, *text)));
        let wanted = shorten(&wanted);
        let Some((found, text)) = found else {
            let message = format!("it includes \"{wanted}\", which is not in the folder");
            let hint = "Add the file to the folder, or replace the command by its content.";
            return Err(Problem::of(path, message, hint));
        };
        if self.open.contains(&found) {
            let message = format!("it includes \"{wanted}\", which includes it again");
            return Err(Problem::of(path, message, "Remove one of the commands."));
        }
        match self.open.len() > MAX_DEPTH {
            true => Err(too_deep(path)),
            false => Ok((found, text)),
        }
    }
}

fn too_deep(path: &str) -> Problem {
    let message = format!("files are included more than {MAX_DEPTH} deep");
    Problem::of(path, message, "Write the commands into fewer files.")
}

/// The one argument of a command, if it is plain text.
fn argument(command: &str) -> Option<String> {
    let words = arguments(command).ok()?;
    let [word] = &words[..] else { return None };
    match &word[..] {
        [Argument::Text(path)] => Some(path.trim_matches('"').to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(files: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string()));
        resolve(files.collect())
            .map_err(|p| format!("{}:{} {}", p.path, p.line.unwrap_or_default(), p.message))
    }

    #[test]
    fn includes_files() {
        let files = resolved(&[
            ("001_a.sql", "SELECT 1;\n\\i lib/f.sql\nSELECT 2;\n"),
            ("002_b.sql", "\\ir ./lib/g.sql\\echo done\nSELECT '\\i x.sql';"),
            ("lib/f.sql", "SELECT 'f';\n\\ir g.sql\n"),
            ("lib/g.sql", "SELECT 'g'"),
            ("003_c.sql", "SELECT 1;\n\\q\n\\i nothing"),
            ("README.md", "\\i nothing"),
        ]);
        let expected = [
            ("001_a.sql", "SELECT 1;\nSELECT 'f';\nSELECT 'g'\n\n\nSELECT 2;\n"),
            ("002_b.sql", "SELECT 'g'\n\\echo done\nSELECT '\\i x.sql';"),
            ("003_c.sql", "SELECT 1;\n\\q\n\\i nothing"),
            ("README.md", "\\i nothing"),
        ];
        let expected = expected.map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(files, Ok(expected.to_vec()));
    }

    #[test]
    fn reports_missing_files() {
        for (text, why) in [
            (
                "SELECT 1;\n\\i other.sql",
                "a.sql:2 it includes \"other.sql\", which is not in the folder",
            ),
            ("\\ir ../b.sql", "a.sql:1 it includes \"../b.sql\", which is not in the folder"),
            ("\\i a.sql", "a.sql:1 it includes \"a.sql\", which includes it again"),
            ("\\i b.sql", "b.sql:1 it includes \"a.sql\", which includes it again"),
            ("\\i :x", "a.sql:1 the file name in \\i is not a constant"),
        ] {
            let error = resolved(&[("a.sql", text), ("b.sql", "\\i a.sql")]).err();
            let error = error.unwrap_or_default();
            assert!(error.ends_with(&why[why.find(' ').unwrap_or(0)..]), "{text}: {error}");
        }
    }

    /// Files that include the next one this often.
    fn chain(files: usize, times: usize) -> Vec<(String, String)> {
        let text = |n: usize| match n + 1 == files {
            true => "SELECT 1;\n".to_owned(),
            false => format!("\\ir {:03}.sql\n", n + 1).repeat(times),
        };
        (0..files).map(|n| (format!("{n:03}.sql"), text(n))).collect()
    }

    #[test]
    fn includes_are_limited() {
        assert_eq!(resolve(chain(MAX_DEPTH + 1, 1)).map(|files| files.len()), Ok(1));
        for mut files in [chain(MAX_DEPTH + 2, 1), chain(5_000, 1)] {
            for _ in 0..2 {
                let problem = resolve(files.clone()).err();
                let problem = problem.unwrap_or_else(|| Problem::of("", "", ""));
                assert_eq!(problem.message, "files are included more than 32 deep");
                assert!(problem.line == Some(1) && !problem.is_beyond);
                // In reverse order the deepest ones are known first.
                files.reverse();
            }
        }
        assert_eq!(resolve(chain(13, 2)).map(|files| files.len()), Ok(1));
        let problem = resolve(chain(22, 2)).err();
        let problem = problem.unwrap_or_else(|| Problem::of("", "", ""));
        assert!(problem.message.starts_with("it includes more than 10000 files"));
        assert!(problem.is_beyond && problem.line == Some(2), "{problem:?}");
    }
}

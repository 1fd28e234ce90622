//! psql's `\i` and `\ir` where the files are at hand: each is put in the place of the
//! command, and is no migration of its own.

use super::super::convention::Problem;
use super::command::{Argument, arguments, name};
use super::line_at;
use super::scan::{Kind, scan};
use std::collections::{HashMap, HashSet};

/// How deep files may include files: more than that is a circle, or as good as one.
const DEPTH: usize = 32;

/// The most that one text may grow to.
const LARGEST: usize = 512 << 20;

/// Puts included files in their places. Files are pairs of a path within the folder and a
/// text. Errors: an included file isn't among them, or includes itself.
pub fn resolve(files: Vec<(String, String)>) -> Result<Vec<(String, String)>, Problem> {
    let includes = |text: &str| text.contains("\\i");
    if !files.iter().any(|(_, text)| includes(text)) {
        return Ok(files);
    }
    let texts: HashMap<&str, &str> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut included = HashSet::new();
    let mut resolved = Vec::with_capacity(files.len());
    for (path, text) in &files {
        let text = match includes(text) && path.to_ascii_lowercase().ends_with(".sql") {
            true => expand(&texts, path, text, &mut included, 0)?,
            false => text.clone(),
        };
        resolved.push((path.clone(), text));
    }
    resolved.retain(|(path, _)| !included.contains(path));
    Ok(resolved)
}

fn expand(
    texts: &HashMap<&str, &str>,
    path: &str,
    text: &str,
    included: &mut HashSet<String>,
    depth: usize,
) -> Result<String, Problem> {
    // What isn't a command for every value of standard_conforming_strings is part of a
    // literal or comment.
    let commands = scan(text, false).pieces.into_iter().filter(|p| p.kind == Kind::Command);
    let commands: HashSet<usize> = commands.map(|piece| piece.range.start).collect();
    let mut expanded = String::with_capacity(text.len());
    for piece in scan(text, true).pieces {
        let written = &text[piece.range.clone()];
        if piece.kind == Kind::Command && matches!(name(written), "q" | "quit") {
            // psql reads no further.
            expanded.push_str(&text[piece.range.start..]);
            break;
        }
        let is_command = piece.kind == Kind::Command && commands.contains(&piece.range.start);
        let relative = match (is_command, name(written)) {
            (true, "i" | "include") => false,
            (true, "ir" | "include_relative") => true,
            _ => {
                expanded.push_str(written);
                continue;
            }
        };
        let problem = |message: String, hint: &str| Problem {
            line: Some(line_at(text, piece.range.start)),
            ..Problem::of(path, message, hint)
        };
        let Some(wanted) = argument(written) else {
            return Err(problem(
                format!("the file that \\{} includes is not named as it is", name(written)),
                "Write its path without variables.",
            ));
        };
        let folder = path.rfind('/').map_or("", |end| &path[..end]);
        let beside = join(folder, &wanted);
        // psql looks for \i where it was started, which is mostly the uppermost folder.
        let places = if relative { vec![beside] } else { vec![join("", &wanted), beside] };
        let found = places.into_iter().flatten().find(|place| texts.contains_key(place.as_str()));
        let Some(found) = found else {
            return Err(problem(
                format!("it includes \"{wanted}\", which is not in the folder"),
                "Put the file into the folder, or its content in the place of the command.",
            ));
        };
        if depth == DEPTH || found == path {
            return Err(problem(
                format!("it includes \"{wanted}\", which includes it again"),
                "Remove one of the commands.",
            ));
        }
        let inner = texts.get(found.as_str()).copied().unwrap_or_default();
        let inner = expand(texts, &found, inner, included, depth + 1)?;
        if expanded.len() + inner.len() > LARGEST {
            return Err(problem(
                "with what it includes, it is larger than 512 MB".to_owned(),
                "Load the files one by one.",
            ));
        }
        expanded.push_str(inner.strip_prefix('\u{feff}').unwrap_or(&inner));
        // As in psql, the end of a file ends no statement, but what is included ends a line.
        if !inner.ends_with('\n') {
            expanded.push('\n');
        }
        included.insert(found);
    }
    Ok(expanded)
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

/// A path from a folder; None: it leads out of the folder that is loaded.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
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
    fn puts_files_in_their_places() {
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
    fn says_what_is_not_there() {
        for (text, why) in [
            (
                "SELECT 1;\n\\i other.sql",
                "a.sql:2 it includes \"other.sql\", which is not in the folder",
            ),
            ("\\ir ../b.sql", "a.sql:1 it includes \"../b.sql\", which is not in the folder"),
            ("\\i a.sql", "a.sql:1 it includes \"a.sql\", which includes it again"),
            ("\\i b.sql", "a.sql:1 it includes \"b.sql\", which includes it again"),
            ("\\i :x", "a.sql:1 the file that \\i includes is not named as it is"),
        ] {
            let error = resolved(&[("a.sql", text), ("b.sql", "\\i a.sql")]).err();
            let error = error.unwrap_or_default();
            assert!(error.ends_with(&why[why.find(' ').unwrap_or(0)..]), "{text}: {error}");
        }
    }
}

//! The arrows of ARCHITECTURE.md, read from the paths in the source: a room uses only the rooms
//! that its line names, and no two files need each other.

// A test ends by a panic.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms that it may use.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "look",
            "repair",
            "registry",
            "engine",
            "catalog",
            "store",
            "pg",
            "error",
            "importers",
            "domain",
        ],
    ),
    ("look", &["engine", "catalog", "store", "pg", "error", "domain"]),
    ("repair", &["engine", "catalog", "store", "pg", "error", "domain"]),
    ("registry", &["engine", "store", "pg", "error", "importers", "domain"]),
    ("engine", &["catalog", "store", "pg", "error", "domain"]),
    ("catalog", &["store", "pg", "error", "domain"]),
    ("store", &["pg", "error", "domain"]),
    ("pg", &["error", "domain"]),
    ("error", &["domain"]),
    ("importers", &["domain"]),
    ("domain", &[]),
];

type Module = Vec<String>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in
        fs::read_dir(folder).expect("a folder of the source").map(|e| e.expect("an entry").path())
    {
        match entry.is_dir() {
            true => sources(&entry, found),
            false if entry.extension().is_some_and(|e| e == "rs") => found.push(entry),
            false => {}
        }
    }
}

fn module(root: &Path, file: &Path) -> Module {
    let path = file.strip_prefix(root).expect("a file of the source").with_extension("");
    let mut parts: Module = path.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The text without comments and strings, as far as paths are concerned.
fn code(text: &str) -> String {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A path's modules and what follows; `super` is resolved from the module in which it is written.
fn resolve(path: &[&str], from: &Module) -> Option<Module> {
    let mut base = match *path.first()? {
        "crate" => Vec::new(),
        "super" => from.clone(),
        _ => return None,
    };
    for part in path {
        match *part {
            "crate" => {}
            "super" => drop(base.pop()),
            "self" => {}
            part => base.push(part.to_owned()),
        }
    }
    Some(base)
}

/// The paths of a `use` tree, or of an expression, beginning at `crate` or `super`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = ["crate::", "super::"].iter().filter_map(|p| rest.find(p)).min() {
        let is_word = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        rest = &rest[at..];
        if !is_word {
            tree(&mut rest, &mut Vec::new(), &mut found);
        } else {
            rest = &rest["crate::".len()..];
        }
    }
    found
}

fn tree(rest: &mut &str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let depth = prefix.len();
    loop {
        *rest = rest.trim_start();
        if let Some(inner) = rest.strip_prefix('{') {
            *rest = inner;
            loop {
                *rest = rest.trim_start_matches([' ', '\n', ',']);
                match rest.strip_prefix('}') {
                    Some(after) => *rest = after,
                    None if rest.is_empty() => {}
                    None => {
                        let before = rest.len();
                        tree(rest, prefix, found);
                        if rest.len() < before {
                            continue;
                        }
                        *rest = "";
                    }
                }
                prefix.truncate(depth);
                return;
            }
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        prefix.push(rest[..end].to_owned());
        *rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(after) => *rest = after,
            None => break,
        }
    }
    found.push(prefix.clone());
    if let Some(after) = rest.strip_prefix(" as ") {
        *rest = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    }
    prefix.truncate(depth);
}

/// Which modules each module uses.
fn arrows() -> BTreeMap<Module, BTreeSet<Module>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let modules: BTreeSet<Module> = files.iter().map(|file| module(&root, file)).collect();
    let mut arrows = BTreeMap::new();
    for file in &files {
        let from = module(&root, file);
        let text = code(&fs::read_to_string(file).expect("a readable file"));
        let mut used = BTreeSet::new();
        // Unit tests at the end of a file may use what they like of their own room.
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for path in paths(own) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let Some(mut to) = resolve(&path, &from) else { continue };
            while !to.is_empty() && !modules.contains(&to) {
                to.pop();
            }
            if !to.is_empty() && to != from {
                used.insert(to);
            }
        }
        arrows.insert(from, used);
    }
    arrows
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut wrong = Vec::new();
    for (from, used) in arrows() {
        let Some(room) = from.first() else { continue };
        let allowed = ROOMS.iter().find(|(name, _)| name == room).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("{room} is no room of ROOMS"));
        for to in used {
            if to[0] != *room && !allowed.contains(&to[0].as_str()) {
                wrong.push(format!("{} uses {}", from.join("::"), to.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the rooms do not have:\n{}", wrong.join("\n"));
}

#[test]
fn no_two_files_need_each_other() {
    let arrows = arrows();
    let mut circles = Vec::new();
    for start in arrows.keys() {
        // The shortest way back to where it begins.
        let mut from: BTreeMap<&Module, &Module> = BTreeMap::new();
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            for to in &arrows[at] {
                if !from.contains_key(to) {
                    from.insert(to, at);
                    next.insert(0, to);
                }
            }
        }
        if from.contains_key(start) {
            let mut circle = vec![start.join("::")];
            let mut at = from[start];
            while at != start {
                circle.push(at.join("::"));
                at = from[at];
            }
            circle.push(start.join("::"));
            circle.reverse();
            circles.push(circle.join(" → "));
        }
    }
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

/// No file of the source is longer, in lines.
const FILE_LIMIT: usize = 400;
/// No function is longer, from its `fn` to its closing brace.
const FUNCTION_LIMIT: usize = 60;

/// The functions of a formatted source: the line of each, counted from 1, its name, and how many
/// lines it has. Its end is the first closing brace with the indentation of its beginning.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[at..].iter().position(|line| {
            let line = line.strip_prefix(indent).unwrap_or_default();
            line.starts_with('}') || line.ends_with(';') && !line.starts_with(' ')
        });
        let one_line = line.ends_with('}') || line.ends_with(';');
        let length = if one_line { 1 } else { end.unwrap_or_default() + 1 };
        found.push((at + 1, name.to_owned(), length));
    }
    found
}

/// The name of the function that begins in this line.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ").filter(|(before, _)| {
        before.split_whitespace().all(|word| {
            word.starts_with("pub")
                || matches!(word, "const" | "async" | "unsafe" | "extern" | "in")
                || word.starts_with(['"', 'c']) && word.ends_with(['"', ')'])
        })
    })?;
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
    (end > 0 && (before.is_empty() || before.ends_with(' '))).then(|| &after[..end])
}

/// The path of each source file from the root, and its text.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    files.sort();
    let named = files.iter().map(|file| {
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        (name, fs::read_to_string(file).expect("a readable file"))
    });
    named.collect()
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (file, text) in texts() {
        let lines = text.lines().count();
        if lines > FILE_LIMIT {
            long.push(format!("{file}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "files of more than {FILE_LIMIT} lines:\n{}", long.join("\n"));
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for (file, text) in texts() {
        for (line, name, length) in functions(&text) {
            if length > FUNCTION_LIMIT {
                long.push(format!("{file}:{line}: {name} has {length} lines"));
            }
        }
    }
    let count = long.len();
    assert!(
        long.is_empty(),
        "{count} functions of more than {FUNCTION_LIMIT} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn functions_are_counted() {
    let text = "pub(in crate::a) fn one(\n    a: u8,\n) -> u8 {\n    if a {\n    }\n}\n
impl A {\n    pub unsafe extern \"C-unwind\" fn two() {\n        fn inner() {}\n    }\n}
trait T {\n    fn three(\n        a: u8,\n    );\n    const fn four();\n}\nlet x: fn (u8) = f;";
    let found: Vec<(String, usize)> = functions(text).into_iter().map(|f| (f.1, f.2)).collect();
    let expected = [("one", 6), ("two", 3), ("inner", 1), ("three", 3), ("four", 1)];
    assert_eq!(found, expected.map(|(name, length)| (name.to_owned(), length)));
}

#[test]
fn paths_are_found() {
    let found = paths("use crate::a::{self, b::C, d};\nlet x = super::e::f(1) + supercrate::g;");
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::a::self", "crate::a::b::C", "crate::a::d", "super::e::f"]);
}

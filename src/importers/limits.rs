//! How much is read of what people write by hand: far more than anybody does, and little enough
//! that no reader, whichever way it reads, takes all memory or comes to no end.

use super::{File, Options, Problem, name};
use crate::domain::{halt, room};

/// How deep brackets, lists and the like may be nested.
pub const DEPTH: usize = 100;

/// The most files that are read together, migrations that are in one, and parts that are no
/// migrations.
pub const MOST: usize = 200_000;

/// The longest path of a file, in bytes.
const PATH: usize = 4096;

/// The most of a file that isn't SQL, in bytes.
const BESIDE: usize = 2 << 20;

/// The longest option, in bytes.
const OPTION: usize = 64 << 10;

/// The longest line that says something of a migration, in bytes.
pub const LINE: usize = 64 << 10;

/// The most problems that are shown.
pub const PROBLEMS: usize = 200;

/// The longest message about a file, in bytes.
pub const MESSAGE: usize = 2000;

/// That paths can be those of files. Errors: one is too long, or they are too many.
pub fn check_paths<'a>(mut paths: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Problem> {
    if paths.len() > MOST {
        let message = format!("there are more than {MOST} files");
        return Err(Problem::beyond("", message, "Load them in parts."));
    }
    // For what is kept of each beside its text.
    room::ensure(paths.len() * 1024);
    match paths.find(|path| path.len() > PATH) {
        None => Ok(()),
        Some(path) => {
            let message = format!("its path is longer than {PATH} bytes");
            let path = crate::domain::script::shorten(path);
            Err(Problem::of(path, message, "Give it a shorter one."))
        }
    }
}

/// That options have the length of what people write. Error: one is longer.
pub fn check_options(options: &Options) -> Result<(), Problem> {
    let long = |name: &&str| options.get(name).is_some_and(|value| value.len() > OPTION);
    match options.names().find(long) {
        None => Ok(()),
        Some(name) => {
            let message = format!("option \"{name}\" is longer than {OPTION} bytes");
            Err(Problem::of("", message, "Give a shorter one."))
        }
    }
}

/// That what stands beside the SQL has the size of what people write: configurations, plans,
/// lists of files. Error: one is larger.
pub fn check_sizes(files: &[File]) -> Result<(), Problem> {
    let is_beside = |file: &&File| !name::is_sql(file.path) && !name::is_migration(file.path);
    let is_large = |file: &&File| is_beside(file) && file.text.len() > BESIDE;
    match files.iter().find(is_large) {
        None => {
            // Lists of what is in them take many times as much.
            let beside = files.iter().filter(is_beside);
            room::ensure(100 * beside.map(|file| file.text.len()).sum::<usize>());
            Ok(())
        }
        Some(file) => {
            let message = format!("it is larger than {} MB", BESIDE >> 20);
            Err(Problem::beyond(file.path, message, "Take out of it what is not needed."))
        }
    }
}

/// Where in a text brackets are first nested deeper than so many, wherever they are; None:
/// nowhere.
pub fn too_deep(text: &str, open: &[char], close: &[char], most: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        halt::work(1);
        if open.contains(&c) {
            depth += 1;
        } else if close.contains(&c) {
            depth = depth.saturating_sub(1);
        }
        if depth > most {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_brackets_are_too_deep() {
        let deep = |text, most| too_deep(text, &['('], &[')'], most);
        for (text, most, at) in
            [("", 0, None), ("(a)(b)", 1, None), ("((a) (b))", 1, Some(1)), ("))(", 0, Some(2))]
        {
            assert_eq!(deep(text, most), at, "{text}");
        }
        assert_eq!(deep(&"(".repeat(10 * DEPTH), DEPTH), Some(DEPTH));
    }
}

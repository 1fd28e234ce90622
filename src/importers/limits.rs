//! Limits of what is read besides SQL. They are far above what people write by hand, and low
//! enough that no importer runs out of memory, stack or time.

use super::{File, Options, Problem, name};
use crate::domain::{halt, room};

/// How deep brackets, lists and the like may be nested.
pub const MAX_DEPTH: usize = 100;

/// The number of files that are read together, of migrations in a file, and of parts of files that
/// are no migrations.
pub const MAX_COUNT: usize = 200_000;

/// The length of a path, in bytes.
pub const MAX_PATH: usize = 4096;

/// The size of a file that is not SQL, in bytes.
const MAX_NOT_SQL: usize = 2 << 20;

/// The length of an option, in bytes.
const MAX_OPTION: usize = 64 << 10;

/// The length of a line with settings for a migration, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// The number of problems that are reported.
pub const MAX_PROBLEMS: usize = 200;

/// The length of a message, in bytes.
pub const MAX_MESSAGE: usize = 2000;

/// Checks the number and length of paths.
pub fn check_paths<'a>(mut paths: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Problem> {
    if paths.len() > MAX_COUNT {
        let message = format!("there are more than {MAX_COUNT} files");
        return Err(Problem::beyond("", message, "Load them in parts."));
    }
    // For what is kept of each besides its text.
    room::ensure(paths.len() * 1024);
    match paths.find(|path| path.len() > MAX_PATH) {
        None => Ok(()),
        Some(path) => {
            let message = format!("its path is longer than {MAX_PATH} bytes");
            let path = crate::domain::script::shorten(path);
            Err(Problem::of(path, message, "Give it a shorter one."))
        }
    }
}

/// Checks the length of options.
pub fn check_options(options: &Options) -> Result<(), Problem> {
    let long = |name: &&str| options.get(name).is_some_and(|value| value.len() > MAX_OPTION);
    match options.names().find(long) {
        None => Ok(()),
        Some(name) => {
            let message = format!("option \"{name}\" is longer than {MAX_OPTION} bytes");
            Err(Problem::of("", message, "Give a shorter one."))
        }
    }
}

/// Checks the size of files that are not SQL: configurations, plans, lists of files.
pub fn check_sizes(files: &[File]) -> Result<(), Problem> {
    let is_not_sql = |file: &&File| !name::is_sql(file.path) && !name::is_migration(file.path);
    let is_large = |file: &&File| is_not_sql(file) && file.text.len() > MAX_NOT_SQL;
    match files.iter().find(is_large) {
        None => {
            // Parsed, they take many times as much.
            let others = files.iter().filter(is_not_sql);
            room::ensure(100 * others.map(|file| file.text.len()).sum::<usize>());
            Ok(())
        }
        Some(file) => {
            let message = format!("it is larger than {} MB", MAX_NOT_SQL >> 20);
            Err(Problem::beyond(file.path, message, "Remove what is not needed."))
        }
    }
}

/// The offset at which brackets are first nested too deep, even in strings and comments.
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
    fn finds_deep_brackets() {
        let deep = |text, most| too_deep(text, &['('], &[')'], most);
        for (text, most, at) in
            [("", 0, None), ("(a)(b)", 1, None), ("((a) (b))", 1, Some(1)), ("))(", 0, Some(2))]
        {
            assert_eq!(deep(text, most), at, "{text}");
        }
        assert_eq!(deep(&"(".repeat(10 * MAX_DEPTH), MAX_DEPTH), Some(MAX_DEPTH));
    }
}

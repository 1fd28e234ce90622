//! The entry: reads the files of a folder by the importer of their tool.

use super::checks::{check_migrations, check_share, note_rest, unread};
use super::detection::detect;
use super::glob::Patterns;
use super::importer::IGNORE;
use super::limits::{check_options, check_paths, check_sizes};
use super::name::{is_migration, is_sql};
use super::path::normal;
use super::reading::Reading;
use super::{File, ImportedMigration, Importer, Notes, Options, Problem};
use std::collections::HashSet;

/// What a folder holds.
#[derive(Clone)]
pub struct Set {
    /// The importer that has read it.
    pub convention: &'static dyn Importer,
    /// The migrations, in the order of the tool.
    pub migrations: Vec<ImportedMigration>,
    /// Files, and parts of files, that are no migrations: path and reason.
    pub ignored: Vec<(String, String)>,
    /// The reasons why it cannot be imported as it is.
    pub problems: Vec<Problem>,
}

/// Reads files by an importer. If none is given, the tool is detected.
///
/// Errors: no tool is detected, or several that read the files differently; an option is unknown;
/// the importer cannot go on. Other problems are in the result.
pub fn read(
    files: &[File],
    convention: Option<&'static dyn Importer>,
    options: &Options,
) -> Result<Set, Problem> {
    check_paths(files.iter().map(|file| file.path))?;
    check_options(options)?;
    let paths: Vec<String> = files.iter().map(|file| normal(file.path)).collect();
    let files: Vec<File> = files
        .iter()
        .zip(&paths)
        .map(|(file, path)| File {
            path,
            text: file.text.strip_prefix('\u{feff}').unwrap_or(file.text),
        })
        .collect();
    let mut seen = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(file.path)) {
        return Err(Problem::of(twice.path, "the file is given twice", "Omit one of them."));
    }
    let patterns = ignore_patterns(options)?;
    let (left_out, files): (Vec<File>, Vec<File>) =
        files.into_iter().partition(|file| patterns.cover(file.path));
    check_sizes(&files)?;
    let reading = match convention {
        Some(importer) => Reading::of(importer, &files, options)?,
        None => detect(&files, options)?,
    };
    let Reading { importer, migrations, mut notes } = reading;
    check_migrations(&migrations, &mut notes);
    note_rest(importer, &files, &migrations, &mut notes);
    if files.len() > 1 {
        check_share(importer, &files, &migrations, &notes)?;
    }
    for (path, why) in std::mem::take(&mut notes.unread) {
        match is_migration(&path) {
            true => notes.refuse(unread(&path, &why)),
            false => notes.ignore(&path, why),
        }
    }
    for file in left_out.iter().filter(|file| is_sql(file.path) || is_migration(file.path)) {
        notes.ignore(file.path, "the option ignore covers it");
    }
    let Notes { ignored, problems, .. } = notes;
    Ok(Set { convention: importer, migrations, ignored, problems })
}

/// Whether the option `ignore` covers the file with this path. Error: the option is invalid.
pub fn is_ignored(options: &Options, path: &str) -> Result<bool, Problem> {
    Ok(ignore_patterns(options)?.cover(&normal(path)))
}

fn ignore_patterns(options: &Options) -> Result<Patterns, Problem> {
    let hint = "Separate them by commas, such as seeds/**,*.bak.";
    Patterns::read(options.get(IGNORE).unwrap_or_default())
        .map_err(|message| Problem::of("", message, hint))
}

#[cfg(test)]
mod tests;

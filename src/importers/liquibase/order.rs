//! The order of files: as changelogs in XML, YAML or JSON include them.

use super::super::format;
use super::super::name::is_sql;
use super::super::path::{join, split};
use super::super::section::contains;
use super::super::{File, Notes, Problem};
use super::filter::Filter;
use super::includes::{Include, Item, Reader, changelog};
use crate::domain::halt;
use std::collections::{HashMap, HashSet};

/// The endings of changelogs that are not SQL.
const ENDINGS: [&str; 4] = [".xml", ".yaml", ".yml", ".json"];

fn has_ending(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Whether a file is a changelog that is not SQL.
fn is_changelog(file: &File) -> bool {
    has_ending(file.path) && contains(file.text, "databaseChangeLog")
}

/// Whether a file is probably a changelog that is not SQL, by its name without folders.
pub fn has_changelog_name(base: &str) -> bool {
    let name = base.to_ascii_lowercase();
    has_ending(&name) && ["changelog", "master"].iter().any(|word| name.contains(word))
}

/// The files of SQL in the order in which they run. It begins with the configured changelog, or else
/// with the one that no other one includes. Without changelogs it is the order of the paths.
///
/// `configured` is the configured path, with the problem if it does not exist. Error: too many files
/// are included.
pub fn order<'a>(
    files: &[File<'a>],
    configured: Option<(&str, Problem)>,
    filter: &Filter,
    notes: &mut Notes,
) -> Result<Vec<File<'a>>, Problem> {
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| file.path);
    let sql: Vec<File> = sorted.iter().filter(|file| is_sql(file.path)).copied().collect();
    let changelogs: Vec<File> = sorted.iter().filter(|file| is_changelog(file)).copied().collect();
    let folder = Folder { files: &sorted };
    let configured = configured.and_then(|(path, problem)| {
        let root = folder.resolve("", path, false).first().copied();
        if root.is_none() {
            notes.refuse(problem);
        }
        root
    });
    if changelogs.is_empty() && configured.is_none() {
        return Ok(sql);
    }
    let mut includes = Includes { folder, lists: HashMap::new(), left_out: HashMap::new() };
    for file in &changelogs {
        notes.ignore(file.path, "it is only read for the order of its includes");
        includes.read(file, filter, notes)?;
    }
    let roots = match configured {
        Some(root) => vec![root],
        None => includes.not_included(&changelogs),
    };
    if let [one, other, ..] = roots[..] {
        let message =
            format!("{} and {} are not included by another changelog", one.path, other.path);
        let hint = "Load the folder of one of them, or leave one of them out.";
        notes.refuse(Problem::of(other.path, message, hint));
    }
    let ordered = includes.flatten(&roots);
    let run: HashSet<&str> = ordered.iter().map(|file| file.path).collect();
    for file in sql.iter().filter(|file| !run.contains(file.path)) {
        match includes.left_out.get(file.path) {
            Some(why) => notes.ignore(file.path, why),
            None => notes.unread(file.path, "no changelog includes it"),
        }
    }
    Ok(ordered)
}

/// How many files a changelog may include.
const MAX_INCLUDES: usize = 100_000;

/// What changelogs include.
struct Includes<'f, 'a> {
    folder: Folder<'f, 'a>,
    /// The files that each changelog includes, in order.
    lists: HashMap<&'a str, Vec<File<'a>>>,
    /// Files that an include leaves out, with the reason.
    left_out: HashMap<&'a str, String>,
}

impl<'a> Includes<'_, 'a> {
    /// Reads a changelog.
    fn read(&mut self, file: &File<'a>, filter: &Filter, notes: &mut Notes) -> Result<(), Problem> {
        let mut list: Vec<File<'a>> = Vec::new();
        self.read_into(&mut list, &mut Reader { file, filter, notes })?;
        self.lists.insert(file.path, list);
        Ok(())
    }

    fn read_into(&mut self, list: &mut Vec<File<'a>>, reader: &mut Reader) -> Result<(), Problem> {
        let path = reader.file.path;
        let Some(document) = reader.notes.take(format::document(reader.file)) else {
            return Ok(());
        };
        let Some(root) = document.and_then(changelog) else {
            let hint = "Remove the file, or leave it out by the option ignore.";
            reader.notes.refuse(Problem::of(path, "it holds no databaseChangeLog", hint));
            return Ok(());
        };
        reader.reason_to_skip(&root, "the changelog");
        // Each file runs once.
        let mut known = HashSet::new();
        let mut count = 0;
        for element in &root.children {
            halt::work(halt::STEP);
            let include = match reader.item(element) {
                Item::Include(include) => include,
                Item::Other => continue,
                Item::ChangeSet => break,
            };
            let all = self.folder.included(&include, path);
            if all.is_empty() && !include.may_be_missing {
                let message = format!("it includes {}, which is not in the folder", include.path);
                reader.refuse(element, message, "Load the folder that holds all changelogs.");
            }
            count += 1 + all.len();
            if count > MAX_INCLUDES {
                let message = format!("it includes more than {MAX_INCLUDES} files");
                return Err(Problem::beyond(path, message, "Include each file once."));
            }
            match reader.reason_to_skip(element, "an include") {
                None => list.extend(all.into_iter().filter(|file| known.insert(file.path))),
                Some(why) => self.left_out.extend(all.iter().map(|f| (f.path, why.clone()))),
            }
        }
        Ok(())
    }

    /// The changelogs that no other one includes, with which Liquibase begins.
    fn not_included(&self, changelogs: &[File<'a>]) -> Vec<File<'a>> {
        let included: HashSet<&str> = self.lists.values().flatten().map(|file| file.path).collect();
        changelogs.iter().filter(|file| !included.contains(file.path)).copied().collect()
    }

    /// The files of SQL that are included from these changelogs on, in order. A file that several
    /// changelogs include runs once.
    fn flatten(&self, roots: &[File<'a>]) -> Vec<File<'a>> {
        let mut ordered = Vec::new();
        let mut seen = HashSet::new();
        let mut stack: Vec<File> = roots.iter().rev().copied().collect();
        while let Some(file) = stack.pop() {
            halt::work(halt::STEP);
            if !seen.insert(file.path) {
                continue;
            }
            match self.lists.get(file.path) {
                Some(list) => stack.extend(list.iter().rev()),
                None => ordered.push(file),
            }
        }
        ordered
    }
}

/// The files of a folder, sorted by their paths.
#[derive(Clone, Copy)]
struct Folder<'f, 'a> {
    files: &'f [File<'a>],
}

impl<'a> Folder<'_, 'a> {
    /// The files that an include means.
    fn included(&self, include: &Include, changelog: &str) -> Vec<File<'a>> {
        let mut all = self.resolve(changelog, include.path, include.is_folder);
        if let Some(ending) = &include.ending {
            all.retain(|file| file.path.to_lowercase().ends_with(ending));
        }
        all
    }

    /// The files at a path in a changelog. It is relative to the changelog, to the folder that is
    /// read, or to one above or below that folder.
    fn resolve(&self, changelog: &str, path: &str, is_folder: bool) -> Vec<File<'a>> {
        let path = path.strip_prefix("classpath:").unwrap_or(path);
        let path = path.trim_start_matches("./").trim_matches('/');
        let mut candidates = vec![join(split(changelog).0, path), path.to_owned()];
        let mut rest = path;
        while let Some((_, shorter)) = rest.split_once('/') {
            candidates.push(shorter.to_owned());
            rest = shorter;
        }
        let mut found = candidates.iter().map(|candidate| {
            halt::work(candidate.len() + halt::STEP);
            match is_folder {
                true => self.inside(candidate, changelog),
                false => self.at(candidate).into_iter().collect(),
            }
        });
        match found.find(|files| !files.is_empty()) {
            Some(files) => files,
            None if is_folder => Vec::new(),
            None => self.ending_with(path),
        }
    }

    /// The file with this path.
    fn at(&self, path: &str) -> Option<File<'a>> {
        let at = self.files.binary_search_by_key(&path, |file| file.path).ok()?;
        self.files.get(at).copied()
    }

    /// The changelogs and files of SQL in a folder, except one.
    fn inside(&self, folder: &str, except: &str) -> Vec<File<'a>> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.files.partition_point(|file| file.path < prefix.as_str());
        let inside = self.files[from..].iter().take_while(|file| file.path.starts_with(&prefix));
        let is_own =
            |file: &&File| file.path != except && (is_changelog(file) || is_sql(file.path));
        inside.filter(is_own).copied().collect()
    }

    /// The files whose paths end with this one.
    fn ending_with(&self, path: &str) -> Vec<File<'a>> {
        halt::work(self.files.len());
        let suffix = format!("/{path}");
        self.files.iter().filter(|file| file.path.ends_with(&suffix)).copied().collect()
    }
}

#[cfg(test)]
mod tests;

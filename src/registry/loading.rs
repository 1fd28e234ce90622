//! Registering files: one, several, or those of a folder on the server's machine.

use super::errors;
use super::folder::{self, FileText};
use super::merge::RegistrationResult;
use super::refused::{self, Refusal};
use super::registration::{Registration, RegistryChange};
use super::unset_variables::UnsetVariables;
use crate::domain::visible::is_invisible;
use crate::engine::naming::ScriptKind;
use crate::error::{Error, Kind, Result};
use crate::importers::include;
use crate::importers::{
    self, File, ImportedMigration, Importer, Need, Options, Problem, Set, need,
};
use crate::pg::{identity, message};
use pgrx::PgSqlErrorCode as Code;
use std::collections::HashSet;

/// How to register files.
pub struct LoadRequest {
    /// The project.
    pub project: String,
    /// Whether other registered texts are replaced.
    pub replace: bool,
    /// The convention of the files. None: it is detected.
    pub convention: Option<&'static dyn Importer>,
    /// Options of the convention.
    pub options: Options,
}

/// The result of registering a file, or a part of one.
#[derive(Debug, Clone)]
pub struct FileResult {
    /// The file's path within the folder.
    pub file: String,
    /// The version of the migration. None: a repeatable one, or the file holds none.
    pub version: Option<String>,
    /// The name of the migration.
    pub name: Option<String>,
    /// The part of the migration that the file holds.
    pub part: Option<&'static str>,
    /// The change of the registry in a word, or why the file is ignored.
    pub result: String,
}

/// Registers all migrations of a folder on the server's machine, or none of them. Returns a row
/// for each file.
///
/// Errors: the caller may not read files of the server (42501); the folder cannot be read
/// (58P01 and others); those of [`add_files`].
pub fn load(directory: &str, request: &LoadRequest) -> Result<Vec<FileResult>> {
    if !identity::may_read_server_files() {
        return Err(may_not_read_files());
    }
    let (files, unreadable) = folder::read(directory)?;
    // A file that the options ignore need not be readable.
    let mut refused = Vec::new();
    for refusal in unreadable {
        if !importers::is_ignored(&request.options, refusal.file()).map_err(errors::problem)? {
            refused.push(refusal);
        }
    }
    if !files.iter().any(|(path, _)| need(path) == Need::Text) && refused.is_empty() {
        message::notice(&format!("nothing to do: \"{directory}\" holds no .sql files"));
        return Ok(Vec::new());
    }
    register("migrations.load()", Some(directory), files, refused, request)
}

/// Registers all migrations that files hold, or none of them. Returns a row for each file.
///
/// Errors: the files are not valid for their convention (22023); files were refused, and the
/// DETAIL has the reason for each (with the SQLSTATE of the first one); those of
/// [`Registration::of`] and [`Registration::put_found`].
pub fn add_files(files: Vec<FileText>, request: &LoadRequest) -> Result<Vec<FileResult>> {
    if files.is_empty() {
        message::notice("nothing to do: no files were given");
        return Ok(Vec::new());
    }
    register("migrations.add_files()", None, files, Vec::new(), request)
}

/// Registers the migrations that one file holds. Returns how the registry has changed. Errors:
/// those of [`add_files`]; the file holds no migration (22023).
pub fn add_file(path: String, text: String, request: &LoadRequest) -> Result<RegistryChange> {
    if let Some(problem) = misnamed(&path) {
        return Err(errors::problem(problem));
    }
    let set = read(vec![(path, text)], request)?;
    if let Some(problem) = set.problems.into_iter().next() {
        return Err(errors::problem(problem));
    }
    if set.migrations.is_empty() {
        let (path, why) = set.ignored.into_iter().next().unwrap_or_default();
        return Err(errors::problem(Problem::of(
            &path,
            format!("it holds no migration: {why}"),
            "Pass the files of a folder together to add_files(), or leave this file out.",
        )));
    }
    Registration::of("migrations.add_file()", &request.project, |registration| {
        let mut change = RegistryChange::Unchanged;
        for found in set.migrations {
            let result = registration.put_found(found, request.replace)?;
            change = change.and(result.whole);
        }
        Ok(change)
    })
}

/// The problem of a file name that contains invisible characters. The name appears in messages
/// and in the registry.
fn misnamed(path: &str) -> Option<Problem> {
    let odd = path.chars().find(|c| is_invisible(*c))?;
    let message = format!(
        "the name of the file holds the character U+{:04X}, which cannot be seen",
        odd as u32
    );
    Some(Problem::of(path, message, "Rename the file."))
}

fn read(files: Vec<FileText>, request: &LoadRequest) -> Result<Set> {
    let files = include::resolve(files).map_err(errors::problem)?;
    let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
    importers::read(&files, request.convention, &request.options).map_err(errors::problem)
}

/// Registers what files hold. `call` is the name of the SQL function, `directory` the folder of
/// the files, and `refused` are those that could not be read.
fn register(
    call: &'static str,
    directory: Option<&str>,
    files: Vec<FileText>,
    mut refused: Vec<Refusal>,
    request: &LoadRequest,
) -> Result<Vec<FileResult>> {
    let files = without_misnamed(files, &mut refused);
    let set = match read(files, request) {
        // Without the refused files the others may make no sense.
        Err(_) if !refused.is_empty() => return Err(refused::error(directory, refused)),
        set => set?,
    };
    let Set { convention, mut migrations, ignored, problems, .. } = set;
    if migrations.is_empty() && refused.is_empty() && problems.is_empty() {
        message::warning("none of the files holds a migration: nothing is registered");
    }
    // A file with a problem is reported once, not again for the migration that it belongs to.
    let unfit: HashSet<String> = problems.iter().map(|problem| problem.path.clone()).collect();
    migrations.retain(|found| !found.paths.iter().any(|path| unfit.contains(path)));
    refused.extend(problems.into_iter().map(Refusal::for_problem));
    Registration::of(call, &request.project, |registration| {
        let mut unset = UnsetVariables::of(convention, registration.variables());
        let mut loaded = Vec::new();
        for found in migrations {
            loaded.extend(register_one(registration, found, request, &mut unset, &mut refused)?);
        }
        loaded.extend(ignored.into_iter().map(|(file, why)| FileResult {
            file,
            version: None,
            name: None,
            part: None,
            result: format!("ignored: {why}"),
        }));
        if refused.is_empty() {
            unset.warn();
            return Ok(loaded);
        }
        Err(refused::error(directory, refused))
    })
}

/// The files without those whose names contain invisible characters, which are refused.
fn without_misnamed(files: Vec<FileText>, refused: &mut Vec<Refusal>) -> Vec<FileText> {
    let (files, odd): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(path, _)| misnamed(path).is_none());
    let odd = odd.iter().filter_map(|(path, _)| misnamed(path));
    refused.extend(odd.map(Refusal::for_problem));
    files
}

/// Registers one migration, or adds it to the refused ones. Returns the rows for its files, and
/// notes in `unset` which of its variables have no value. Errors: those that end the whole call.
fn register_one(
    registration: &mut Registration,
    found: ImportedMigration,
    request: &LoadRequest,
    unset: &mut UnsetVariables,
    refused: &mut Vec<Refusal>,
) -> Result<Vec<FileResult>> {
    let mut rows = rows(&found);
    let without_value = unset.of_migration(&found);
    match registration.put_found(found, request.replace) {
        Ok(result) => {
            if result.whole != RegistryChange::Unchanged {
                unset.note(without_value);
            }
            set_results(&mut rows, result);
            return Ok(rows);
        }
        Err(error) => {
            let file = match error.kind() {
                Some(Kind::Text(_)) => file_of(&rows, registration.failed_in()),
                Some(Kind::Unfit) => {
                    rows.into_iter().next().map(|row| row.file).unwrap_or_default()
                }
                _ => return Err(error),
            };
            refused.push(Refusal::for_error(file, error));
        }
    }
    Ok(Vec::new())
}

/// The caller may not read files of the server (42501).
fn may_not_read_files() -> Error {
    Error::new(
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        "permission denied to read files of the server",
    )
    .detail("Only superusers and members of pg_read_server_files may do so.")
    .hint("Load the folder from the client's side with pg_migrations.sh, or ask a superuser: GRANT pg_read_server_files TO ...;")
}

/// A row for each file of a migration. If each part has its own file, the files have the order of
/// the parts; further files hold no part.
fn rows(found: &ImportedMigration) -> Vec<FileResult> {
    let mut parts = Vec::new();
    for (part, text) in [("up", &found.up), ("down", &found.down), ("verify", &found.verify)] {
        if text.is_some() {
            parts.push(part);
        }
    }
    let part_of = |n: usize| match (found.paths.len(), parts[..].len()) {
        (1, 1) => parts.first().copied(),
        (1, _) if found.up.is_some() && found.down.is_some() => Some("both"),
        (1, _) => parts.first().copied(),
        (files, all) if files >= all => parts.get(n).copied(),
        _ => None,
    };
    let row = |(n, file): (usize, &String)| FileResult {
        file: file.clone(),
        version: found.version.clone(),
        name: Some(found.name.clone()),
        part: part_of(n),
        result: String::new(),
    };
    found.paths.iter().enumerate().map(row).collect()
}

/// The file that holds a script of a migration.
fn file_of(rows: &[FileResult], part: ScriptKind) -> String {
    let word = match part {
        ScriptKind::Up | ScriptKind::Precondition => "up",
        ScriptKind::Down => "down",
        ScriptKind::Verify => "verify",
    };
    let row = rows.iter().find(|row| row.part == Some(word)).or(rows.first());
    row.map(|row| row.file.clone()).unwrap_or_default()
}

/// Sets the results in the rows of a migration.
fn set_results(rows: &mut [FileResult], result: RegistrationResult) {
    let alone = rows.len() == 1;
    for row in rows {
        let change = match row.part {
            Some("up") if !alone => result.up,
            Some("down") if !alone => result.down,
            Some("verify") if !alone => result.verify,
            _ => result.whole,
        };
        row.result = change.word().to_owned();
    }
}

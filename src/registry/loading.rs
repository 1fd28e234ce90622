//! Files into the registry: one, several, or a folder on the server's machine.

use super::errors;
use super::folder::{self, Named};
use super::refused::{self, Refusal};
use super::registration::{Done, Outcome, Registration};
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

/// How files are to be registered.
pub struct Request {
    /// The project.
    pub project: String,
    /// Whether other texts that are registered are replaced.
    pub replace: bool,
    /// Whose files they are; None: as they show.
    pub convention: Option<&'static dyn Importer>,
    /// What is said of them beside.
    pub options: Options,
}

/// A file, or a part of one, that was registered or ignored.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file's path within the folder.
    pub file: String,
    /// The version of the migration; None: a repeatable one, or none at all.
    pub version: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Which part of it the file holds.
    pub part: Option<&'static str>,
    /// What was done.
    pub result: String,
}

/// Registers all migrations of a folder on the server's machine, or none of them.
///
/// Errors: the caller may not read files of the server (42501); the folder can't be read
/// (58P01 and others); see [`add_files`].
pub fn load(directory: &str, request: &Request) -> Result<Vec<Loaded>> {
    if !identity::may_read_server_files() {
        return Err(may_not_read_files());
    }
    let (files, unreadable) = folder::read(directory)?;
    // Of what is left out it makes no difference whether it can be read.
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

/// Registers all migrations that files hold, or none of them.
///
/// Errors: they can't be taken as they are (22023); several were refused, of which the
/// DETAIL has each with its reason (the SQLSTATE of the first one); see
/// [`Registration::of`] and [`Registration::put_found`].
pub fn add_files(files: Vec<Named>, request: &Request) -> Result<Vec<Loaded>> {
    if files.is_empty() {
        message::notice("nothing to do: no files were given");
        return Ok(Vec::new());
    }
    register("migrations.add_files()", None, files, Vec::new(), request)
}

/// Registers what one file holds. Errors: as for [`add_files`]; it holds no migration
/// (22023).
pub fn add_file(path: String, text: String, request: &Request) -> Result<Outcome> {
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
            "Give the files of a folder together, with add_files(), or leave this one out.",
        )));
    }
    Registration::of("migrations.add_file()", &request.project, |registration| {
        let mut outcome = Outcome::Unchanged;
        for found in set.migrations {
            let done = registration.put_found(found, request.replace)?;
            outcome = outcome.and(done.whole);
        }
        Ok(outcome)
    })
}

/// What is wrong with the name of a file, which gets into messages and the registry.
fn misnamed(path: &str) -> Option<Problem> {
    let odd = path.chars().find(|c| is_invisible(*c))?;
    let message = format!(
        "the name of the file holds the character U+{:04X}, which cannot be seen",
        odd as u32
    );
    Some(Problem::of(path, message, "Rename the file."))
}

fn read(files: Vec<Named>, request: &Request) -> Result<Set> {
    let files = include::resolve(files).map_err(errors::problem)?;
    let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
    importers::read(&files, request.convention, &request.options).map_err(errors::problem)
}

fn register(
    call: &'static str,
    directory: Option<&str>,
    files: Vec<Named>,
    mut refused: Vec<Refusal>,
    request: &Request,
) -> Result<Vec<Loaded>> {
    let (files, odd): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(path, _)| misnamed(path).is_none());
    let odd = odd.iter().filter_map(|(path, _)| misnamed(path));
    refused.extend(odd.map(Refusal::for_problem));
    let set = match read(files, request) {
        // Without them the others may not make sense.
        Err(_) if !refused.is_empty() => return Err(refused::error(directory, refused)),
        set => set?,
    };
    let Set { convention, migrations, ignored, problems, .. } = set;
    if migrations.is_empty() && refused.is_empty() && problems.is_empty() {
        message::warning("none of the files holds a migration: nothing is registered");
    }
    let unfit: HashSet<String> = problems.iter().map(|problem| problem.path.clone()).collect();
    refused.extend(problems.into_iter().map(Refusal::for_problem));
    Registration::of(call, &request.project, |registration| {
        let mut loaded = Vec::new();
        let mut unset = UnsetVariables::of(convention, registration.variables());
        // What is wrong in itself is told once.
        let is_unfit =
            |found: &ImportedMigration| found.paths.iter().any(|path| unfit.contains(path));
        for found in migrations.into_iter().filter(|found| !is_unfit(found)) {
            let mut rows = rows(&found);
            let without_value = unset.of_migration(&found);
            match registration.put_found(found, request.replace) {
                Ok(done) => {
                    if done.whole != Outcome::Unchanged {
                        unset.note(without_value);
                    }
                    note(&mut rows, done);
                    loaded.extend(rows);
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
        }
        loaded.extend(ignored.into_iter().map(|(file, why)| Loaded {
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

/// The caller may not read files of the server (42501).
fn may_not_read_files() -> Error {
    Error::new(
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        "permission denied to read files of the server",
    )
    .detail("Only superusers and members of pg_read_server_files may do so.")
    .hint("Load the folder from the client's side with pg_migrations.sh, or have it granted: GRANT pg_read_server_files TO ...;")
}

/// A row for each file of a migration. Files of their own follow the order of its parts;
/// the rest of them say something of it.
fn rows(found: &ImportedMigration) -> Vec<Loaded> {
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
    let row = |(n, file): (usize, &String)| Loaded {
        file: file.clone(),
        version: found.version.clone(),
        name: Some(found.name.clone()),
        part: part_of(n),
        result: String::new(),
    };
    found.paths.iter().enumerate().map(row).collect()
}

/// The file that holds a script of a migration.
fn file_of(rows: &[Loaded], part: ScriptKind) -> String {
    let word = match part {
        ScriptKind::Up | ScriptKind::Precondition => "up",
        ScriptKind::Down => "down",
        ScriptKind::Verify => "verify",
    };
    let row = rows.iter().find(|row| row.part == Some(word)).or(rows.first());
    row.map(|row| row.file.clone()).unwrap_or_default()
}

/// Says in the rows of a migration what was done.
fn note(rows: &mut [Loaded], done: Done) {
    let alone = rows.len() == 1;
    for row in rows {
        let outcome = match row.part {
            Some("up") if !alone => done.up,
            Some("down") if !alone => done.down,
            Some("verify") if !alone => done.verify,
            _ => done.whole,
        };
        row.result = outcome.word().to_owned();
    }
}

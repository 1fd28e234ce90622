//! Errors that several files of this room raise, or rooms above it.

use crate::domain::text::{LISTED, arguments, beginning, literal, plural, some_of};
use crate::domain::version::InvalidVersion;
use crate::error::{Error, ErrorLocation, Kind};
use crate::pg::quote_identifier;
use crate::store::overview::Modified;
use pgrx::PgSqlErrorCode as Code;
use std::fmt;

/// What keeps all migrations of a call from running.
const NOTHING_RUN: &str =
    "Nothing was run: all migrations of a call are checked before the first one starts.";

/// What a migration requires that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// A migration of another project, which is not registered there.
    Unregistered {
        /// The project.
        project: String,
        /// The version of the migration.
        version: String,
    },
    /// A migration of another project, which is not applied.
    Pending {
        /// The project.
        project: String,
        /// The version of the migration.
        version: String,
    },
    /// A migration of another project, whose rollback is half run.
    HalfRolledBack {
        /// The project.
        project: String,
        /// The version of the migration.
        version: String,
    },
    /// An extension, which is not installed.
    Extension(String),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unmet::Unregistered { project, version } => {
                write!(f, "requires {project}:{version}, which is not registered")
            }
            Unmet::Pending { project, version } => {
                write!(f, "requires {project}:{version}, which is not applied")
            }
            Unmet::HalfRolledBack { project, version } => {
                write!(f, "requires {project}:{version}, whose rollback is half run")
            }
            Unmet::Extension(name) => {
                write!(f, "requires extension {name}, which is not installed")
            }
        }
    }
}

impl Unmet {
    fn hint(&self) -> String {
        match self {
            Unmet::Unregistered { project, version } => {
                format!("Register {version} in project {project}, and apply it there first.")
            }
            Unmet::Pending { project, version } => {
                format!("SELECT * FROM migrations.apply({});", arguments(version, project))
            }
            Unmet::HalfRolledBack { project, version } => format!(
                "Finish the rollback, and apply {version} again; or see SELECT * FROM migrations.status({});",
                literal(project)
            ),
            Unmet::Extension(name) => format!("CREATE EXTENSION {};", quote_identifier(name)),
        }
    }
}

fn not_ready(message: String) -> Error {
    Error::new(Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

/// A text is not a version (22023).
pub fn invalid_version(version: &str, why: InvalidVersion) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("invalid version \"{}\"", beginning(version)),
    )
    .detail(why.to_string())
    .hint("Use numbers, dots, letters or a timestamp, such as 001, 1.2 or 20240131120000.")
    .of(Kind::Unfit)
}

/// A version is not registered in the project (42704).
pub fn unknown_version(version: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("migration {version} does not exist in project \"{project}\""),
    )
    .hint(format!(
        "The registered versions: SELECT version FROM migrations.status({});",
        literal(project)
    ))
    .of(Kind::Unknown)
}

/// A migration requires what is not there yet, outside of its project (55000).
pub fn blocked(migration: &str, project: &str, unmet: &Unmet) -> Error {
    not_ready(format!("migration {migration} of project \"{project}\" is blocked"))
        .detail(format!("It {unmet}."))
        .hint(unmet.hint())
}

/// Migrations require each other, so that none can be the first (55000). `path`: each requires
/// the next one, and the last one the first. `project`: None: several, which the path names.
pub fn cycle(path: &[String], project: Option<&str>) -> Error {
    let first = path.first().cloned().unwrap_or_default();
    let path = format!("{} -> {first}", path.join(" -> "));
    let error = match project {
        Some(project) => {
            not_ready(format!("migrations of project \"{project}\" require each other: {path}"))
                .detail("Each of them would have to run after the next one.")
        }
        None => not_ready(format!("migrations of several projects require each other: {path}"))
            .detail("Each of them would have to run after the next one. A migration also runs after those before it in its project."),
    };
    error.hint("Register one of them with other requirements: SELECT migrations.add(..., requires => ..., replace => true);")
}

/// What is to be rolled back or removed is required by what stays (2BP01). `verb`: what was to
/// be done, such as `roll back`.
pub fn required(verb: &str, version: &str, project: &str, by: &[String]) -> Error {
    let requires = if by.len() == 1 { "requires" } else { "require" };
    Error::new(
        Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
        format!(
            "cannot {verb} migration {version} of project \"{project}\": {} {requires} it",
            by.join(", ")
        ),
    )
    .hint(format!("First {verb} what requires it."))
}

/// A migration is not applied (55000).
pub fn not_applied(version: &str, project: &str) -> Error {
    not_ready(format!("migration {version} of project \"{project}\" is not applied")).hint(format!(
        "What is applied: SELECT version, state FROM migrations.status({});",
        literal(project)
    ))
}

/// The registered content of applied migrations has changed (55000). `is_all`: no other
/// migration of the project is modified.
pub fn modified(migrations: &[Modified], is_all: bool, project: &str) -> Error {
    let versions: Vec<&str> = migrations.iter().map(|m| m.version.as_str()).collect();
    let line = |modified: &Modified| {
        let Modified { version, applied, registered, parts, .. } = modified;
        format!(
            "Migration {version} was applied with digest {applied}, registered is {registered}. What differs: {parts}."
        )
    };
    let mut lines: Vec<String> = migrations.iter().take(LISTED).map(line).collect();
    if migrations.len() > LISTED {
        lines.push(format!("And {} more.", migrations.len() - LISTED));
    }
    not_ready(format!(
        "applied migration{} {} of project \"{project}\" {} modified",
        plural(versions.len()),
        some_of(&versions),
        if versions.len() == 1 { "was" } else { "were" }
    ))
    .detail(lines.join("\n"))
    .hint(match (versions.len(), is_all) {
        (2.., true) => format!(
            "Register what was applied again with replace => true; or, if the changes have no effect on what was applied, {}",
            accept_all(project, None, versions.len())
        ),
        _ => format!(
            "Register what was applied again with replace => true; or, if the change has no effect on what was applied, SELECT * FROM migrations.accept_changes({}, {});",
            literal(versions.first().unwrap_or(&"")),
            literal(project)
        ),
    })
}

/// The call that accepts all changes of a project, which are this many.
pub fn accept_all(project: &str, reason: Option<&str>, number: usize) -> String {
    let reason =
        reason.map(|reason| format!("reason => {}, ", literal(reason))).unwrap_or_default();
    format!(
        "SELECT * FROM migrations.accept_all_changes({}, {reason}confirm => {number});",
        literal(project)
    )
}

/// The text of a migration calls one of the functions that run migrations (55000).
pub fn run_inside_run() -> Error {
    not_ready("cannot run migrations inside a migration".to_owned())
        .hint("Remove the call from the migration's text.")
}

/// A migration is marked as one that cannot run inside a transaction (25001). `instead`: the
/// statement that runs it.
pub fn marked_nontransactional(version: &str, project: &str, instead: &str) -> Error {
    Error::new(
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
        format!("migration {version} of project \"{project}\" is marked as one that cannot run inside a transaction"),
    )
    .detail(NOTHING_RUN)
    .hint(format!("Use {instead} which runs its statements in transactions of their own."))
}

/// A statement cannot run in an atomic run (25001). It is found before anything runs.
pub fn nontransactional(command: &str, location: ErrorLocation) -> Error {
    Error::new(
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
        format!("{command} cannot run inside a transaction block"),
    )
    .detail(NOTHING_RUN)
    .hint("Remove it from the script.")
    .at(location)
    .of(Kind::NonTransactional)
}

/// A migration has set the modes of all constraints to the end of the transaction, so that
/// another one cannot run in it (25001). `instead`: the statement that gives each migration a
/// transaction.
pub fn all_modes_set(migration: &str, instead: &str) -> Error {
    Error::new(
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
        format!("{migration} cannot run in the transaction of a migration that ran SET CONSTRAINTS ALL"),
    )
    .detail("A function or DO block ran it. Its mode is that of all constraints to the end of the transaction, and nothing can put it back.")
    .hint(format!("Use {instead} which gives each migration a transaction of its own, or name the constraints."))
}

/// A migration needs transactions of its own, which pgaudit prevents (55000).
pub fn audited(migration: &str) -> Error {
    not_ready(format!("{migration} cannot run while pgaudit is loaded before pg_migrations"))
        .detail("It has statements that commit by themselves. pgaudit refuses these inside a call, unless pg_migrations was loaded first.")
        .hint("Name pg_migrations before pgaudit in shared_preload_libraries, and restart the server.")
}

/// An index is not valid after the statement that should have made it (55000). `index`: as SQL.
pub fn invalid_index(index: &str, location: ErrorLocation) -> Error {
    not_ready(format!("index {index} is not valid"))
        .detail("An earlier attempt to build it has failed, and the statement skips an index that exists.")
        .hint(format!("DROP INDEX CONCURRENTLY {index}; and repeat the call."))
        .at(location)
}

/// A statement that has run was changed before the rest of its migration has run (55000).
/// `migration`: as in a CONTEXT; `arguments`: version (or name) and project, as those of a call.
pub fn changed_under_way(
    migration: &str,
    statement: usize,
    arguments: &str,
    is_down: bool,
) -> Error {
    let (accept, mark) = match is_down {
        true => (", accept it with migrations.accept_changes(),", "mark_applied"),
        false => ("", "mark_pending"),
    };
    not_ready(format!("statement {statement} of {migration} was changed after it had run, before the migration was finished"))
        .detail("Its first statements ran in a former call, each in a transaction of its own; only what comes after them may change.")
        .hint(format!(
            "Register the former text again with replace => true{accept} and let the run go on; or undo by hand what has run, and SELECT * FROM migrations.{mark}({arguments});"
        ))
}

/// A stored text does not match its checksum, or the stored parts their digest (55000). `what`:
/// the script, as in a CONTEXT.
pub fn corrupt(what: &str) -> Error {
    not_ready(format!("the stored text of {what} does not match its checksum"))
        .detail("It was changed by other means than the functions of pg_migrations.")
        .hint("Register the migration again from its file with replace => true, or restore the row if it is applied.")
}

/// A migration has changed or removed our tables or rows (55000). `detail`: what was found.
pub fn tampered(migration: &str, detail: String) -> Error {
    not_ready(format!("{migration} interfered with the tables of pg_migrations"))
        .detail(detail)
        .hint("Remove the statement that does so from the migration's text.")
}

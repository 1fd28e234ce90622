//! What each error says: SQLSTATE, message, DETAIL and HINT, in the server's style.

use super::{Error, Place, Unmet};
use crate::domain::backup::SCHEMA;
use crate::domain::script::prepare::ScriptProblem;
use crate::domain::script::shorten;
use crate::importers::Problem;
use crate::pg::catch::sqlstate_text;
use crate::pg::quote_identifier;
use pgrx::PgSqlErrorCode as Code;

/// An error of ours as the server shows it.
#[derive(Debug, Default)]
pub struct Report {
    /// SQLSTATE as the server packs it.
    pub code: i32,
    /// Primary message: lower case, no full stop.
    pub message: String,
    /// Full sentences, or nothing.
    pub detail: Option<String>,
    /// Full sentences that say what to do, or nothing.
    pub hint: Option<String>,
    /// Where, if in a migration.
    pub place: Option<Place>,
}

impl Report {
    fn new(code: Code, message: impl Into<String>) -> Report {
        Report { code: code as i32, message: message.into(), ..Report::default() }
    }

    fn detail(mut self, detail: impl Into<String>) -> Report {
        self.detail = Some(detail.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Report {
        self.hint = Some(hint.into());
        self
    }

    fn place(mut self, place: Place) -> Report {
        self.place = Some(place);
        self
    }
}

/// Version and project as the arguments of a call, for HINTs that are statements to run.
pub fn arguments(version: &str, project: &str) -> String {
    format!("{}, {}", literal(version), literal(project))
}

/// A text as a literal of SQL, for HINTs that are statements to run.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// What the operating system says, without its number for it.
fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// A time as settings have it, such as `10s`.
fn duration(time: std::time::Duration) -> String {
    match time.as_millis() {
        0 => "0".to_owned(),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

/// The beginning of a name that may be very long.
fn beginning(name: &str) -> String {
    match name.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

/// How many of a list are named.
const LISTED: usize = 10;

/// The first ones of a list that may be long.
pub fn some_of(names: &[&str]) -> String {
    match names.len() {
        0..=LISTED => names.join(", "),
        n => format!("{} and {} more", names[..LISTED].join(", "), n - LISTED),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", shorten(name).escape_debug())
}

fn quoted_all(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    some_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The statement that sets variables, the first ones of many.
pub fn set_variables(names: &[String], project: &str) -> String {
    let call = |name: &String| {
        format!("migrations.set_variable({}, 'value', {})", literal(name), literal(project))
    };
    format!("SELECT {};", names.iter().take(LISTED).map(call).collect::<Vec<_>>().join(", "))
}

/// The call that accepts all changes of a project, which are as many.
fn accept_all(project: &str, reason: Option<&str>, number: usize) -> String {
    let reason =
        reason.map(|reason| format!("reason => {}, ", literal(reason))).unwrap_or_default();
    format!(
        "SELECT * FROM migrations.accept_all_changes({}, {reason}confirm => {number});",
        literal(project)
    )
}

fn and(versions: &[String]) -> String {
    versions.join(", ")
}

fn has(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// How to get on where a migration is half run.
fn ways_out(
    migration: &str,
    is_repeatable: bool,
    project: &str,
    is_down: bool,
    rollback: usize,
) -> String {
    let arguments = arguments(migration, project);
    let project = literal(project);
    let go_on = match (is_down, is_repeatable) {
        (true, _) => format!("CALL migrations.rollback_each({rollback}, {project});"),
        (false, true) => format!("CALL migrations.apply_each(project => {project});"),
        (false, false) => format!(
            "CALL migrations.apply_each(project => {project}, only_version => {});",
            literal(migration)
        ),
    };
    let (finished, undone) = match is_down {
        true => ("mark_pending", "mark_applied"),
        false => ("mark_applied", "mark_pending"),
    };
    format!(
        "Go on with {go_on} or finish it by hand, and SELECT * FROM migrations.{finished}({arguments}); or undo by hand what has run, and SELECT * FROM migrations.{undone}({arguments});"
    )
}

/// A problem with the place where it is, unless it names the file itself.
fn in_file(problem: &Problem) -> String {
    let Problem { path, line, message, .. } = problem;
    let base = path.rsplit('/').next().unwrap_or_default();
    match line {
        Some(line) => format!("file \"{}\", line {line}: {message}", shorten(path).escape_debug()),
        None if base.is_empty() || message.contains(base) => message.clone(),
        None => format!("file \"{}\": {message}", shorten(path).escape_debug()),
    }
}

/// A line on a file that was refused.
fn refused(file: &str, error: &Error) -> String {
    match error {
        Error::Problem(Problem { path, line, message, hint, .. }) if path == file => match line {
            Some(line) => format!("{file}, line {line}: {message}. {hint}"),
            None => format!("{file}: {message}. {hint}"),
        },
        Error::Problem(problem) => format!("{file}: {}. {}", problem.message, problem.hint),
        Error::Script { place: Place { line: line @ 1.., .. }, .. } => {
            let hint = error.report().and_then(|report| report.hint).unwrap_or_default();
            let line = format!("{file}, line {line}: {}. {hint}", error.summary().1);
            line.trim_end().to_owned()
        }
        error => format!("{file}: {}.", error.summary().1),
    }
}

impl Error {
    /// What the server is to show. None: the error is the server's own.
    pub fn report(&self) -> Option<Report> {
        use Error::*;
        Some(match self {
            Server(_) => return None,
            NullArgument(name) => Report::new(
                Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("argument \"{name}\" must not be null"),
            ),
            InvalidVersion { version, why } => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid version \"{}\"", beginning(version).escape_debug()),
            )
            .detail(why.to_string())
            .hint("Use numbers, dots, letters or a timestamp, such as 001, 1.2 or 20240131120000."),
            InvalidRequirement { text, why } => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid requirement \"{}\"", beginning(text).escape_debug()),
            )
            .detail(why.to_string())
            .hint("Name a version (003), one of another project (billing:003), or an extension (extension:vector)."),
            InvalidName { what, name, why, hint } => Report {
                detail: why.clone(),
                ..Report::new(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!("invalid {what} \"{}\"", beginning(name).escape_debug()),
                )
                .hint(hint.as_str())
            },
            InvalidArgument { message, hint } => {
                Report::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message.as_str()).hint(hint.as_str())
            }
            UnknownProject { project, known } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("project \"{project}\" does not exist"),
            )
            .detail(if known.is_empty() {
                "This database has no projects yet.".to_owned()
            } else {
                format!("Projects of this database: {}.", and(known))
            })
            .hint(match project.starts_with(|c: char| c.is_ascii_digit()) {
                // As in status('003').
                true => format!(
                    "It looks like a version. Of a version: SELECT * FROM migrations.status() WHERE version = {};",
                    literal(project)
                ),
                false => format!(
                    "A project begins with its first migration: SELECT migrations.add('001', 'first', $$...$$, project => {});",
                    literal(project)
                ),
            }),
            UnknownTarget { version, project } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("migration {version} does not exist in project \"{project}\""),
            )
            .hint(format!(
                "The registered versions: SELECT version FROM migrations.status({});",
                literal(project)
            )),
            UnknownRepeatable { name, project } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("repeatable migration \"{name}\" does not exist in project \"{project}\""),
            )
            .hint(format!(
                "The registered ones: SELECT name FROM migrations.status({}) WHERE version IS NULL;",
                literal(project)
            )),
            VersionClash { version, registered, project } => Report::new(
                Code::ERRCODE_UNIQUE_VIOLATION,
                format!("version {version} is the same as version {registered} of project \"{project}\""),
            )
            .detail("Leading zeros of numbers make no difference.")
            .hint(format!("Write it as {registered}, or choose another version.")),
            AlreadyRegistered { version, project, differs } => Report::new(
                Code::ERRCODE_UNIQUE_VIOLATION,
                format!("migration {version} of project \"{project}\" is already registered with another content"),
            )
            .detail(format!("What differs: {}.", differs.join(", ")))
            .hint("Register the change as a new migration, or store this content with replace => true."),
            Problem(problem) => Report::new(
                match problem.is_beyond {
                    true => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    false => Code::ERRCODE_INVALID_PARAMETER_VALUE,
                },
                in_file(problem),
            )
            .hint(problem.hint.as_str()),
            NoUp { versions, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("migration{} {} of project \"{project}\" {} no up", plural(versions.len()), and(versions), has(versions.len())),
            )
            .detail("Only a down was registered.")
            .hint("Register the file that belongs to it, NNN_name.up.sql or NNN_name.sql, with migrations.add_file()."),
            NoDown { versions, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("cannot roll back: migration{} {} of project \"{project}\" {} no down", plural(versions.len()), and(versions), has(versions.len())),
            )
            .detail("A migration is rolled back with the down that was registered when it was applied.")
            .hint(format!(
                "Register a down for it (add with replace => true) and SELECT * FROM migrations.accept_changes({}, {}); or undo the change with a new migration.",
                literal(versions.first().map_or("", String::as_str)),
                literal(project)
            )),
            Modified { migrations, is_all, project } => {
                let versions: Vec<&str> = migrations.iter().map(|m| m.version.as_str()).collect();
                let line = |modified: &crate::store::overview::Modified| {
                    let crate::store::overview::Modified { version, applied, registered, parts, .. } = modified;
                    format!("Migration {version} was applied with digest {applied}, registered is {registered}. What differs: {parts}.")
                };
                let mut lines: Vec<String> = migrations.iter().take(LISTED).map(line).collect();
                if migrations.len() > LISTED {
                    lines.push(format!("And {} more.", migrations.len() - LISTED));
                }
                Report::new(
                    Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("applied migration{} {} of project \"{project}\" {} modified", plural(versions.len()), some_of(&versions), if versions.len() == 1 { "was" } else { "were" }),
                )
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
            ChangesNotConfirmed { project, reason, confirm, modified } => {
                let number = modified.len();
                let title = |m: &crate::store::overview::Modified| format!("{} ({})", m.version, m.parts);
                let titles: Vec<String> = modified.iter().map(title).collect();
                let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
                Report::new(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    match confirm {
                        None => format!("accepting all changes of project \"{project}\" needs confirm => {number}"),
                        Some(confirm) => format!("project \"{project}\" has {number} modified migration{}, not {confirm}", plural(number)),
                    },
                )
                .detail(match number {
                    0 => "No migration is modified.".to_owned(),
                    _ => format!("Modified: {}.", some_of(&titles)),
                })
                .hint(match number {
                    0 => format!("Look at the states: SELECT version, state FROM migrations.status({});", literal(project)),
                    _ => format!(
                        "If none of these changes has an effect on what was applied, {}",
                        accept_all(project, reason.as_deref(), number)
                    ),
                })
            }
            Cycle { path, project } => {
                let first = path.first().cloned().unwrap_or_default();
                let path = format!("{} -> {first}", path.join(" -> "));
                Report::new(
                    Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    match project {
                        Some(project) => format!("migrations of project \"{project}\" require each other: {path}"),
                        None => format!("migrations of several projects require each other: {path}"),
                    },
                )
                .detail(match project {
                    Some(_) => "Each of them would have to run after the next one.",
                    None => "Each of them would have to run after the next one. A migration also runs after those before it in its project.",
                })
                .hint("Register one of them with other requirements: SELECT migrations.add(..., requires => ..., replace => true);")
            }
            MissingRequirement { migration, requires, project } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("migration {migration} of project \"{project}\" requires {requires}, which is not registered"),
            )
            .hint(format!("Register {requires}, or {migration} again with other requirements.")),
            Blocked { migration, project, unmet } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("migration {migration} of project \"{project}\" is blocked"),
            )
            .detail(format!("It {unmet}."))
            .hint(match unmet {
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
            }),
            OutOfOrder { versions, newest, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("migration{} {} of project \"{project}\" {} pending below version {newest}, which is applied", plural(versions.len()), and(versions), if versions.len() == 1 { "is" } else { "are" }),
            )
            .detail("Applied now, they would run in another order than on a new database.")
            .hint(format!(
                "Give them higher versions, apply one by itself with only_version => {}, or allow it: SELECT migrations.set_project({}, out_of_order => 'allow');",
                literal(versions.first().map_or("", String::as_str)),
                literal(project)
            )),
            NotHeld { script, gave, hint } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{script} does not hold: it gave {gave}"),
            )
            .detail("The first column of the first row of its last SELECT must be true.")
            .hint(*hint),
            Required { verb, version, project, by } => Report::new(
                Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot {verb} migration {version} of project \"{project}\": {} {} it", and(by), if by.len() == 1 { "requires" } else { "require" }),
            )
            .hint(format!("First {verb} what requires it.")),
            NotApplied { version, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("migration {version} of project \"{project}\" is not applied"),
            )
            .hint(format!(
                "What is applied: SELECT version, state FROM migrations.status({});",
                literal(project)
            )),
            StillApplied { version, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("cannot remove migration {version} of project \"{project}\": it is applied"),
            )
            .hint(format!(
                "Roll it back first; or, if it has no effect in this database, SELECT * FROM migrations.mark_pending({}, {});",
                literal(version),
                literal(project)
            )),
            NotConfirmed { project, stepwise } => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("rolling back all migrations of project \"{project}\" was not confirmed"),
            )
            .detail("Nothing was run.")
            .hint(format!(
                "Repeat the project's name: {0}({1}, confirm => {1});",
                if *stepwise { "CALL migrations.reset_each" } else { "SELECT * FROM migrations.reset" },
                literal(project)
            )),
            VersionForNumber { call, given, project } => {
                let number = match given.parse::<i32>() {
                    // Written like that, it is a version.
                    Ok(n) if n > 0 && !given.starts_with('0') => n,
                    _ => 1,
                };
                let each = call.ends_with("_each");
                let run = if each { "CALL" } else { "SELECT * FROM" };
                let back = if each { "CALL migrations.rollback_to_each" } else { "SELECT * FROM migrations.rollback_to" };
                Report::new(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!("{call}() takes a number of migrations, not the text \"{}\"", given.escape_debug()),
                )
                .detail("Nothing was run.")
                .hint(format!(
                    "To roll back all that was applied after that version: {back}({}); for a number of migrations: {run} {call}(n => {number}, project => {});",
                    arguments(given, project),
                    literal(project)
                ))
            }
            AmbiguousVersion { call, given, project } => {
                Report::new(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!("{call}() takes a version as text, by the arguments \"target\" or \"only_version\""),
                )
                .detail("Nothing was run.")
                .hint(format!(
                    "All up to and including it: SELECT * FROM {call}({0}); it alone, with what it requires: SELECT * FROM {call}(only_version => {1}, project => {2});",
                    arguments(given, project),
                    literal(given),
                    literal(project)
                ))
            }
            NoNextVersion { version } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("no version can be counted on from \"{version}\""),
            )
            .detail("It is the highest version of the project. Its last number is counted on, within 200 bytes.")
            .hint("Choose the next version by hand."),
            MayNotReadFiles => Report::new(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "permission denied to read files of the server",
            )
            .detail("Only superusers and members of pg_read_server_files may do so.")
            .hint("Load the folder from the client's side with pg_migrations.sh, or have it granted: GRANT pg_read_server_files TO ...;"),
            File { path, why } => Report::new(
                match why.kind() {
                    std::io::ErrorKind::NotFound => Code::ERRCODE_UNDEFINED_FILE,
                    std::io::ErrorKind::PermissionDenied => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    std::io::ErrorKind::InvalidData => Code::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
                    std::io::ErrorKind::InvalidInput => Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    _ => Code::ERRCODE_IO_ERROR,
                },
                format!("cannot read \"{path}\": {}", without_number(why)),
            )
            .hint("The path is one of the server's machine, read by the operating system's user that runs PostgreSQL."),
            FilesRefused { directory, files } => Report {
                code: files.first().and_then(|(_, error)| error.report()).map_or(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE as i32,
                    |report| report.code,
                ),
                ..Report::new(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    match (directory, files.len()) {
                        (Some(directory), 1) => format!("1 file of \"{directory}\" was refused, so nothing of it is registered"),
                        (Some(directory), n) => format!("{n} files of \"{directory}\" were refused, so nothing of it is registered"),
                        (None, 1) => "1 file was refused, so nothing of the folder is registered".to_owned(),
                        (None, n) => format!("{n} files were refused, so nothing of the folder is registered"),
                    },
                )
                .detail(files.iter().map(|(file, error)| refused(file, error)).collect::<Vec<_>>().join("\n"))
                .hint("Correct or move away these files, and load the folder again. A changed text of a registered version is taken with replace => true.")
            },
            NotAdoptable { message, hint } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                message.as_str(),
            )
            .hint(hint.as_str()),
            TooFew(n) => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("cannot roll back {n} migrations"),
            )
            .hint("Give the number of migrations to roll back, 1 or more."),
            TooMany { asked, applied, project } => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("cannot roll back {asked} migration{}: project \"{project}\" has {applied} applied", plural(*asked as usize)),
            )
            .hint(if *applied == 0 {
                "There is nothing to roll back.".to_owned()
            } else {
                format!("Give {applied} to roll all of them back.")
            }),
            InsideTransaction { call, instead } => Report::new(
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("CALL {call} cannot run inside a transaction block, a function, a DO block or another procedure"),
            )
            .detail("It commits after each migration. Several statements sent as one query are a transaction block, too.")
            .hint(format!("Send the CALL as a statement of its own; or do all in one transaction: {instead}")),
            ChangedUnderWay { migration, statement, arguments, is_down } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("statement {statement} of {migration} was changed after it had run, before the migration was finished"),
            )
            .detail("Its first statements ran in a former call, each in a transaction of its own; only what comes after them may change.")
            .hint(format!(
                "Register the former text again with replace => true{} and let the run go on; or undo by hand what has run, and SELECT * FROM migrations.{}({arguments});",
                if *is_down { ", accept it with migrations.accept_changes()," } else { "" },
                if *is_down { "mark_applied" } else { "mark_pending" },
            )),
            HalfRun { migration, is_repeatable, project, done, is_down, rollback } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                match is_down {
                    true => format!("the rollback of migration {migration} of project \"{project}\" is half run"),
                    false => format!("migration {migration} of project \"{project}\" is half run"),
                },
            )
            .detail(format!(
                "A stepwise run has begun it and was cut off, or has failed: {} of its statements {} run. Until it is finished, nothing else of the project is applied or rolled back.",
                done,
                has(*done as usize)
            ))
            .hint(ways_out(migration, *is_repeatable, project, *is_down, *rollback)),
            Interrupted { migration, command, statement, arguments } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("statement {statement} of {migration} was interrupted, and {command} may have committed a part of its work"),
            )
            .hint(format!("Look at what it has done. SELECT * FROM migrations.mark_statement_done({arguments}); if it is complete; SELECT * FROM migrations.retry({arguments}); to run it again.")),
            Decided { version, project, direction } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("no block of migration {version} of project \"{project}\" was cut off"),
            )
            .detail("Only what a DO or CALL that commits has done is for people to tell; of all else the next stepwise run finds it out.")
            .hint(match direction.as_deref() {
                Some("down") => format!("Go on with CALL migrations.rollback_each(1, {});", literal(project)),
                Some(_) => format!("Go on with CALL migrations.apply_each(project => {});", literal(project)),
                None => format!("See SELECT * FROM migrations.status({});", literal(project)),
            }),
            IndexInWork { index, process, place } => Report::new(
                Code::ERRCODE_LOCK_NOT_AVAILABLE,
                format!("index {index} is not valid, and process {process} is at work on its table"),
            )
            .hint("Repeat the call when that session has finished.")
            .place(place.clone()),
            InvalidIndex { index, place } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("index {index} is not valid"),
            )
            .detail("An earlier attempt to build it has failed, and the statement passes over an index that exists.")
            .hint(format!("DROP INDEX CONCURRENTLY {index}; and repeat the call."))
            .place(place.clone()),
            Busy { project, holder, waited } => Report::new(
                Code::ERRCODE_LOCK_NOT_AVAILABLE,
                format!("migrations of project \"{project}\" are in use by another session"),
            )
            .detail(holder.as_str())
            .hint(match waited {
                None => "Repeat the call when its run, or its transaction, has ended.".to_owned(),
                Some(waited) => format!(
                    "Repeat the call when its run, or its transaction, has ended; or have it wait for longer than migrations.run_wait ({}): SET migrations.run_wait = '...';",
                    duration(*waited)
                ),
            }),
            SnapshotTooOld(project) => Report::new(
                Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
                format!("migrations of project \"{project}\" have changed since this transaction began"),
            )
            .hint("End the transaction and repeat it."),
            RunInsideRun => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot run migrations inside a migration",
            )
            .hint("Remove the call from the migration's text."),
            NoMigration => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "migrations.keep() was not called by the text of a migration",
            )
            .detail("A backup is named after the migration that keeps it.")
            .hint("Call it in the up or down of a migration, before what changes the table: SELECT migrations.keep('...');"),
            KeptByCondition => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "migrations.keep() was called by a precondition or verify script",
            )
            .detail("What such a script does is taken back, so it keeps nothing.")
            .hint("Call it in the up or down of a migration, before what changes the table: SELECT migrations.keep('...');"),
            TemporaryType { relation, column, name } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("cannot keep {relation}: its column \"{column}\" depends on {name}, which is temporary"),
            )
            .detail("The backup would lose the column when the session ends.")
            .hint("Give the column a type of another schema than pg_temp."),
            Renamed(relation) => Report::new(
                Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
                format!("the name {relation} has been given to something else meanwhile"),
            )
            .hint("End the transaction and repeat it."),
            NoRelation(relation) => Report::new(
                Code::ERRCODE_UNDEFINED_TABLE,
                format!("relation with OID {relation} does not exist"),
            )
            .hint("Give the relation's name as a text."),
            NotATable(relation) => Report::new(
                Code::ERRCODE_WRONG_OBJECT_TYPE,
                format!("cannot keep {relation}: it is not a table"),
            )
            .detail("Tables, partitioned ones too, and materialized views can be kept.")
            .hint("Of a view, keep the tables that it reads."),
            BackupAltered(backup) => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("an event trigger has changed the new table {backup}"),
            )
            .detail("A backup has columns, but no indexes, constraints, triggers, rules or policies.")
            .hint("Have the event trigger ignore tables of the schema migrations_backup."),
            NotABackup(relation) => Report::new(
                Code::ERRCODE_WRONG_OBJECT_TYPE,
                format!("cannot forget {relation}: migrations.keep() has not made it"),
            )
            .hint("What it has made: SELECT backup, copied_from FROM migrations.backups;"),
            BackupNameTaken(relation) => Report::new(
                Code::ERRCODE_DUPLICATE_TABLE,
                format!("cannot keep {relation}: the names for its backup are taken by other relations"),
            )
            .hint(format!("Move them out of the schema {SCHEMA}.")),
            BackupsOfOthers { owner, caller } => Report::new(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("schema \"{SCHEMA}\" belongs to role \"{owner}\", of which \"{caller}\" is not a member"),
            )
            .detail("The owner of the schema could drop what is kept in it.")
            .hint(format!("Give the schema to a role that all who apply migrations are members of: ALTER SCHEMA {SCHEMA} OWNER TO ...;")),
            NoCron => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "this server does not load pg_cron",
            )
            .hint("Have it loaded: shared_preload_libraries = 'pg_cron'. Or let another scheduler run CALL migrations.apply_each();"),
            CronNotCreated => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "pg_cron is not installed in this database",
            )
            .hint("CREATE EXTENSION pg_cron;"),
            CronElsewhere { home, there } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("pg_cron is not installed in this database, but in \"{home}\""),
            )
            .detail("It can be in one database of a server only: the one that cron.database_name names.")
            .hint(format!("Connect to that one: {there}")),
            JobCannotRun { role, may_log_in: false } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("a job of role \"{role}\" would never run: the role may not log in"),
            )
            .detail("pg_cron runs a job as the role that has scheduled it.")
            .hint(format!("ALTER ROLE {} LOGIN; or SET ROLE to one that may log in, and schedule as that one.", quote_identifier(role))),
            JobCannotRun { role, .. } => Report::new(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("a job of role \"{role}\" would never run: the role may not call migrations.apply_each()"),
            )
            .detail("pg_cron runs a job as the role that has scheduled it.")
            .hint(format!("GRANT EXECUTE ON PROCEDURE migrations.apply_each TO {};", quote_identifier(role))),
            NotScheduled { project } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("you have no job for project \"{project}\" in this database"),
            )
            .hint("All jobs that you may see: SELECT jobname, username, database FROM cron.job;"),
            ReadOnly { call, standby } => Report::new(
                Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {call} in a read-only transaction"),
            )
            .hint(if *standby {
                "This server is a standby: run the call on its primary."
            } else {
                "Run it in a transaction that may write. Where all of a session's are read-only: SET default_transaction_read_only = off;"
            }),
            SchemaVersion { library, installed } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the library of pg_migrations is version {library}, the extension in this database is {installed}"),
            )
            .hint("Run ALTER EXTENSION pg_migrations UPDATE; and reconnect if the message stays."),
            NotInstalled => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "extension pg_migrations is not installed in this database",
            )
            .hint("CREATE EXTENSION pg_migrations;"),
            NonTransactional { command, place, way } => Report::new(
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("{command} cannot run inside a transaction, so not in this run"),
            )
            .detail("Nothing was run: all migrations of a call are checked before the first one starts.")
            .hint(way.clone().unwrap_or_else(|| "Remove it from the script.".to_owned()))
            .place(place.clone()),
            MarkedNonTransactional { version, project, instead } => Report::new(
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("migration {version} of project \"{project}\" is marked as one that cannot run inside a transaction"),
            )
            .detail("Nothing was run: all migrations of a call are checked before the first one starts.")
            .hint(format!("Use {instead} which runs its statements in transactions of their own.")),
            AllModesSet { migration, instead } => Report::new(
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("{migration} cannot run in the transaction of a migration that ran SET CONSTRAINTS ALL"),
            )
            .detail("A function or DO block ran it. Its mode is that of all constraints to the end of the transaction, and nothing can put it back.")
            .hint(format!("Use {instead} which gives each migration a transaction of its own, or name the constraints.")),
            TransactionControl { command, is_condition: true, place, .. } => Report::new(
                Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
                format!("{command} is not allowed in a precondition or verify script"),
            )
            .detail("Nothing was run. All that such a script does is rolled back; in it a plain BEGIN with a plain COMMIT or ROLLBACK is accepted.")
            .hint("Remove the statement, or its options.")
            .place(place.clone()),
            TransactionControl { command, place, way, .. } => Report::new(
                Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
                format!("{command} is not allowed in a migration"),
            )
            .detail("Nothing was run. The migration and its record are one transaction; only a plain BEGIN that opens the text together with a plain COMMIT that ends it is accepted, and dropped.")
            .hint(match (command.as_str(), way) {
                ("BEGIN" | "COMMIT", Some(way)) => {
                    format!("Remove the statement, or split the migration there. {way}")
                }
                _ => "Remove the statement, or split the migration there.".to_owned(),
            })
            .place(place.clone()),
            Unended { place } => Report::new(
                Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
                "a transaction that the migration begins has no end",
            )
            .detail("Nothing was run. At the end of the text all of it would be rolled back.")
            .hint("Put COMMIT behind it.")
            .place(place.clone()),
            RefusedStatement { command, detail, hint, place } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("{command} is not allowed in a migration"),
            )
            .detail(*detail)
            .hint(*hint)
            .place(place.clone()),
            Script { what: ScriptProblem::Command(command, hint), place } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("psql's command {command} is not allowed in a migration"),
            )
            .detail("The server runs the text, so there is no psql that could carry it out.")
            .hint(*hint)
            .place(place.clone()),
            Script { what: ScriptProblem::Unset(names, project), place } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                match &names[..] {
                    [name] => format!("variable {} is not set", quoted(name)),
                    _ => format!("variables {} are not set", quoted_all(names)),
                },
            )
            .hint(format!(
                "Set {}: {}",
                if names.len() == 1 { "it" } else { "them" },
                set_variables(names, project)
            ))
            .place(place.clone()),
            Script { what: ScriptProblem::Unexpanded(names, project), place } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                match &names[..] {
                    [name] => format!("placeholder {} is not expanded", quoted(name)),
                    _ => format!("placeholders {} are not expanded", quoted_all(names)),
                },
            )
            .detail(format!("Project \"{project}\" does not expand placeholders of the form ${{x}}, so the text would run with them as they are."))
            .hint(format!(
                "SELECT * FROM migrations.set_project({}, placeholders => '${{x}}'); {}",
                literal(project),
                set_variables(names, project)
            ))
            .place(place.clone()),
            Script { what: ScriptProblem::TextAfterCopy, place } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "something follows COPY ... FROM stdin in its line",
            )
            .detail("The data begins in the next line, so that it cannot be told what belongs to it.")
            .hint("Put it behind the line of \\. that ends the data.")
            .place(place.clone()),
            Script { what: ScriptProblem::StrayData, place } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "no COPY reads the data that stands here",
            )
            .detail("With the values of its variables the text has other statements than without.")
            .hint("Write COPY ... FROM stdin; without variables that hold quotes or semicolons.")
            .place(place.clone()),
            Script { what: ScriptProblem::TooLong, place } => Report::new(
                Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                "the text is too long with the values of its variables",
            )
            .detail("A text can have 1 GB, what is put in the place of variables 16 MB.")
            .place(place.clone()),
            OutOfMemory => Report::new(Code::ERRCODE_OUT_OF_MEMORY, "out of memory")
                .hint("Repeat the call when the server has more of it."),
            Audited { migration } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{migration} cannot run while pgaudit is loaded before pg_migrations"),
            )
            .detail("It has statements that commit by themselves. pgaudit refuses these inside a call, unless pg_migrations was loaded first.")
            .hint("Name pg_migrations before pgaudit in shared_preload_libraries, and restart the server."),
            PendingTriggers => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot run migrations here while deferred triggers are pending",
            )
            .detail("They were set off before a function with SECURITY DEFINER was called, and would run as its owner.")
            .hint("Run SET CONSTRAINTS ALL IMMEDIATE before the function is called, or commit."),
            EndlessTriggers(rounds) => Report::new(
                Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                format!("deferred triggers are still pending after {rounds} rounds"),
            )
            .hint("Look for triggers that set each other off."),
            ForeignObject { table, what, hint } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("table migrations.{table} has been altered"),
            )
            .detail(format!("{what} is not part of pg_migrations."))
            .hint(hint.as_str()),
            StringsChanged { place } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "cannot change standard_conforming_strings inside a migration",
            )
            .detail("The text was read as a whole before its first statement ran, with the former value.")
            .hint("Set it for the project, and remove the statement: SELECT * FROM migrations.set_project(..., settings => '{\"standard_conforming_strings\": \"off\"}');")
            .place(place.clone()),
            Corrupt { what } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the stored text of {what} does not match its checksum"),
            )
            .detail("It was changed by other means than the functions of pg_migrations.")
            .hint("Register the migration again from its file with replace => true, or restore the row if it is applied."),
            Damaged { column, tables, row } => Report::new(
                Code::ERRCODE_DATA_CORRUPTED,
                format!("the record of pg_migrations is damaged: \"{column}\" holds no valid value"),
            )
            .detail(format!(
                "A row of {tables}{} was changed by other means than the functions of pg_migrations.",
                if row.is_empty() { String::new() } else { format!(" ({row})") }
            ))
            .hint("Restore the row from a backup, or correct it as a superuser under SET session_replication_role = replica;"),
            Rewritten { tables } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("a rule replaces what pg_migrations does to {tables}"),
            )
            .detail("Without what the rule replaces nothing can be recorded.")
            .hint("Drop the rule: DROP RULE ... ON ...; SELECT * FROM pg_rules WHERE schemaname = 'migrations'; shows it."),
            Tampered { migration, detail } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{migration} interfered with the tables of pg_migrations"),
            )
            .detail(detail.as_str())
            .hint("Remove the statement that does so from the migration's text."),
            UserNotRestored { migration } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{migration} left the session as another user"),
            )
            .hint("End the migration's text with RESET ROLE; or RESET SESSION AUTHORIZATION;"),
            DirectChange { table, command } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("cannot {command} migrations.{table}: its rows are kept by pg_migrations"),
            )
            .detail("Only the functions of pg_migrations change them.")
            .hint("Use a function such as migrations.add() with replace => true, or migrations.rollback()."),
            Internal { code, message, detail, hint } => Report {
                code: code.unwrap_or(Code::ERRCODE_INTERNAL_ERROR as i32),
                message: message.clone(),
                detail: detail.clone(),
                hint: hint.clone(),
                place: None,
            },
        })
    }

    /// SQLSTATE and message, as the log line of a failed run has them.
    pub fn summary(&self) -> (String, String) {
        match (self, self.report()) {
            (_, Some(report)) => (sqlstate_text(report.code), report.message),
            (Error::Server(error), None) => (error.sqlstate(), error.message()),
            (_, None) => Default::default(),
        }
    }
}

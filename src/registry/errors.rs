//! Errors about what is registered.

use crate::domain::requirement::InvalidRequirement;
use crate::domain::text::{beginning, literal, quoted};
use crate::error::{Error, Kind};
use crate::importers::Problem;
use pgrx::PgSqlErrorCode as Code;
use std::borrow::Cow;

/// A migration cannot be registered as it is (22023).
pub fn unfit(message: String, hint: &'static str) -> Error {
    Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message).hint(hint).of(Kind::Unfit)
}

/// A text cannot be a name (22023). `what`: what it names, such as `migration name`; `why`: what
/// is wrong with it, as a sentence, if that can be said in one.
pub fn invalid_name(
    what: &str,
    name: &str,
    why: Option<String>,
    hint: impl Into<Cow<'static, str>>,
) -> Error {
    let error = Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("invalid {what} \"{}\"", beginning(name)),
    )
    .hint(hint)
    .of(Kind::Unfit);
    match why {
        Some(why) => error.detail(why),
        None => error,
    }
}

/// A text is not a requirement (22023).
pub fn invalid_requirement(text: &str, why: InvalidRequirement) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("invalid requirement \"{}\"", beginning(text)),
    )
    .detail(why.to_string())
    .hint("Name a version (003), one of another project (billing:003), or an extension (extension:vector).")
    .of(Kind::Unfit)
}

/// A version with the same numbers is registered (23505).
pub fn version_clash(version: &str, registered: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_UNIQUE_VIOLATION,
        format!("version {version} is the same as version {registered} of project \"{project}\""),
    )
    .detail("Leading zeros of numbers make no difference.")
    .hint(format!("Write it as {registered}, or choose another version."))
    .of(Kind::Unfit)
}

/// The version is registered with another content (23505). `differs`: the columns that do.
pub fn already_registered(version: &str, project: &str, differs: &[&str]) -> Error {
    Error::new(
        Code::ERRCODE_UNIQUE_VIOLATION,
        format!("migration {version} of project \"{project}\" is already registered with another content"),
    )
    .detail(format!("What differs: {}.", differs.join(", ")))
    .hint("Register the change as a new migration, or store this content with replace => true.")
    .of(Kind::Unfit)
}

/// A migration that is applied cannot be removed (55000).
pub fn still_applied(version: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("cannot remove migration {version} of project \"{project}\": it is applied"),
    )
    .hint(format!(
        "Roll it back first; or, if it has no effect in this database, SELECT * FROM migrations.mark_pending({}, {});",
        literal(version),
        literal(project)
    ))
}

/// No repeatable migration of this name is registered in the project (42704).
pub fn unknown_repeatable(name: &str, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("repeatable migration \"{name}\" does not exist in project \"{project}\""),
    )
    .hint(format!(
        "The registered ones: SELECT name FROM migrations.status({}) WHERE version IS NULL;",
        literal(project)
    ))
}

/// A problem with files that a reader of them has found (22023; 54000: there is more than is
/// read).
pub fn problem(problem: Problem) -> Error {
    let code = match problem.is_beyond {
        true => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        false => Code::ERRCODE_INVALID_PARAMETER_VALUE,
    };
    Error::new(code, in_file(&problem)).hint(problem.hint)
}

/// The message of a problem, with the place where it is unless it names the file itself.
fn in_file(problem: &Problem) -> String {
    let Problem { path, line, message, .. } = problem;
    let base = path.rsplit('/').next().unwrap_or_default();
    match line {
        Some(line) => format!("file {}, line {line}: {message}", quoted(path)),
        None if base.is_empty() || message.contains(base) => message.clone(),
        None => format!("file {}: {message}", quoted(path)),
    }
}

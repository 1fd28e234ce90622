//! Errors about a text that cannot be made ready for the parser.

use crate::domain::script::prepare::ScriptProblem;
use crate::domain::text::{literal, quoted, quoted_all, set_variables};
use crate::error::{Error, ErrorLocation, Kind};
use pgrx::PgSqlErrorCode as Code;

/// What is wrong in a text (0A000; 42704: variables that are not set; 54000: it is too long).
pub fn error(what: ScriptProblem, location: ErrorLocation) -> Error {
    let unsupported =
        |message: &'static str| Error::new(Code::ERRCODE_FEATURE_NOT_SUPPORTED, message);
    let error = match &what {
        ScriptProblem::Command(command, hint) => Error::new(
            Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("psql's command {command} is not allowed in a migration"),
        )
        .detail("Migrations run inside the server, where psql commands are not available.")
        .hint(*hint),
        ScriptProblem::Unset(names, project) => unset(names, project),
        ScriptProblem::Unexpanded(names, project) => unexpanded(names, project),
        ScriptProblem::TextAfterCopy => {
            unsupported("something follows COPY ... FROM stdin in its line")
                .detail("The data begins in the next line, so it is not clear what belongs to it.")
                .hint("Put it after the line of \\. that ends the data.")
        }
        ScriptProblem::StrayData => unsupported("no COPY reads the data that is here")
            .detail("With the values of its variables the text has other statements than without.")
            .hint("Write COPY ... FROM stdin; without variables that hold quotes or semicolons."),
        ScriptProblem::TooLong => Error::new(
            Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            "the text is too long with the values of its variables",
        )
        .detail("A text can have 1 GB, and what replaces its variables 16 MB."),
    };
    error.at(location).of(Kind::Text(what))
}

/// An error about variables, made one about these: those of other texts are among them.
pub fn naming(error: Error, names: Vec<String>) -> Error {
    let what = match error.kind() {
        Some(Kind::Text(ScriptProblem::Unset(_, project))) => {
            ScriptProblem::Unset(names, project.clone())
        }
        Some(Kind::Text(ScriptProblem::Unexpanded(_, project))) => {
            ScriptProblem::Unexpanded(names, project.clone())
        }
        _ => return error,
    };
    match error.location() {
        Some(location) => self::error(what, location.clone()),
        None => error,
    }
}

fn unset(names: &[String], project: &str) -> Error {
    let message = match names {
        [name] => format!("variable {} is not set", quoted(name)),
        _ => format!("variables {} are not set", quoted_all(names)),
    };
    let them = if names.len() == 1 { "it" } else { "them" };
    Error::new(Code::ERRCODE_UNDEFINED_OBJECT, message)
        .hint(format!("Set {them}: {}", set_variables(names, project)))
}

fn unexpanded(names: &[String], project: &str) -> Error {
    let message = match names {
        [name] => format!("placeholder {} is not expanded", quoted(name)),
        _ => format!("placeholders {} are not expanded", quoted_all(names)),
    };
    Error::new(Code::ERRCODE_UNDEFINED_OBJECT, message)
        .detail(format!("Project \"{project}\" does not expand placeholders of the form ${{x}}, so the text would run with them as they are."))
        .hint(format!(
            "SELECT * FROM migrations.set_project({}, placeholders => '${{x}}'); {}",
            literal(project),
            set_variables(names, project)
        ))
}

//! Errors about changes of the record.

use crate::domain::text::{literal, plural, some_of};
use crate::engine::errors::accept_all;
use crate::error::Error;
use crate::store::overview::Modified;
use pgrx::PgSqlErrorCode as Code;
use std::borrow::Cow;

/// The record of another tool cannot be adopted (55000).
pub fn not_adoptable(
    message: impl Into<Cow<'static, str>>,
    hint: impl Into<Cow<'static, str>>,
) -> Error {
    Error::new(Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message).hint(hint)
}

/// A decision is given where no block was cut off (55000). `direction`: `up` or `down`, if the
/// migration is under way.
pub fn nothing_to_decide(version: &str, project: &str, direction: Option<&str>) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("no block of migration {version} of project \"{project}\" was cut off"),
    )
    .detail("A decision is needed only for a DO or CALL that commits. The next stepwise run finds out itself what all other statements have done.")
    .hint(match direction {
        Some("down") => format!("Continue with CALL migrations.rollback_each(1, {});", literal(project)),
        Some(_) => format!("Continue with CALL migrations.apply_each(project => {});", literal(project)),
        None => format!("See SELECT * FROM migrations.status({});", literal(project)),
    })
}

/// That all changes are accepted was not confirmed with their number (22023). `confirm`: the
/// number that the call gives; `reason`: its reason.
pub fn changes_not_confirmed(
    project: &str,
    reason: Option<&str>,
    confirm: Option<i32>,
    modified: &[Modified],
) -> Error {
    let number = modified.len();
    let error = Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        match confirm {
            None => {
                format!("accepting all changes of project \"{project}\" needs confirm => {number}")
            }
            Some(confirm) => format!(
                "project \"{project}\" has {number} modified migration{}, not {confirm}",
                plural(number)
            ),
        },
    );
    if number == 0 {
        return error.detail("No migration is modified.").hint(format!(
            "Look at the states: SELECT version, state FROM migrations.status({});",
            literal(project)
        ));
    }
    let titles: Vec<String> =
        modified.iter().map(|m| format!("{} ({})", m.version, m.parts)).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    error.detail(format!("Modified: {}.", some_of(&titles))).hint(format!(
        "If none of these changes has an effect on what was applied, {}",
        accept_all(project, reason, number)
    ))
}

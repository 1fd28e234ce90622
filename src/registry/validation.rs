//! Checks of what is to be registered: names, requirements and scripts.

use super::errors;
use crate::domain::checksum::without_bom;
use crate::domain::requirement::{REPEATABLE, Requirement};
use crate::domain::script::prepare::Variables;
use crate::domain::version::Version;
use crate::domain::visible;
use crate::engine::naming::{self, ScriptKind};
use crate::engine::script_settings::ScriptSettings;
use crate::error::{Error, Result};
use crate::pg::context::ScriptErrorContext;
use crate::pg::parse;
use crate::store::project::Project;
use crate::store::registry::Content;

/// Checks the name of a migration, which is part of a line in errors, logs and
/// pg_stat_activity. Errors: it is empty or too long, or contains invisible characters (22023).
pub fn check_name(name: &str) -> Result<()> {
    match visible::defect(name) {
        None => Ok(()),
        why => Err(errors::invalid_name(
            "migration name",
            name,
            why,
            "Say in one line what the migration does, such as 'create users'.",
        )),
    }
}

/// Checks the requirements of a migration; without `version` it is a repeatable one. Errors: it
/// requires itself, a version requires a repeatable migration, or a text is not a requirement
/// (22023).
pub(super) fn check_requires(
    project: &str,
    version: Option<&Version>,
    requires: &[String],
) -> Result<()> {
    for text in requires {
        match Requirement::parse(text, project) {
            Ok(Requirement::Within(required))
                if version.is_some_and(|version| version.key() == required.key()) =>
            {
                return Err(itself(text));
            }
            Ok(Requirement::Repeatable(_)) if version.is_some() => {
                return Err(errors::unfit(
                    format!("a version cannot require a repeatable migration ({text})"),
                    "Require a version: repeatable migrations run after all versions.",
                ));
            }
            Ok(_) => {}
            Err(why) => return Err(errors::invalid_requirement(text, why)),
        }
    }
    Ok(())
}

/// Checks that a repeatable migration does not require itself. Errors: it does (22023).
pub(super) fn check_not_itself(name: &str, requires: &[String]) -> Result<()> {
    let own = format!("{REPEATABLE}:{name}");
    match requires.contains(&own) {
        false => Ok(()),
        true => Err(itself(&own)),
    }
}

/// A migration requires itself (22023).
fn itself(migration: &str) -> Error {
    errors::unfit(
        format!("migration {migration} cannot require itself"),
        "Leave it out of requires.",
    )
}

/// Checks that scripts hold nothing that cannot run, so that it is reported when they are
/// registered. `at` is set to the script that is being checked. Errors: a script has a psql
/// command that is not supported, or something after COPY on its line (0A000).
pub(super) fn check_scripts(
    version: Option<&str>,
    content: &Content,
    project: &Project,
    at: &mut ScriptKind,
) -> Result<()> {
    let none = Variables::default();
    let parts = [
        (ScriptKind::Up, &content.up),
        (ScriptKind::Down, &content.down),
        (ScriptKind::Precondition, &content.precondition),
        (ScriptKind::Verify, &content.verify),
    ];
    let nest = ScriptSettings::of_parser(Some(project))?.nest()?;
    let conforming = parse::conforming_strings();
    nest.undo()?;
    for (part, script) in parts {
        if let Some(script) = script {
            let label = naming::label(part, version, &content.name, &project.name);
            *at = part;
            ScriptErrorContext::new(&label, without_bom(script), &none).prepare(conforming)?;
        }
    }
    Ok(())
}

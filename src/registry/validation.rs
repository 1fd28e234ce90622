//! Checks of what is to be registered: names, requirements and scripts.

use crate::domain::checksum::without_bom;
use crate::domain::requirement::{REPEATABLE, Requirement};
use crate::domain::script::prepare::Variables;
use crate::domain::version::Version;
use crate::domain::visible;
use crate::engine::report::{self, Part};
use crate::engine::surroundings::Surroundings;
use crate::error::{Error, Result};
use crate::pg::context::Context;
use crate::pg::parse;
use crate::store::project::Project;
use crate::store::registry::Content;

/// Checks the name of a migration, which is part of a line in errors, logs and
/// pg_stat_activity. Errors: it is empty or too long, or contains invisible characters (22023).
pub fn check_name(name: &str) -> Result<()> {
    match visible::defect(name) {
        None => Ok(()),
        why => Err(Error::InvalidName {
            what: "migration name",
            name: name.to_owned(),
            why,
            hint: "Say in one line what the migration does, such as 'create users'.".to_owned(),
        }),
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
                return Err(Error::InvalidArgument {
                    message: format!("migration {text} cannot require itself"),
                    hint: "Leave it out of requires.".to_owned(),
                });
            }
            Ok(Requirement::Repeatable(_)) if version.is_some() => {
                return Err(Error::InvalidArgument {
                    message: format!("a version cannot require a repeatable migration ({text})"),
                    hint: "Require a version: repeatable migrations run after all versions."
                        .to_owned(),
                });
            }
            Ok(_) => {}
            Err(why) => return Err(Error::InvalidRequirement { text: text.clone(), why }),
        }
    }
    Ok(())
}

/// Checks that a repeatable migration does not require itself. Errors: it does (22023).
pub(super) fn check_not_itself(name: &str, requires: &[String]) -> Result<()> {
    let own = format!("{REPEATABLE}:{name}");
    match requires.contains(&own) {
        false => Ok(()),
        true => Err(Error::InvalidArgument {
            message: format!("migration {own} cannot require itself"),
            hint: "Leave it out of requires.".to_owned(),
        }),
    }
}

/// Checks that scripts hold nothing that cannot run, so that it is reported when they are
/// registered. `at` is set to the script that is being checked. Errors: a script has a psql
/// command that is not supported, or something after COPY on its line (0A000).
pub(super) fn check_scripts(
    version: Option<&str>,
    content: &Content,
    project: &Project,
    at: &mut Part,
) -> Result<()> {
    let none = Variables::default();
    let parts = [
        (Part::Up, &content.up),
        (Part::Down, &content.down),
        (Part::Precondition, &content.precondition),
        (Part::Verify, &content.verify),
    ];
    let nest = Surroundings::of_parser(Some(project))?.nest()?;
    let conforming = parse::conforming_strings();
    nest.undo()?;
    for (part, script) in parts {
        if let Some(script) = script {
            let label = report::label(part, version, &content.name, &project.name);
            *at = part;
            Context::new(&label, without_bom(script), &none).prepare(conforming)?;
        }
    }
    Ok(())
}

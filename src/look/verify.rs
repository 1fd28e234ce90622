//! Verify scripts of what is in force, run again: whether it still holds.

use crate::domain::checksum::checksum;
use crate::domain::version::Version;
use crate::engine::body::{self, Keep};
use crate::engine::plan;
use crate::engine::report::{Part, label};
use crate::engine::session::Running;
use crate::engine::{condition, constraints};
use crate::error::{Error, Result, arguments};
use crate::pg::activity::Activity;
use crate::pg::context::Context;
use crate::pg::integrity::OwnObjects;
use crate::pg::message;
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::store::Store;
use crate::store::project::Project;
use crate::store::script::VerifyScript;

/// What a verify script gave.
pub struct Verified {
    /// The migration's version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// Why it doesn't hold; None: it holds.
    pub denial: Option<String>,
    /// Its notices and the rows of its last result.
    pub messages: Vec<String>,
}

/// Runs the verify scripts of a project's migrations in force, or of one, each in a
/// subtransaction that is rolled back. Errors: unknown project or version (42704), the
/// version isn't applied (55000), a cancel and the like; one that a script raises is its
/// answer.
pub fn verify(project: &str, version: Option<&Version>) -> Result<Vec<Verified>> {
    let _running = Running::look()?;
    let store = Store::find()?;
    let batch = store.open()?;
    let Some(found) = batch.project(project, View::Caller)? else {
        batch.close()?;
        return match version {
            None => Ok(Vec::new()),
            Some(version) => Err(plan::unknown(version, project)),
        };
    };
    if let Some(version) = version {
        match batch.find(found.id, version.key(), View::Caller)? {
            None => return Err(plan::unknown(version, &found.name)),
            Some((version, false)) => {
                return Err(Error::NotApplied { version, project: found.name });
            }
            Some((_, true)) => {}
        }
    }
    let scripts = batch.verify_scripts(found.id, version.map(Version::key))?;
    batch.close()?;
    if scripts.is_empty() {
        message::notice("nothing to do: no applied migration has a verify script");
    }
    // What the caller has left pending is no script's doing.
    constraints::settle_callers(&store)?;
    let activity = Activity::begin();
    scripts.into_iter().map(|script| one(&store, &found, script, &activity)).collect()
}

/// Why a script doesn't run: it is not the one that was applied with its migration, and who
/// calls may be a greater role than who registered it.
fn not_the_one(
    project: &Project,
    version: Option<&str>,
    registered: Option<Vec<u8>>,
    applied: Option<Vec<u8>>,
) -> String {
    let what = match (registered, applied) {
        (None, _) => "removed",
        (_, None) => "added",
        _ => "replaced",
    };
    let way = match version {
        Some(version) => {
            format!(
                "SELECT * FROM migrations.accept_changes({});",
                arguments(version, &project.name)
            )
        }
        None => "the next run of the migration takes it".to_owned(),
    };
    format!("the verify script was {what} since the migration was applied, and did not run: {way}")
}

fn one(
    store: &Store,
    project: &Project,
    script: VerifyScript,
    activity: &Activity,
) -> Result<Verified> {
    let VerifyScript { version, name, script, digest, parts } = script;
    let label = label(Part::Verify, version.as_deref(), &name, &project.name);
    if parts.digest()[..] != digest {
        return Err(Error::Corrupt { what: label });
    }
    let registered = script.as_deref().map(|script| checksum(script).to_vec());
    let Some(script) = script.filter(|_| registered == parts.verify) else {
        let denial = Some(not_the_one(project, version.as_deref(), registered, parts.verify));
        return Ok(Verified { version, name, denial, messages: Vec::new() });
    };
    let title = format!("migrations: verify {}", version.as_deref().unwrap_or(&name));
    activity.show(&title);
    let objects = OwnObjects::find()?;
    let context = Context::new(&label, &script, &project.variables);
    let attempt = Subtransaction::begin()?;
    let outcome = body::run(store, &context, &title, activity, project, Keep::LastResult);
    let outcome = outcome.map_err(|mut error| {
        error.hide(context.mask());
        error
    });
    // After an error nothing may be looked up before the rollback.
    let difference = if outcome.is_ok() { objects.difference() } else { None };
    drop(attempt);
    if let Some(detail) = difference {
        return Err(Error::Tampered { migration: label, detail });
    }
    let (denial, messages) = match outcome {
        Ok(done) => (condition::denial(&done).map(|gave| format!("gave {gave}")), done.told()),
        // A script that can't run here at all doesn't hold either.
        Err(error) if condition::is_answer(&error) || error.report().is_some() => {
            let (sqlstate, message) = error.summary();
            (Some(format!("{message} ({sqlstate})")), Vec::new())
        }
        Err(error) => return Err(error),
    };
    Ok(Verified { version, name, denial, messages })
}

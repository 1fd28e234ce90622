//! Runs the verify scripts of applied migrations again: whether they still hold.

use crate::domain::checksum::checksum;
use crate::domain::text::arguments;
use crate::domain::version::Version;
use crate::engine::errors;
use crate::engine::naming::{ScriptKind, label};
use crate::engine::plan;
use crate::engine::script::{self, KeepRows};
use crate::engine::session::CallGuard;
use crate::engine::{conditions, constraints};
use crate::error::Result;
use crate::pg::activity::Activity;
use crate::pg::context::ScriptErrorContext;
use crate::pg::message;
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::store::Store;
use crate::store::own_objects::OwnObjects;
use crate::store::project::Project;
use crate::store::script::VerifyScript;

/// The result of a verify script.
pub struct Verified {
    /// The migration's version. None: a repeatable migration.
    pub version: Option<String>,
    /// The migration's name.
    pub name: String,
    /// Why the script does not hold. None: it holds.
    pub denial: Option<String>,
    /// The script's notices and the rows of its last result.
    pub messages: Vec<String>,
}

/// Runs the verify scripts of the applied migrations of a project, or of one version, each in a
/// subtransaction that is rolled back. Returns a result for each script. An error that a script
/// raises is a result.
///
/// Errors: the project or version is unknown (42704); the version is not applied (55000); a script
/// has changed our tables (55000), or its row was changed directly (55000); a cancel and the like.
pub fn verify(project: &str, version: Option<&Version>) -> Result<Vec<Verified>> {
    let _running = CallGuard::look()?;
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
                return Err(errors::not_applied(&version, &found.name));
            }
            Some((_, true)) => {}
        }
    }
    let scripts = batch.verify_scripts(found.id, version.map(Version::key))?;
    batch.close()?;
    if scripts.is_empty() {
        message::notice("nothing to do: no applied migration has a verify script");
    }
    // Checks that are pending in the caller's transaction must not count as those of a script.
    constraints::settle_callers(&store)?;
    let activity = Activity::begin();
    scripts.into_iter().map(|script| run_script(&store, &found, script, &activity)).collect()
}

/// Why a script does not run that was not applied with its migration: the caller may have more
/// rights than the role that registered it.
fn not_applied(
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

/// Runs one verify script.
fn run_script(
    store: &Store,
    project: &Project,
    script: VerifyScript,
    activity: &Activity,
) -> Result<Verified> {
    let VerifyScript { version, name, script, digest, parts } = script;
    let label = label(ScriptKind::Verify, version.as_deref(), &name, &project.name);
    if parts.digest()[..] != digest {
        return Err(errors::corrupt(&label));
    }
    let registered = script.as_deref().map(|script| checksum(script).to_vec());
    let Some(script) = script.filter(|_| registered == parts.verify) else {
        let denial = Some(not_applied(project, version.as_deref(), registered, parts.verify));
        return Ok(Verified { version, name, denial, messages: Vec::new() });
    };
    let title = format!("migrations: verify {}", version.as_deref().unwrap_or(&name));
    activity.show(&title);
    let objects = OwnObjects::find()?;
    let context = ScriptErrorContext::new(&label, &script, &project.variables);
    let attempt = Subtransaction::begin()?;
    let outcome = script::run(store, &context, &title, activity, project, KeepRows::OfLastResult);
    let outcome = outcome.map_err(|mut error| {
        error.hide(context.mask());
        error
    });
    // After an error the catalog cannot be read before the rollback.
    let difference = if outcome.is_ok() { objects.difference() } else { None };
    drop(attempt);
    if let Some(detail) = difference {
        return Err(errors::tampered(&label, detail));
    }
    let (denial, messages) = match outcome {
        Ok(done) => (
            conditions::failure_reason(&done).map(|gave| format!("gave {gave}")),
            done.output_lines(),
        ),
        // A script that cannot run at all does not hold either.
        Err(error) if conditions::is_answer(&error) || error.server().is_none() => {
            let (sqlstate, message) = error.summary();
            (Some(format!("{message} ({sqlstate})")), Vec::new())
        }
        Err(error) => return Err(error),
    };
    Ok(Verified { version, name, denial, messages })
}

//! Which applied migrations a rollback undoes, and in which order.

use super::request::Extent;
use super::step::Act;
use super::{dependents, errors, plan, requirement};
use crate::domain::text::{has, literal, plural};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::applied::Applied;
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;
use std::collections::HashSet;

/// The migrations of a locked project that a rollback would undo, the last applied one first.
/// Errors: see [`super::atomic::rollback`].
pub fn rollback_candidates(
    batch: &Batch,
    name: &str,
    project: Option<&Project>,
    extent: Extent,
) -> Result<Vec<Applied>> {
    let plan = match (project, extent) {
        (None, Extent::Last(_) | Extent::All) => Vec::new(),
        (None, Extent::After(version)) => return Err(plan::unknown(version, name)),
        (Some(project), Extent::Last(n)) => {
            batch.applied_after(project.id, 0, Some(n), View::Newest)?
        }
        (Some(project), Extent::All) => batch.applied_after(project.id, 0, None, View::Newest)?,
        (Some(project), Extent::After(version)) => {
            match batch.find(project.id, version.key(), View::Newest)? {
                None => return Err(plan::unknown(version, name)),
                Some((version, false)) => {
                    return Err(errors::not_applied(&version, &project.name));
                }
                Some((_, true)) => {}
            }
            let stays = batch.applied_row(project.id, version.key())?.unwrap_or_default();
            batch.applied_after(project.id, stays, None, View::Newest)?
        }
    };
    if let Extent::Last(n) = extent
        && plan.len() < n as usize
    {
        return Err(too_many(n, plan.len(), name));
    }
    let Some(project) = project else { return Ok(plan) };
    let missing: Vec<String> =
        plan.iter().filter(|m| !m.has_down).map(|m| m.version.clone()).collect();
    if !missing.is_empty() {
        return Err(no_down(&missing, &project.name));
    }
    let keys: Vec<(&[u8], &str)> =
        plan.iter().map(|m| (m.key.as_slice(), m.version.as_str())).collect();
    dependents::check_not_required(batch, project, &keys, "roll back")?;
    dependents::dependents_first(batch, project, plan)
}

/// The steps that roll migrations back and apply them again. Errors: other migrations are modified
/// (55000), one of these is no longer registered (42704), and those of [`plan::again`].
pub fn again(batch: &Batch, project: &Project, downs: Vec<Applied>) -> Result<Vec<Act>> {
    let keys: Vec<&[u8]> = downs.iter().map(|m| m.key.as_slice()).collect();
    let others = batch.differences(project, View::Newest)?.modified;
    let goes: HashSet<&str> = downs.iter().map(|m| m.version.as_str()).collect();
    let modified = others.len();
    let others: Vec<_> =
        others.into_iter().filter(|m| !goes.contains(m.version.as_str())).collect();
    if !others.is_empty() {
        let is_all = others.len() == modified;
        return Err(errors::modified(&others, is_all, &project.name));
    }
    let ups = plan::again(batch, project, &keys)?;
    let come: HashSet<&[u8]> = ups.iter().map(|m| m.key.as_slice()).collect();
    if let Some(gone) = downs.iter().find(|down| !come.contains(down.key.as_slice())) {
        return Err(errors::unknown_version(&gone.version, &project.name));
    }
    requirement::hold(batch, &[&project.name], &ups.iter().collect::<Vec<_>>())?;
    requirement::check_own(batch, project, &ups)?;
    Ok(downs.into_iter().map(Act::Down).chain(ups.into_iter().map(Act::Up)).collect())
}

/// Rollback of more migrations than are applied (22023).
fn too_many(asked: i32, applied: usize, project: &str) -> Error {
    Error::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!(
            "cannot roll back {asked} migration{}: project \"{project}\" has {applied} applied",
            plural(asked as usize)
        ),
    )
    .hint(match applied {
        0 => "There is nothing to roll back.".to_owned(),
        _ => format!("Give {applied} to roll all of them back."),
    })
}

/// Migrations to roll back were applied without a down (55000). `versions`: in the order of the
/// rollback.
fn no_down(versions: &[String], project: &str) -> Error {
    Error::new(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "cannot roll back: migration{} {} of project \"{project}\" {} no down",
            plural(versions.len()),
            versions.join(", "),
            has(versions.len())
        ),
    )
    .detail("A migration is rolled back with the down that was registered when it was applied.")
    .hint(format!(
        "Register a down for it (add with replace => true) and SELECT * FROM migrations.accept_changes({}, {}); or undo the change with a new migration.",
        literal(versions.first().map_or("", String::as_str)),
        literal(project)
    ))
}

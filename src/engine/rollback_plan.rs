//! Which applied migrations a rollback undoes, and in which order.

use super::request::Extent;
use super::step::Act;
use super::{dependents, plan, requirement};
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::applied::Applied;
use crate::store::project::Project;
use std::collections::HashSet;

/// What of a locked project goes, the last one first. Errors: see [`rollback`].
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
                    return Err(Error::NotApplied { version, project: project.name.clone() });
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
        return Err(Error::TooMany { asked: n, applied: plan.len(), project: name.to_owned() });
    }
    let Some(project) = project else { return Ok(plan) };
    let missing: Vec<String> =
        plan.iter().filter(|m| !m.has_down).map(|m| m.version.clone()).collect();
    if !missing.is_empty() {
        return Err(Error::NoDown { versions: missing, project: project.name.clone() });
    }
    let keys: Vec<(&[u8], &str)> =
        plan.iter().map(|m| (m.key.as_slice(), m.version.as_str())).collect();
    dependents::check_not_required(batch, project, &keys, "roll back")?;
    dependents::dependents_first(batch, project, plan)
}

/// The steps that roll migrations back and apply them again. Errors: others are modified, or
/// one of them isn't registered any more (55000, 42704), and those of what applies them.
pub fn again(batch: &Batch, project: &Project, downs: Vec<Applied>) -> Result<Vec<Act>> {
    let keys: Vec<&[u8]> = downs.iter().map(|m| m.key.as_slice()).collect();
    let others = batch.differences(project, View::Newest)?.modified;
    let goes: HashSet<&str> = downs.iter().map(|m| m.version.as_str()).collect();
    let modified = others.len();
    let others: Vec<_> =
        others.into_iter().filter(|m| !goes.contains(m.version.as_str())).collect();
    if !others.is_empty() {
        let (is_all, project) = (others.len() == modified, project.name.clone());
        return Err(Error::Modified { migrations: others, is_all, project });
    }
    let ups = plan::again(batch, project, &keys)?;
    let come: HashSet<&[u8]> = ups.iter().map(|m| m.key.as_slice()).collect();
    if let Some(gone) = downs.iter().find(|down| !come.contains(down.key.as_slice())) {
        let version = gone.version.clone();
        return Err(Error::UnknownTarget { version, project: project.name.clone() });
    }
    requirement::hold(batch, &[&project.name], &ups.iter().collect::<Vec<_>>())?;
    requirement::check_own(batch, project, &ups)?;
    Ok(downs.into_iter().map(Act::Down).chain(ups.into_iter().map(Act::Up)).collect())
}

//! Which migrations require others that are about to be rolled back or removed.

use super::errors;
use super::half_run;
use crate::domain::plan::{Graph, Node};
use crate::error::Result;
use crate::pg::spi::View;
use crate::store::Batch;
use crate::store::applied::Applied;
use crate::store::project::Project;
use std::collections::{HashMap, HashSet};

/// Checks that no applied migration that remains requires one of these. Errors: 2BP01, and that
/// of [`required`].
pub fn check_not_required(
    batch: &Batch,
    project: &Project,
    going: &[(&[u8], &str)],
    verb: &'static str,
) -> Result<()> {
    match required(batch, project, going)?.into_iter().next() {
        None => Ok(()),
        Some((version, by)) => Err(errors::required(verb, &version, &project.name, &by)),
    }
}

/// Which of these migrations are required by applied ones that remain, and by which. Repeatable
/// migrations do not count: they are never rolled back, so they would keep what they require
/// forever. Error: a migration that requires one of these is half run (55000).
pub fn required(
    batch: &Batch,
    project: &Project,
    going: &[(&[u8], &str)],
) -> Result<Vec<(String, Vec<String>)>> {
    let keys: HashSet<&[u8]> = going.iter().map(|(key, _)| *key).collect();
    let mut by: HashMap<Vec<u8>, Vec<String>> = HashMap::new();
    for dependent in batch.dependents(&project.name, View::Newest)? {
        let goes = dependent.project_id == project.id && keys.contains(&dependent.key[..]);
        if goes || !keys.contains(&dependent.requires[..]) {
            continue;
        }
        half_run::refuse_dependent(batch, &dependent)?;
        if dependent.version.is_some()
            && batch.applied_row(dependent.project_id, &dependent.key)?.is_some()
        {
            let title = dependent.title(&project.name);
            by.entry(dependent.requires).or_default().push(title);
        }
    }
    let found =
        going.iter().filter_map(|(key, version)| Some(((*version).to_owned(), by.remove(*key)?)));
    Ok(found.collect())
}

/// Sorts migrations to roll back so that each comes before the ones that it requires. Otherwise
/// they keep their order, which is the reverse of the order in which they were applied. (The two
/// may differ if some were only marked as applied.)
pub fn dependents_first(
    batch: &Batch,
    project: &Project,
    going: Vec<Applied>,
) -> Result<Vec<Applied>> {
    let place: HashMap<&[u8], usize> =
        going.iter().enumerate().map(|(n, m)| (m.key.as_slice(), n)).collect();
    let key = |n: usize| n.to_be_bytes().to_vec();
    let mut nodes: Vec<Node> = (0..going.len())
        .map(|n| Node { key: key(n), requires: Vec::new(), applied: false })
        .collect();
    let mut is_ordered = true;
    for dependent in batch.dependents(&project.name, View::Newest)? {
        if dependent.project_id == project.id
            && let Some(after) = place.get(&dependent.requires[..])
            && let Some(before) = place.get(&dependent.key[..])
        {
            nodes[*after].requires.push(key(*before));
            is_ordered &= before < after;
        }
    }
    if is_ordered {
        return Ok(going);
    }
    // Requirements may have been changed into a cycle meanwhile. Then the order is kept.
    let order = Graph::new(nodes).order().unwrap_or_else(|_| (0..going.len()).collect());
    let mut going: Vec<Option<Applied>> = going.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|n| going[n].take()).collect())
}

//! The order in which migrations run: the graph of requirements within a project.
//!
//! Versions have a natural order, and requirements may demand another one. The next migration of
//! a plan is the lowest one whose requirements are met. So only requirements delay a migration.

use super::halt;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

/// What the order needs of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The byte-ordered key of its version.
    pub key: Vec<u8>,
    /// The keys of what it requires within its project.
    pub requires: Vec<Vec<u8>>,
    /// It is applied.
    pub applied: bool,
}

/// The migrations of a project and their requirements. An index is a place in version order.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    // For each, what it requires.
    needs: Vec<Vec<usize>>,
}

/// Migrations in a circle: each requires the next one, and the last the first.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

impl Graph {
    /// Builds the graph. Requirements without a node are left out.
    pub fn new(mut nodes: Vec<Node>) -> Graph {
        nodes.sort_by(|a, b| {
            halt::work(a.key.len());
            a.key.cmp(&b.key)
        });
        let index: HashMap<&[u8], usize> =
            nodes.iter().enumerate().map(|(n, node)| (node.key.as_slice(), n)).collect();
        let find = |key: &Vec<u8>| {
            halt::work(halt::STEP);
            index.get(key.as_slice()).copied()
        };
        let needs: Vec<Vec<usize>> =
            nodes.iter().map(|node| node.requires.iter().filter_map(find).collect()).collect();
        Graph { nodes, needs }
    }

    /// The index of the migration with this key.
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.key.as_slice().cmp(key)).ok()
    }

    /// The migration of an index.
    pub fn node(&self, n: usize) -> &Node {
        &self.nodes[n]
    }

    /// The requirements of a migration that are nodes.
    #[cfg(test)]
    pub fn needs(&self, n: usize) -> &[usize] {
        &self.needs[n]
    }

    /// The indices of all.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.nodes.len()
    }

    /// [`Graph::order`], without what a cycle keeps from running.
    pub fn free(&self) -> Vec<usize> {
        self.sort(|n| !self.nodes[n].applied).0
    }

    /// All that aren't applied, in the order in which they run.
    pub fn order(&self) -> Result<Vec<usize>, Cycle> {
        let (order, rest) = self.sort(|n| !self.nodes[n].applied);
        match rest {
            None => Ok(order),
            Some(start) => Err(self.cycle(start, &order)),
        }
    }

    /// Natural order among the included nodes whose requirements are met, as if all others were
    /// applied; and a node whose requirements are never met, if there is one.
    fn sort(&self, included: impl Fn(usize) -> bool) -> (Vec<usize>, Option<usize>) {
        let count = self.nodes.len();
        let mut waits = vec![0usize; count];
        let mut needed_by = vec![Vec::new(); count];
        let mut free = BinaryHeap::new();
        for n in (0..count).filter(|n| included(*n)) {
            halt::work(halt::STEP * (1 + self.needs[n].len()));
            for need in self.needs[n].iter().filter(|need| included(**need)) {
                waits[n] += 1;
                needed_by[*need].push(n);
            }
            if waits[n] == 0 {
                free.push(Reverse(n));
            }
        }
        let mut order = Vec::new();
        while let Some(Reverse(n)) = free.pop() {
            order.push(n);
            for dependent in &needed_by[n] {
                halt::work(halt::STEP);
                waits[*dependent] -= 1;
                if waits[*dependent] == 0 {
                    free.push(Reverse(*dependent));
                }
            }
        }
        let stuck = (0..count).find(|n| included(*n) && waits[*n] > 0);
        (order, stuck)
    }

    /// Follows the requirements of a node whose requirements are never met, which leads into a
    /// cycle. The cycle begins with its lowest migration.
    fn cycle(&self, start: usize, done: &[usize]) -> Cycle {
        let mut free: Vec<bool> = self.nodes.iter().map(|node| node.applied).collect();
        for n in done {
            free[*n] = true;
        }
        let mut seen = vec![None; self.nodes.len()];
        let mut path = Vec::new();
        let mut at = start;
        while seen[at].is_none() {
            halt::work(halt::STEP * (1 + self.needs[at].len()));
            seen[at] = Some(path.len());
            path.push(at);
            match self.needs[at].iter().find(|need| !free[**need]) {
                Some(next) => at = *next,
                None => break,
            }
        }
        let mut cycle = path.split_off(seen[at].unwrap_or(0));
        let lowest = (0..cycle.len()).min_by_key(|n| cycle[*n]).unwrap_or(0);
        cycle.rotate_left(lowest);
        Cycle(cycle)
    }

    /// A migration and all that it requires, directly or not, that aren't applied, in
    /// the order in which they run.
    pub fn closure(&self, of: usize) -> Result<Vec<usize>, Cycle> {
        let mut included = vec![false; self.nodes.len()];
        let mut open = vec![of];
        while let Some(n) = open.pop() {
            halt::work(halt::STEP);
            if !included[n] && !self.nodes[n].applied {
                included[n] = true;
                open.extend(&self.needs[n]);
            }
        }
        let (order, rest) = self.sort(|n| included[n]);
        match rest {
            None => Ok(order),
            Some(start) => Err(self.cycle(start, &order)),
        }
    }

    /// The migrations that aren't applied although a later one is, and the highest one that is
    /// applied. It is empty if the applied ones come first.
    ///
    /// Requirements determine the place of a migration: one that requires `005` comes after `005`
    /// even if its own version is lower. One that was `begun` counts as applied.
    pub fn out_of_order(&self, begun: Option<&[u8]>) -> (Vec<usize>, Option<usize>) {
        let is_applied =
            |n: usize| self.nodes[n].applied || Some(self.nodes[n].key.as_slice()) == begun;
        let newest = halt::counted((0..self.nodes.len()).rev()).find(|n| is_applied(*n));
        let Some(newest) = newest else {
            return (Vec::new(), None);
        };
        let mut place: Vec<usize> = (0..self.nodes.len()).collect();
        for n in self.sort(|_| true).0 {
            halt::work(halt::STEP);
            place[n] = self.needs[n].iter().map(|need| place[*need]).fold(n, usize::max);
        }
        let late = (0..newest).filter(|n| !is_applied(*n) && place[*n] < newest);
        (late.collect(), Some(newest))
    }
}

/// A step of several plans: the project, and the step's index in its plan.
pub type PlanStep = (usize, usize);

/// Merges the plans of several projects into one. Each keeps its order; the first project
/// continues as long as it can, then the next. `needs(project, step)` returns the steps of other
/// projects' plans for which a step waits.
///
/// Error: steps that wait for each other, each for the next one and the last for the
/// first. A step also waits for the one before it in its plan.
pub fn merge(
    lengths: &[usize],
    needs: impl Fn(usize, usize) -> Vec<PlanStep>,
) -> Result<Vec<PlanStep>, Vec<PlanStep>> {
    let mut done = vec![0; lengths.len()];
    let mut order = Vec::with_capacity(lengths.iter().sum());
    // The projects that may continue, and those that wait for a step of each other one. So a
    // project is only looked at when it may continue, not before each step.
    let mut open: BinaryHeap<Reverse<usize>> = (0..lengths.len()).map(Reverse).collect();
    let mut waiting: Vec<BTreeMap<usize, Vec<usize>>> = vec![BTreeMap::new(); lengths.len()];
    while let Some(Reverse(project)) = open.pop() {
        halt::work(halt::STEP);
        if done[project] >= lengths[project] {
            continue;
        }
        let unmet =
            needs(project, done[project]).into_iter().find(|(other, step)| *step >= done[*other]);
        if let Some((other, step)) = unmet {
            waiting[other].entry(step).or_default().push(project);
            continue;
        }
        let step = done[project];
        order.push((project, step));
        done[project] += 1;
        open.push(Reverse(project));
        open.extend(waiting[project].remove(&step).into_iter().flatten().map(Reverse));
    }
    let Some(first) = (0..lengths.len()).find(|project| done[*project] < lengths[*project]) else {
        return Ok(order);
    };
    // The next step of each project waits for a later one of another project. Follow these: from
    // the awaited step to the next step of its project.
    let mut path: Vec<PlanStep> = Vec::new();
    let mut seen = HashSet::new();
    let mut project = first;
    while seen.insert((project, done[project])) {
        halt::work(halt::STEP);
        path.push((project, done[project]));
        match needs(project, done[project]).into_iter().find(|(other, step)| *step >= done[*other])
        {
            Some((other, step)) => {
                let back = (done[other] + 1..=step).rev().map(|step| (other, step));
                path.extend(halt::counted(back));
                project = other;
            }
            None => break,
        }
    }
    let start = path.iter().position(|step| *step == (project, done[project])).unwrap_or(0);
    Err(path.split_off(start))
}

#[cfg(test)]
mod tests;

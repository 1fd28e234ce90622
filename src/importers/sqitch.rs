//! Sqitch: `sqitch.plan` has the changes in their order, each with a script in `deploy`,
//! `revert` and `verify`.
//!
//! A change has no number: its version is its place in the plan, with four digits, which
//! stays what it is when changes are added at the end, as Sqitch itself needs it. Its name is
//! the migration's.

mod config;
mod plan;
mod verify;

use super::{Claim, File, Found, Notes, Options, Problem};
use crate::domain::room;
pub use config::join;

use config::{Config, Layout, OtherEngine};
use plan::{Change, Depend, Plan};
use std::collections::{HashMap, HashSet};

/// The options that it knows.
pub const OPTIONS: &[&str] = &["plan", "requires"];

/// Whether files are its own.
pub fn claims(files: &[File]) -> Claim {
    let is_plan = |file: &File| {
        let base = base(file.path);
        base == "sqitch.plan"
            || (base.ends_with(".plan")
                && file.text.lines().any(|line| line.starts_with("%syntax-version")))
    };
    if files.iter().any(is_plan) { Claim::Sure } else { Claim::No }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Reads them. What it neither reads nor notes is noted by the caller.
pub fn read(files: &[File], options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let texts: HashMap<&str, &str> = files.iter().map(|file| (file.path, file.text)).collect();
    let layout = layout(files, options, notes)?;
    let Some(text) = texts.get(layout.plan.as_str()) else {
        let message = format!("the folder holds no {}", layout.plan);
        let hint = "Load the whole folder of the Sqitch project, with its plan.";
        return Err(Problem::of("", message, hint));
    };
    let plan = Plan::read(&File { path: &layout.plan, text }, |problem| notes.refuse(problem));
    let elsewhere = elsewhere(files, &layout.plan, options)?;
    let mut found = Vec::new();
    for (place, change) in plan.changes.iter().enumerate() {
        let script = |folder: &str| join(folder, &format!("{}.{}", change.name, layout.extension));
        let paths = [script(&layout.deploy), script(&layout.revert), script(&layout.verify)];
        let [up, down, verify] = [0, 1, 2].map(|n| texts.get(paths[n].as_str()));
        if up.is_none() {
            let message = format!("change {} has no script {}", change.name, paths[0]);
            let hint = "Add the script, or take the change out of the plan.";
            notes.refuse(Problem::at(&layout.plan, change.line, message, hint));
        }
        if [up, down, verify].iter().all(Option::is_none) {
            continue;
        }
        found.push(Found {
            version: Some(version(place)),
            name: change.name.clone(),
            up: up.map(|text| room::owned(text)),
            down: down.map(|text| room::owned(text)),
            verify: verify.map(|text| verify::body(text)),
            requires: requires(change, &plan, &layout, &elsewhere, notes),
            paths: paths.into_iter().filter(|path| texts.contains_key(path.as_str())).collect(),
            ..Found::default()
        });
    }
    note_others(files, &layout, &plan, &found, notes);
    Ok(found)
}

/// The version of the change at a place of the plan.
fn version(place: usize) -> String {
    format!("{:04}", place + 1)
}

/// Where plan and scripts are: as the outermost `sqitch.conf` says, or the one nearest to a
/// plan that is asked for; and if there is none, around the plan.
fn layout(files: &[File], options: &Options, notes: &mut Notes) -> Result<Layout, Problem> {
    let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let asked = options.get("plan").map(|plan| join("", plan));
    let confs = files.iter().filter(|file| base(file.path) == "sqitch.conf");
    let depth = |path: &str| (path.matches('/').count(), path.to_owned());
    let holds = |conf: &str, plan: &str| {
        let folder = folder(conf);
        folder.is_empty() || plan.strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let conf = match &asked {
        None => confs.min_by_key(|file| depth(file.path)),
        Some(plan) => {
            confs.filter(|file| holds(file.path, plan)).max_by_key(|file| depth(file.path))
        }
    };
    let configured = conf.map(|file| (Config::read(file), folder(file.path)));
    if let (Some(file), Some((config, _))) = (conf, &configured)
        && let Some(OtherEngine { name, line }) = config.other_engine()
    {
        let message = format!("the project is for {name}");
        let hint = "Load a project for PostgreSQL, whose engine is pg.";
        notes.refuse(Problem::at(file.path, line, message, hint));
    }
    let layout = configured.map(|(config, at)| config.layout(&at));
    if let Some(plan) = asked {
        let around = || Config::default().layout(&folder(&plan));
        let layout = layout.unwrap_or_else(around);
        return Ok(Layout { plan, ..layout });
    }
    if let Some(layout) = layout {
        return Ok(layout);
    }
    let plans: Vec<&str> =
        files.iter().map(|file| file.path).filter(|path| base(path) == "sqitch.plan").collect();
    match plans[..] {
        [] => Ok(Config::default().layout("")),
        [plan] => Ok(Config::default().layout(&folder(plan))),
        [one, other, ..] => {
            let message = format!("the folder holds several plans, such as {one} and {other}");
            let hint = format!(
                "Load the folder of one of them, or say which: options => '{{\"plan\": \"{one}\"}}'."
            );
            Err(Problem::of("", message, hint))
        }
    }
}

/// What stands for changes of other projects: their places in plans that are at hand, too,
/// and what the option `requires` says, such as
/// `billing:users=billing:0003, auth:roles=auth:0001`.
fn elsewhere(
    files: &[File],
    own: &str,
    options: &Options,
) -> Result<HashMap<String, String>, Problem> {
    let mut known = HashMap::new();
    for file in files.iter().filter(|file| base(file.path) == "sqitch.plan" && file.path != own) {
        // What is wrong with it is told when it is loaded.
        let Plan { project, changes, tags } = Plan::read(file, |_| {});
        let place = |at: usize| format!("{project}:{}", version(at));
        known.extend(
            changes.iter().enumerate().map(|(n, c)| (format!("{project}:{}", c.name), place(n))),
        );
        known.extend(tags.iter().map(|(tag, at)| (format!("{project}:@{tag}"), place(*at))));
    }
    let pairs = options.get("requires").unwrap_or_default().split(',').map(str::trim);
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let Some((change, version)) = pair.rsplit_once('=') else {
            let message = format!("option \"requires\" has no = in \"{pair}\"");
            let hint = "Write PROJECT:CHANGE=PROJECT:VERSION, with commas between several.";
            return Err(Problem::of("", message, hint));
        };
        known.insert(change.trim().to_owned(), version.trim().to_owned());
    }
    Ok(known)
}

/// The version that stands for a change of another project. A tag behind a change says
/// which of several of that name; there is but one.
fn of_other<'a>(elsewhere: &'a HashMap<String, String>, text: &str) -> Option<&'a String> {
    let untagged = text.split_once('@').map(|(change, _)| change);
    elsewhere.get(text).or_else(|| elsewhere.get(untagged?))
}

fn requires(
    change: &Change,
    plan: &Plan,
    layout: &Layout,
    elsewhere: &HashMap<String, String>,
    notes: &mut Notes,
) -> Vec<String> {
    let mut requires = Vec::new();
    for depend in &change.requires {
        match depend {
            Depend::Within(place) => requires.push(version(*place)),
            Depend::Other(text) => match of_other(elsewhere, text) {
                Some(version) => requires.push(version.clone()),
                None => {
                    let message = format!(
                        "change {} requires {text}, whose version is not known",
                        change.name
                    );
                    let project = text.split(':').next().unwrap_or(&plan.project);
                    let hint = format!(
                        "Load a folder that holds the plan of {project}, too, with options => '{{\"plan\": \"{}\"}}'; or say its version: '{{\"requires\": \"{text}={project}:0001\"}}'.",
                        layout.plan
                    );
                    notes.refuse(Problem::at(&layout.plan, change.line, message, hint));
                }
            },
        }
    }
    requires
}

/// Notes what is no script of a change of the plan.
fn note_others(files: &[File], layout: &Layout, plan: &Plan, found: &[Found], notes: &mut Notes) {
    let read: HashSet<&str> =
        found.iter().flat_map(|found| &found.paths).map(String::as_str).collect();
    let folders = [&layout.deploy, &layout.revert, &layout.verify];
    for file in files {
        let why = if file.path == layout.plan {
            match tags(plan) {
                None => "it is read for the changes and their order".to_owned(),
                Some(tags) => format!(
                    "it is read for the changes and their order; its tags are not kept: {tags}"
                ),
            }
        } else if base(file.path) == "sqitch.conf" {
            "it is read for the places of plan and scripts alone".to_owned()
        } else if !read.contains(file.path)
            && folders.iter().any(|folder| {
                file.path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
            })
        {
            notes.unread(file.path, "the plan has no change of this name");
            continue;
        } else {
            continue;
        };
        notes.ignore(file.path, why);
    }
}

/// The tags and the versions behind which they stand, the last ones of many.
fn tags(plan: &Plan) -> Option<String> {
    const SHOWN: usize = 5;
    let from = plan.tags.len().saturating_sub(SHOWN);
    let shown: Vec<String> =
        plan.tags[from..].iter().map(|(tag, at)| format!("@{tag} is {}", version(*at))).collect();
    let more = if from > 0 { "..., " } else { "" };
    (!shown.is_empty()).then(|| format!("{more}{}", shown.join(", ")))
}

#[cfg(test)]
mod tests;

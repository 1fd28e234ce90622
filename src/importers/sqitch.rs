//! Sqitch: `sqitch.plan` lists the changes in their order. Each has a script in `deploy`, `revert` and
//! `verify`.
//!
//! A change has no number. Its version is its position in the plan, with four digits. This never
//! changes, since Sqitch requires that changes are only added at the end. The name of the change is
//! that of the migration.

mod config;
mod layout;
mod plan;
mod projects;
mod verify;

use super::path::{base, join};
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem};
use crate::domain::room;
use config::Layout;
use plan::{Change, Plan, Requirement, version};
use projects::Projects;
use std::collections::{HashMap, HashSet};

/// Sqitch.
pub struct Sqitch;

impl Importer for Sqitch {
    fn name(&self) -> &'static str {
        "sqitch"
    }

    fn options(&self) -> &'static [&'static str] {
        &["plan", "requires"]
    }

    fn reads_beside_sql(&self, base: &str) -> bool {
        matches!(base, "sqitch.plan" | "sqitch.conf")
    }

    /// There must be a plan.
    fn claims(&self, files: &[File]) -> Claim {
        let is_plan = |file: &File| {
            let base = base(file.path);
            base == "sqitch.plan"
                || (base.ends_with(".plan")
                    && file.text.lines().any(|line| line.starts_with("%syntax-version")))
        };
        Claim::sure_if(files.iter().any(is_plan))
    }

    fn read(
        &self,
        files: &[File],
        options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let texts: HashMap<&str, &str> = files.iter().map(|file| (file.path, file.text)).collect();
        let layout = layout::find(files, options, notes)?;
        let Some(text) = texts.get(layout.plan.as_str()) else {
            let message = format!("the folder holds no {}", layout.plan);
            let hint = "Load the whole folder of the Sqitch project, with its plan.";
            return Err(Problem::of("", message, hint));
        };
        let plan = Plan::read(&File { path: &layout.plan, text }, |problem| notes.refuse(problem));
        let projects = Projects::read(files, &layout.plan, options)?;
        let project = Project { texts: &texts, layout: &layout, plan: &plan, projects: &projects };
        let changes = plan.changes.iter().enumerate();
        let migrations: Vec<ImportedMigration> = changes
            .filter_map(|(position, change)| project.migration(position, change, notes))
            .collect();
        note_others(files, &layout, &plan, &migrations, notes);
        Ok(migrations)
    }
}

/// All that the migrations of a project are made from.
struct Project<'a> {
    /// The texts of all files, by their paths.
    texts: &'a HashMap<&'a str, &'a str>,
    layout: &'a Layout,
    plan: &'a Plan,
    /// The other projects.
    projects: &'a Projects,
}

impl Project<'_> {
    /// The migration of a change. None: it has no script at all.
    fn migration(
        &self,
        position: usize,
        change: &Change,
        notes: &mut Notes,
    ) -> Option<ImportedMigration> {
        let Layout { plan, deploy, revert, verify, extension } = self.layout;
        let script = |folder: &str| join(folder, &format!("{}.{extension}", change.name));
        let paths = [script(deploy), script(revert), script(verify)];
        let text = |n: usize| self.texts.get(paths[n].as_str());
        let (up, down, verify) = (text(0), text(1), text(2));
        if up.is_none() {
            let message = format!("change {} has no script {}", change.name, paths[0]);
            let hint = "Add the script, or remove the change from the plan.";
            notes.refuse(Problem::at(plan, change.line, message, hint));
        }
        if [up, down, verify].iter().all(Option::is_none) {
            return None;
        }
        Some(ImportedMigration {
            version: Some(version(position)),
            name: change.name.clone(),
            up: up.map(|text| room::owned(text)),
            down: down.map(|text| room::owned(text)),
            verify: verify.map(|text| verify::body(text)),
            requires: self.requires(change, notes),
            paths: paths
                .into_iter()
                .filter(|path| self.texts.contains_key(path.as_str()))
                .collect(),
            ..ImportedMigration::default()
        })
    }

    /// The versions of the changes that a change requires.
    fn requires(&self, change: &Change, notes: &mut Notes) -> Vec<String> {
        let mut requires = Vec::new();
        for requirement in &change.requires {
            match requirement {
                Requirement::Within(position) => requires.push(version(*position)),
                Requirement::Other(text) => match self.projects.version(text) {
                    Some(version) => requires.push(version.clone()),
                    None => notes.refuse(self.unknown(change, text)),
                },
            }
        }
        requires
    }

    /// The problem that the version of a change in another project is not known.
    fn unknown(&self, change: &Change, text: &str) -> Problem {
        let message = format!("change {} requires {text}, whose version is not known", change.name);
        let project = text.split(':').next().unwrap_or(&self.plan.project);
        let plan = &self.layout.plan;
        let hint = format!(
            "Load a folder that also holds the plan of {project}, with options => '{{\"plan\": \"{plan}\"}}'; or specify its version: '{{\"requires\": \"{text}={project}:0001\"}}'.",
        );
        Problem::at(plan, change.line, message, hint)
    }
}

/// Notes the files that are no scripts of changes in the plan.
fn note_others(
    files: &[File],
    layout: &Layout,
    plan: &Plan,
    migrations: &[ImportedMigration],
    notes: &mut Notes,
) {
    let read = migrations.iter().flat_map(|migration| &migration.paths);
    let read: HashSet<&str> = read.map(String::as_str).collect();
    let folders = [&layout.deploy, &layout.revert, &layout.verify];
    let is_script = |path: &str| {
        folders
            .iter()
            .any(|folder| path.strip_prefix(folder.as_str()).is_some_and(|it| it.starts_with('/')))
    };
    for file in files {
        if file.path == layout.plan {
            let tags = match shown_tags(plan) {
                None => String::new(),
                Some(tags) => format!("; its tags are not kept: {tags}"),
            };
            notes.ignore(file.path, format!("it is read for the changes and their order{tags}"));
        } else if base(file.path) == "sqitch.conf" {
            notes.ignore(file.path, "it is only read for the locations of plan and scripts");
        } else if !read.contains(file.path) && is_script(file.path) {
            notes.unread(file.path, "the plan has no change of this name");
        }
    }
}

/// The last tags with their versions.
fn shown_tags(plan: &Plan) -> Option<String> {
    const SHOWN: usize = 5;
    let from = plan.tags.len().saturating_sub(SHOWN);
    let shown: Vec<String> =
        plan.tags[from..].iter().map(|(tag, at)| format!("@{tag} is {}", version(*at))).collect();
    let more = if from > 0 { "..., " } else { "" };
    (!shown.is_empty()).then(|| format!("{more}{}", shown.join(", ")))
}

#[cfg(test)]
mod tests;

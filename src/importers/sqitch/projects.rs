//! Other Sqitch projects, whose changes a plan may require.

use super::super::path::base;
use super::super::{File, Options, Problem};
use super::plan::{Plan, version};
use std::collections::HashMap;

/// The versions of changes and tags in other projects, by their full names, such as `auth:users`.
pub struct Projects {
    versions: HashMap<String, String>,
}

impl Projects {
    /// Reads them from other plans in the folder, and from the option `requires`, such as
    /// `billing:users=billing:0003, auth:roles=auth:0001`. Error: the option is invalid.
    pub fn read(files: &[File], own_plan: &str, options: &Options) -> Result<Projects, Problem> {
        let mut versions = HashMap::new();
        let is_other = |file: &&File| base(file.path) == "sqitch.plan" && file.path != own_plan;
        for file in files.iter().filter(is_other) {
            // Problems are reported when that plan is loaded.
            let Plan { project, changes, tags } = Plan::read(file, |_| {});
            let full = |at: usize| format!("{project}:{}", version(at));
            let changes = changes.iter().enumerate();
            versions.extend(changes.map(|(at, c)| (format!("{project}:{}", c.name), full(at))));
            versions.extend(tags.iter().map(|(tag, at)| (format!("{project}:@{tag}"), full(*at))));
        }
        let pairs = options.get("requires").unwrap_or_default().split(',').map(str::trim);
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let Some((change, version)) = pair.rsplit_once('=') else {
                let message = format!("option \"requires\" has no = in \"{pair}\"");
                let hint = "Write PROJECT:CHANGE=PROJECT:VERSION, with commas between several.";
                return Err(Problem::of("", message, hint));
            };
            versions.insert(change.trim().to_owned(), version.trim().to_owned());
        }
        Ok(Projects { versions })
    }

    /// The version of a change. A tag after its name selects one of several with this name, but
    /// names are unique here.
    pub fn version(&self, text: &str) -> Option<&String> {
        let untagged = text.split_once('@').map(|(change, _)| change);
        self.versions.get(text).or_else(|| self.versions.get(untagged?))
    }
}

//! Finds the plan and the scripts in a folder.

use super::super::path::{base, depth, join, split};
use super::super::{File, Notes, Options, Problem};
use super::config::{Config, Layout, OtherEngine};

/// Where plan and scripts are: as configured in the outermost `sqitch.conf`, or, if the option `plan`
/// is given, in the one nearest to that plan; if there is no configuration, around the plan.
///
/// Error: there are several plans.
pub fn find(files: &[File], options: &Options, notes: &mut Notes) -> Result<Layout, Problem> {
    let wanted = options.get("plan").map(|plan| join("", plan));
    let configured = configuration(files, wanted.as_deref())
        .map(|file| configured(file, notes).layout(split(file.path).0));
    match (wanted, configured) {
        (Some(plan), Some(layout)) => Ok(Layout { plan, ..layout }),
        (Some(plan), None) => Ok(Layout { plan: plan.clone(), ..around(&plan) }),
        (None, Some(layout)) => Ok(layout),
        (None, None) => around_only_plan(files),
    }
}

/// The configuration file: the outermost one, or the one nearest to a plan.
fn configuration<'f, 'a>(files: &'f [File<'a>], plan: Option<&str>) -> Option<&'f File<'a>> {
    let all = files.iter().filter(|file| base(file.path) == "sqitch.conf");
    let order = |file: &&File| (depth(file.path), file.path.to_owned());
    match plan {
        None => all.min_by_key(order),
        Some(plan) => {
            let is_above = |file: &&File| {
                let folder = split(file.path).0;
                folder.is_empty()
                    || plan.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
            };
            all.filter(is_above).max_by_key(order)
        }
    }
}

/// The configuration in a file. Another engine is noted as a problem.
fn configured(file: &File, notes: &mut Notes) -> Config {
    let config = Config::read(file);
    if let Some(OtherEngine { name, line }) = config.other_engine() {
        let message = format!("the project is for {name}");
        let hint = "Load a project for PostgreSQL, whose engine is pg.";
        notes.refuse(Problem::at(file.path, line, message, hint));
    }
    config
}

/// The default layout around a plan.
fn around(plan: &str) -> Layout {
    Config::default().layout(split(plan).0)
}

fn around_only_plan(files: &[File]) -> Result<Layout, Problem> {
    let plans: Vec<&str> =
        files.iter().map(|file| file.path).filter(|path| base(path) == "sqitch.plan").collect();
    match plans[..] {
        [] => Ok(around("")),
        [plan] => Ok(around(plan)),
        [one, other, ..] => {
            let message = format!("the folder holds several plans, such as {one} and {other}");
            let hint = format!(
                "Load the folder of one of them, or specify one: options => '{{\"plan\": \"{one}\"}}'."
            );
            Err(Problem::of("", message, hint))
        }
    }
}

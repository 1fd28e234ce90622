//! Sqitch's plan: the changes in their order, and their requirements.

use super::super::section::lines;
use super::super::{File, Problem};
use crate::domain::halt;
use std::collections::{HashMap, HashSet};

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The changes, in the order in which they are deployed.
    pub changes: Vec<Change>,
    /// The tags, each with the position of the change before it.
    pub tags: Vec<(String, usize)>,
}

/// The version of the change at a position of the plan.
pub fn version(position: usize) -> String {
    format!("{:04}", position + 1)
}

/// A change of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name, which is also that of the scripts.
    pub name: String,
    /// The line in the plan.
    pub line: usize,
    /// The requirements, in their order.
    pub requires: Vec<Requirement>,
}

/// A change that another one requires.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// The one at this position of the same plan.
    Within(usize),
    /// One of another project, as it is written.
    Other(String),
}

impl Plan {
    /// Reads a plan. Problems are passed to `refuse`.
    pub fn read(file: &File, mut refuse: impl FnMut(Problem)) -> Plan {
        let mut plan = Plan::default();
        let mut reading = Reading { path: file.path, ..Reading::default() };
        for line in lines(file.text) {
            // A note ends the line. This character cannot be anywhere else.
            let text = line.text.split('#').next().unwrap_or_default().trim();
            let read = match text.as_bytes() {
                [] => Ok(()),
                [b'%', ..] => {
                    plan.pragma(&text[1..]);
                    Ok(())
                }
                [b'@', ..] => reading.tag(&mut plan, &text[1..], line.number),
                _ => reading.change(&mut plan, text, line.number),
            };
            if let Err(problem) = read {
                refuse(problem);
            }
        }
        if plan.project.is_empty() {
            let hint = "Add its name as the first line: %project=NAME.";
            refuse(Problem::of(file.path, "the plan does not name its project", hint));
        }
        plan
    }

    fn pragma(&mut self, text: &str) {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        if name.trim() == "project" {
            self.project = value.trim().to_owned();
        }
    }
}

#[derive(Default)]
struct Reading<'a> {
    path: &'a str,
    /// The positions of changes and of tags, by their names.
    changes: HashMap<String, usize>,
    tags: HashMap<String, usize>,
}

impl Reading<'_> {
    fn problem(&self, line: usize, message: String, hint: &str) -> Problem {
        Problem::at(self.path, line, message, hint)
    }

    fn tag(&mut self, plan: &mut Plan, text: &str, line: usize) -> Result<(), Problem> {
        let name = text.split_whitespace().next().unwrap_or_default();
        let Some(position) = plan.changes.len().checked_sub(1) else {
            let message = format!("tag @{name} is before all changes");
            return Err(self.problem(line, message, "Move it below the change that it tags."));
        };
        if self.tags.insert(name.to_owned(), position).is_some() {
            let message = format!("tag @{name} is there twice");
            return Err(self.problem(line, message, "Rename one of the two."));
        }
        plan.tags.push((name.to_owned(), position));
        Ok(())
    }

    fn change(&mut self, plan: &mut Plan, text: &str, line: usize) -> Result<(), Problem> {
        if text.starts_with('-') {
            let message = "a line that reverts a change is not supported".to_owned();
            return Err(self.problem(
                line,
                message,
                "Remove it from the plan, and the change, too.",
            ));
        }
        let text = text.strip_prefix('+').map_or(text, str::trim_start);
        let end = text.find([' ', '\t']).unwrap_or(text.len());
        let (name, rest) = (&text[..end], text[end..].trim_start());
        let (depends, rest) = match rest.strip_prefix('[') {
            None => ("", rest),
            Some(inner) => match inner.split_once(']') {
                Some((depends, rest)) => (depends, rest.trim_start()),
                None => {
                    let message = format!("the list of what change {name} requires has no end");
                    return Err(self.problem(line, message, "Close it with ]."));
                }
            },
        };
        let is_valid = !name.is_empty() && !name.contains([':', '@', '\\', '[', ']']);
        if !is_valid || !(rest.is_empty() || begins_with_date(rest)) {
            let message = "the line is neither a change nor a tag".to_owned();
            let hint = "Write NAME [REQUIRED ...] YYYY-MM-DDTHH:MM:SSZ NAME <EMAIL>.";
            return Err(self.problem(line, message, hint));
        }
        let position = plan.changes.len();
        if let Some(former) = self.changes.get(name) {
            let is_rework = plan.tags.last().is_some_and(|(_, tagged)| tagged >= former);
            let first = plan.changes.get(*former).map_or(0, |change| change.line);
            let message = match is_rework {
                true => {
                    format!("change {name} of line {first} is reworked, which is not supported")
                }
                false => format!("change {name} is in the plan already, in line {first}"),
            };
            let hint = "Give the new one and its scripts another name. The scripts of the former one have the tag in their names.";
            return Err(self.problem(line, message, hint));
        }
        let mut change = Change { name: name.to_owned(), line, requires: Vec::new() };
        let mut seen = HashSet::new();
        let read = depends.split_whitespace().try_for_each(|required| {
            halt::work(halt::STEP);
            let requirement = self.requirement(plan, name, required, line)?;
            if seen.insert(requirement.clone()) {
                change.requires.push(requirement);
            }
            Ok(())
        });
        self.changes.insert(name.to_owned(), position);
        plan.changes.push(change);
        read
    }

    /// Parses a requirement of a change.
    fn requirement(
        &self,
        plan: &Plan,
        change: &str,
        text: &str,
        line: usize,
    ) -> Result<Requirement, Problem> {
        if let Some(other) = text.strip_prefix('!') {
            let message =
                format!("conflicts are not supported: change {change} conflicts with {other}");
            let hint = "Remove it from the plan; a precondition in add() can look for what the other one creates.";
            return Err(self.problem(line, message, hint));
        }
        let within = match text.split_once(':') {
            Some((project, within)) if project == plan.project => within,
            Some(_) => return Ok(Requirement::Other(text.to_owned())),
            None => text,
        };
        let (name, tag) = match within.split_once('@') {
            Some((name, tag)) => (name, Some(tag)),
            None => (within, None),
        };
        let tagged = tag.map(|tag| self.tags.get(tag).copied());
        let position = match (self.changes.get(name).copied(), tagged) {
            (_, Some(position)) if name.is_empty() => position,
            (Some(position), None) => Some(position),
            (Some(position), Some(Some(tagged))) if position <= tagged => Some(position),
            _ => None,
        };
        position.map(Requirement::Within).ok_or_else(|| {
            let message = format!("change {change} requires {text}, which is not before it");
            let is_id = within.len() == 40 && within.bytes().all(|b| b.is_ascii_hexdigit());
            let hint = if is_id {
                "Write the change's name instead of its ID."
            } else {
                "Move it down in the plan, or correct the name."
            };
            self.problem(line, message, hint)
        })
    }
}

/// Whether a text begins with a time stamp.
fn begins_with_date(text: &str) -> bool {
    let pattern = b"dddd-dd-ddT";
    text.len() > pattern.len()
        && text.bytes().zip(pattern).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *expected,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEN: &str = "2024-01-31T12:00:00Z A B <a@b.c>";

    fn read(text: &str) -> (Plan, Vec<Problem>) {
        let text = text.replace("WHEN", WHEN);
        let mut problems = Vec::new();
        let plan = Plan::read(&File { path: "sqitch.plan", text: &text }, |p| problems.push(p));
        (plan, problems)
    }

    #[test]
    fn reads_a_plan() {
        let (plan, problems) = read(
            "%syntax-version=1.0.0\r\n% project = shop\r\n%uri=https://x/#y\r\n\r\n# a note\r\n\
             schema WHEN # the schema\r\n+ users [schema] WHEN\r\n@v1.0 WHEN # first\r\n  \
             a/b [ users@v1.0 @v1.0 shop:schema auth:roles auth:roles@v2 ]\tWHEN\r\nlast",
        );
        assert_eq!(problems, []);
        assert_eq!(plan.project, "shop");
        let names: Vec<&str> = plan.changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["schema", "users", "a/b", "last"]);
        assert_eq!(plan.tags, [("v1.0".to_owned(), 1)]);
        use Requirement::*;
        let other = |text: &str| Other(text.to_owned());
        assert_eq!(
            plan.changes[2].requires,
            [Within(1), Within(0), other("auth:roles"), other("auth:roles@v2")]
        );
        assert_eq!(plan.changes[2].line, 9);
    }

    #[test]
    fn refuses_what_is_wrong() {
        for (text, line, message) in [
            ("a\n@t\na [a@t] WHEN", 4, "change a of line 2 is reworked, which is not supported"),
            ("a\na", 3, "change a is in the plan already, in line 2"),
            ("a [b]\nb", 2, "change a requires b, which is not before it"),
            ("a [a]", 2, "change a requires a, which is not before it"),
            ("a [@x]", 2, "change a requires @x, which is not before it"),
            ("a\n@t\nb\nc [b@t]", 5, "change c requires b@t, which is not before it"),
            ("a\nb [!a]", 3, "conflicts are not supported: change b conflicts with a"),
            ("a [b", 2, "the list of what change a requires has no end"),
            ("a something else", 2, "the line is neither a change nor a tag"),
            ("a:b WHEN", 2, "the line is neither a change nor a tag"),
            ("a\n-a", 3, "a line that reverts a change is not supported"),
            ("@t\na", 2, "tag @t is before all changes"),
            ("a\n@t\n@t", 4, "tag @t is there twice"),
        ] {
            let (_, problems) = read(&format!("%project=x\n{text}"));
            let problems: Vec<_> = problems.iter().map(|p| (p.line, p.message.as_str())).collect();
            assert_eq!(problems, [(Some(line), message)], "{text}");
        }
        assert_eq!(read("a").1.len(), 1);
    }
}

//! Variables of files that have no value when they are registered. They may get one before the
//! files run, so that is a warning; all of them are in one.

use crate::domain::script::prepare::{PrepareError, ScriptProblem, Syntax, Variables, prepare};
use crate::error::{literal, set_variables, some_of};
use crate::importers::{Convention, Found};
use crate::pg::message;
use std::collections::{BTreeSet, HashMap};

/// What is found while the files of a folder are registered.
pub struct Unset {
    // As the texts are expected to refer to them.
    variables: Variables,
    // What has a value that the project doesn't expand so; None: it does.
    missed: Option<HashMap<String, String>>,
    names: BTreeSet<String>,
}

impl Unset {
    /// `variables` are the project's. What the tool of a convention expands is expected to be
    /// expanded here, too.
    pub fn of(convention: Convention, variables: Variables) -> Unset {
        let syntax = match convention {
            Convention::Flyway => Syntax::Dollar,
            Convention::GraphileMigrate => Syntax::Psql,
            _ => variables.syntax,
        };
        let (missed, values) = match syntax == variables.syntax {
            true => (None, variables.values),
            false => (Some(variables.values), HashMap::new()),
        };
        let variables = Variables { syntax, values, ..variables };
        Unset { variables, missed, names: BTreeSet::new() }
    }

    /// The variables of a migration that have no value.
    pub fn of_migration(&self, found: &Found) -> Vec<String> {
        if self.variables.syntax == Syntax::None {
            return Vec::new();
        }
        let texts = [&found.up, &found.down, &found.verify].into_iter().flatten();
        texts.flat_map(|text| unset(text, &self.variables)).collect()
    }

    /// Has them be reported.
    pub fn note(&mut self, names: Vec<String>) {
        self.names.extend(names);
    }

    /// Warns of those that were noted, if there are any.
    pub fn warn(self) {
        if self.names.is_empty() {
            return;
        }
        let Variables { project, syntax, .. } = &self.variables;
        let names: Vec<String> = self.names.into_iter().collect();
        let shown = some_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let has_value =
            |name: &String| self.missed.as_ref().is_some_and(|missed| missed.contains_key(name));
        let unset: Vec<String> = names.iter().filter(|name| !has_value(name)).cloned().collect();
        let set = match unset.is_empty() {
            true => String::new(),
            false => format!(" {}", set_variables(&unset, project)),
        };
        message::warning(&match self.missed {
            None => format!("the files refer to variables that are not set: {shown}:{set}"),
            Some(_) => format!(
                "the files hold placeholders such as {0}, which project {project} does not expand: {shown}: SELECT * FROM migrations.set_project({1}, placeholders => '{0}');{set}",
                syntax.name(),
                literal(project)
            ),
        });
    }
}

/// The variables of a text that have no value, each once.
pub fn unset(text: &str, variables: &Variables) -> Vec<String> {
    match prepare(text, true, variables) {
        Err(PrepareError {
            problem: ScriptProblem::Unset(names, _) | ScriptProblem::Unexpanded(names, _),
            ..
        }) => names,
        _ => Vec::new(),
    }
}

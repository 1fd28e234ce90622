//! Variables in files that have no value when the files are registered. They may get one before
//! the migrations run, so that is a warning. One warning names all of them.

use crate::domain::script::prepare::{Syntax, Variables};
use crate::domain::text::{literal, set_variables, some_of};
use crate::engine::variables::unset;
use crate::importers::{ImportedMigration, Importer};
use crate::pg::message;
use std::collections::{BTreeSet, HashMap};

/// Variables without a value, collected while the files of a folder are registered.
pub struct UnsetVariables {
    // With the syntax in which the texts are expected to refer to them.
    variables: Variables,
    // The values of variables that the project does not expand in that syntax. None: it does.
    missed: Option<HashMap<String, String>>,
    names: BTreeSet<String>,
}

impl UnsetVariables {
    /// `variables` are the project's. What the convention's tool expands is expected to be
    /// expanded here, too.
    pub fn of(convention: &dyn Importer, variables: Variables) -> UnsetVariables {
        let syntax = convention.variables().unwrap_or(variables.syntax);
        let (missed, values) = match syntax == variables.syntax {
            true => (None, variables.values),
            false => (Some(variables.values), HashMap::new()),
        };
        let variables = Variables { syntax, values, ..variables };
        UnsetVariables { variables, missed, names: BTreeSet::new() }
    }

    /// The variables of a migration that have no value.
    pub fn of_migration(&self, found: &ImportedMigration) -> Vec<String> {
        if self.variables.syntax == Syntax::None {
            return Vec::new();
        }
        let texts = [&found.up, &found.down, &found.verify].into_iter().flatten();
        texts.flat_map(|text| unset(text, &self.variables)).collect()
    }

    /// Adds variables to the warning.
    pub fn note(&mut self, names: Vec<String>) {
        self.names.extend(names);
    }

    /// Raises the warning, if there is anything to warn of.
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

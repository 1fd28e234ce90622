//! Contexts and labels: which changesets run in which circumstances.
//!
//! A changeset has an expression of contexts, and a run has a list of them; a changeset has
//! a list of labels, and a run has an expression of them. `*` for a run means as Liquibase
//! does without being told any: all changesets run.

use super::super::limits::{self, DEPTH, LINE};
use super::super::{Options, Problem};
use crate::domain::halt;
use std::collections::HashSet;

/// What is said of a run. None: nothing, so what depends on it can't be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter<'a> {
    /// Its contexts, with commas between.
    pub contexts: Option<&'a str>,
    /// The expression that the labels of a changeset have to fulfil.
    pub labels: Option<&'a str>,
}

/// What takes all changesets.
const ALL: &str = "*";

impl<'a> Filter<'a> {
    /// What options say, and where they say nothing, the configuration.
    ///
    /// Errors: the labels are too deep an expression.
    pub fn of(
        options: &'a Options,
        contexts: Option<&'a str>,
        labels: Option<&'a str>,
    ) -> Result<Filter<'a>, Problem> {
        let filter = Filter {
            contexts: options.get("contexts").or(contexts),
            labels: options.get("labels").or(labels),
        };
        match filter.labels.is_some_and(is_deep) {
            false => Ok(filter),
            true => {
                let message = format!("option \"labels\": {}", too_deep());
                Err(Problem::of("", message, "Write it with fewer of them."))
            }
        }
    }

    /// Whether a changeset with this expression of contexts runs. None: that isn't said. One
    /// that is too deep holds, so that it is refused and not ignored.
    pub fn has_context(&self, expression: &str) -> Option<bool> {
        self.contexts.map(|given| given.trim() == ALL || holds(expression, given))
    }

    /// Whether a changeset with these labels runs. None: that isn't said.
    pub fn has_labels(&self, labels: &str) -> Option<bool> {
        self.labels.map(|expression| expression.trim() == ALL || holds(expression, labels))
    }
}

/// Whether an expression goes deeper than is read.
pub fn is_deep(expression: &str) -> bool {
    expression.len() > LINE || limits::too_deep(expression, &['('], &[')'], DEPTH).is_some()
}

/// What is wrong with such an expression.
pub fn too_deep() -> String {
    format!("parentheses are nested more than {DEPTH} deep")
}

/// Whether an expression of names holds where those of a list are true.
fn holds(expression: &str, list: &str) -> bool {
    if is_deep(expression) {
        return true;
    }
    let names: HashSet<String> = list
        .split(',')
        .map(|name| {
            halt::work(name.len() + halt::STEP);
            name.trim().to_lowercase()
        })
        .collect();
    let mut reading = Reading { tokens: tokens(expression), at: 0, names };
    reading.tokens.is_empty() || reading.either()
}

fn tokens(expression: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut is_inside = false;
    for c in expression.chars() {
        halt::work(1);
        if matches!(c, '(' | ')' | '!' | ',') {
            tokens.push(c.to_string());
            is_inside = false;
        } else if c.is_whitespace() {
            is_inside = false;
        } else {
            if !is_inside {
                tokens.push(String::new());
            }
            is_inside = true;
            if let Some(token) = tokens.last_mut() {
                token.extend(c.to_lowercase());
            }
        }
    }
    tokens
}

struct Reading {
    tokens: Vec<String>,
    at: usize,
    names: HashSet<String>,
}

impl Reading {
    fn takes(&mut self, wanted: &[&str]) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| wanted.contains(&token.as_str()));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> bool {
        let mut holds = self.both();
        while self.takes(&["or", ","]) {
            holds |= self.both();
        }
        holds
    }

    fn both(&mut self) -> bool {
        let mut holds = self.one();
        while self.takes(&["and"]) {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        let mut is_negated = false;
        while self.takes(&["!", "not"]) {
            is_negated = !is_negated;
        }
        if self.takes(&["("]) {
            let holds = self.either();
            self.takes(&[")"]);
            return holds != is_negated;
        }
        let name = self.tokens.get(self.at).map(String::as_str).unwrap_or_default();
        let name = name.strip_prefix('@').unwrap_or(name);
        let holds = self.names.contains(name);
        self.at += 1;
        holds != is_negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluates_expressions() {
        for (expression, list, expected) in [
            ("test", "test", true),
            ("Test", "dev, TEST", true),
            ("test", "prod", false),
            ("!test", "prod", true),
            ("not test", "test", false),
            ("test, prod", "prod", true),
            ("test and prod", "prod", false),
            ("a or b and c", "a", true),
            ("(a or b) and c", "a", false),
            ("!(a or b)", "c", true),
            ("@a", "a", true),
            ("", "a", true),
            ("a", "", false),
            ("a and", "a", false),
            ("((", "a", false),
            ("! !a", "a", true),
        ] {
            assert_eq!(holds(expression, list), expected, "{expression} with {list}");
        }
    }

    #[test]
    fn says_whether_it_is_known() {
        let filter = Filter { contexts: Some("*"), labels: Some("v1 and !beta") };
        assert_eq!(filter.has_context("x and y"), Some(true));
        assert_eq!(filter.has_labels("v1, stable"), Some(true));
        assert_eq!(filter.has_labels("v1,beta"), Some(false));
        assert_eq!(Filter::default().has_context("x"), None);
    }
}

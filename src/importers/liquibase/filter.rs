//! Contexts and labels, which select the changesets of a run.
//!
//! A changeset has an expression of contexts, and a run has a list of them. A changeset has a list of
//! labels, and a run has an expression of them. With `*` for a run all changesets run, as with
//! Liquibase if none are given.

use super::super::limits::{self, MAX_DEPTH, MAX_LINE};
use super::super::{Options, Problem};
use crate::domain::halt;
use std::collections::HashSet;

/// The contexts and labels of a run. None: not given, so what depends on them cannot be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter<'a> {
    /// The contexts, with commas between.
    pub contexts: Option<&'a str>,
    /// The expression that the labels of a changeset must match.
    pub labels: Option<&'a str>,
}

/// The value that selects all changesets.
const ALL: &str = "*";

impl<'a> Filter<'a> {
    /// The options, or else the configuration.
    ///
    /// Error: the expression is nested too deep.
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
                Err(Problem::of("", message, "Write it with less nesting."))
            }
        }
    }

    /// Whether a changeset with this expression of contexts runs. None: no contexts are given. An
    /// expression that is nested too deep is true, so that it is refused and not ignored.
    pub fn has_context(&self, expression: &str) -> Option<bool> {
        self.contexts.map(|given| given.trim() == ALL || evaluate(expression, given))
    }

    /// Whether a changeset with these labels runs. None: no labels are given.
    pub fn has_labels(&self, labels: &str) -> Option<bool> {
        self.labels.map(|expression| expression.trim() == ALL || evaluate(expression, labels))
    }
}

/// Whether an expression is nested too deep, or too long.
pub fn is_deep(expression: &str) -> bool {
    expression.len() > MAX_LINE || limits::too_deep(expression, &['('], &[')'], MAX_DEPTH).is_some()
}

/// The message for such an expression.
pub fn too_deep() -> String {
    format!("parentheses are nested more than {MAX_DEPTH} deep")
}

/// Whether an expression is true if the names in a list are true.
fn evaluate(expression: &str, list: &str) -> bool {
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
            assert_eq!(evaluate(expression, list), expected, "{expression} with {list}");
        }
    }

    #[test]
    fn decides_only_with_given_values() {
        let filter = Filter { contexts: Some("*"), labels: Some("v1 and !beta") };
        assert_eq!(filter.has_context("x and y"), Some(true));
        assert_eq!(filter.has_labels("v1, stable"), Some(true));
        assert_eq!(filter.has_labels("v1,beta"), Some(false));
        assert_eq!(Filter::default().has_context("x"), None);
    }
}

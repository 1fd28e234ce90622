//! Variables in a script that have no value.

use crate::domain::script::prepare::{PrepareError, ScriptProblem, Variables, prepare};

/// The variables in a script that have no value, each once.
pub fn unset(text: &str, variables: &Variables) -> Vec<String> {
    match prepare(text, true, variables) {
        Err(PrepareError {
            problem: ScriptProblem::Unset(names, _) | ScriptProblem::Unexpanded(names, _),
            ..
        }) => names,
        _ => Vec::new(),
    }
}

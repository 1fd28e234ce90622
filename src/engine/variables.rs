//! Variables in a script that have no value.

use crate::domain::script::prepare::{Fault, Variables, What, prepare};

/// The variables in a script that have no value, each once.
pub fn unset(text: &str, variables: &Variables) -> Vec<String> {
    match prepare(text, true, variables) {
        Err(Fault { what: What::Unset(names, _) | What::Unexpanded(names, _), .. }) => names,
        _ => Vec::new(),
    }
}

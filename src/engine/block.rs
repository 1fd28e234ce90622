//! Whether a DO block, or a procedure that a text calls, ends transactions: then it can't run
//! inside one.

use super::surroundings::Surroundings;
use crate::domain::script::ending::ending;
use crate::error::Result;
use crate::pg::name::{Name, routines};
use crate::pg::parse::{Block, ParsedStatement};
use crate::store::Batch;
use crate::store::project::Project;
use std::collections::HashSet;

/// The first statement that ends transactions, by its place. What is called is looked up with
/// the search_path of the project.
pub fn first(
    batch: &Batch,
    project: &Project,
    statements: &[ParsedStatement],
) -> Result<Option<usize>> {
    if statements.iter().all(|statement| statement.block.is_none()) {
        return Ok(None);
    }
    let nest = Surroundings::of_names(Some(project))?.nest()?;
    let mut first = None;
    let procedures = |found: &[u32]| batch.procedures(found);
    for (n, statement) in statements.iter().enumerate() {
        if statement.section.is_none() && ends_transactions(statement, procedures)? {
            first = Some(n);
            break;
        }
    }
    nest.undo()?;
    Ok(first)
}

/// Whether a statement is a block that ends transactions, with the search_path as it is.
/// `procedures` gives the texts of those of these routines that are procedures. What doesn't
/// exist yet doesn't count; of several procedures of a name each does.
pub fn ends_transactions(
    statement: &ParsedStatement,
    procedures: impl Fn(&[u32]) -> Result<Vec<String>>,
) -> Result<bool> {
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    match &statement.block {
        None => return Ok(false),
        Some(Block::Do(text)) => texts.push(text.clone()),
        Some(Block::Call(name)) => names.push(name.clone()),
    }
    let mut seen = HashSet::new();
    loop {
        while let Some(text) = texts.pop() {
            let found = ending(&text);
            if found.ends {
                return Ok(true);
            }
            names.extend(found.calls.into_iter().filter_map(Name::parse));
        }
        let Some(name) = names.pop() else { return Ok(false) };
        let mut found = routines(&name)?;
        found.retain(|routine| seen.insert(*routine));
        texts = procedures(&found)?;
    }
}

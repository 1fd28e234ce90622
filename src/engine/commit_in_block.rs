//! Whether a DO block, or a procedure that a script calls, ends transactions. Then it cannot run
//! inside a transaction.

use super::script_settings::ScriptSettings;
use crate::domain::script::ending::ending;
use crate::error::Result;
use crate::pg::name::{Name, routines};
use crate::pg::parse::{Block, ParsedStatement};
use crate::store::Batch;
use crate::store::project::Project;
use std::collections::HashSet;

/// The index of the first statement that ends transactions. Procedures are looked up with the
/// search_path of the project.
pub fn first(
    batch: &Batch,
    project: &Project,
    statements: &[ParsedStatement],
) -> Result<Option<usize>> {
    if statements.iter().all(|statement| statement.block.is_none()) {
        return Ok(None);
    }
    let nest = ScriptSettings::of_names(Some(project))?.nest()?;
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

/// Whether a statement is a block that ends transactions, with the current search_path.
/// `procedures` gives the sources of the routines that are procedures. A procedure that does not
/// exist yet does not count. If there are several of a name, each counts.
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

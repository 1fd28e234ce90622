//! Looks up in the database what an error of a migration's statement is about: which session
//! holds a lock, or that an existing index is not valid.

use super::explanation::Explanation;
use crate::catalog::blockers;
use crate::domain::script;
use crate::engine::script_settings::ScriptSettings;
use crate::error::ServerError;
use crate::pg::name::Name;
use crate::pg::subtransaction::Subtransaction;
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;

/// What the database has about an error of a statement. None: nothing, or it cannot be looked up.
/// `text` is the text of the statement. Must be called as the caller.
pub fn look_up(error: &dyn ServerError, text: &str, project: &Project) -> Option<Explanation> {
    let is_lock = match Code::from(error.code()) {
        Code::ERRCODE_LOCK_NOT_AVAILABLE => true,
        Code::ERRCODE_DUPLICATE_TABLE => false,
        _ => return None,
    };
    if text.is_empty() {
        return None;
    }
    // The abort of a subtransaction releases what the error has left held, so that the next one
    // can work. The caller ends the transaction itself.
    drop(Subtransaction::begin().ok()?);
    let _undone = Subtransaction::begin().ok()?;
    let nest = ScriptSettings::of(Some(project)).and_then(|settings| settings.nest()).ok()?;
    let names = script::names(text);
    let found = match is_lock {
        true => {
            let names = names.into_iter().map(str::to_owned).collect();
            let detail = blockers::of_relations(names).ok()?;
            detail.map(|detail| Explanation { detail: Some(detail), hints: Vec::new() })
        }
        false => invalid_index(&error.message(), &names),
    };
    nest.undo().ok()?;
    found
}

/// What there is about the relation that exists already, as the message says, if it is an invalid
/// index. An index is in the schema of its table, which the statement names, too.
fn invalid_index(message: &str, names: &[&str]) -> Option<Explanation> {
    let names: Vec<Name> = names.iter().filter_map(|name| Name::parse(name)).collect();
    let quoted = |name: &Name| message.contains(&format!("\"{}\"", name.relation));
    let own = names.iter().filter(|name| quoted(name));
    let schemas = || names.iter().map(|name| name.schema.clone());
    let found = own
        .flat_map(|name| schemas().map(|schema| Name { schema, relation: name.relation.clone() }));
    let index = found.filter(|name| name.is_invalid_index()).map(|name| name.sql()).next()?;
    Some(Explanation {
        detail: Some(format!(
            "Index {index} is not valid: an earlier attempt to build it has failed."
        )),
        hints: vec![format!("DROP INDEX CONCURRENTLY {index}; and repeat the call.")],
    })
}

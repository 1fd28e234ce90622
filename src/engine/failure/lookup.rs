//! Looks up in the database what an error of a migration's statement is about: which session
//! holds a lock, or that an existing index is not valid.

use crate::catalog::blockers;
use crate::domain::script;
use crate::engine::script_settings::ScriptSettings;
use crate::error::{Result, ServerError};
use crate::pg::name::Name;
use crate::store::project::Project;
use pgrx::PgSqlErrorCode as Code;

/// Whether there may be something to look up about an error.
pub fn is_wanted(error: &dyn ServerError) -> bool {
    matches!(
        Code::from(error.code()),
        Code::ERRCODE_LOCK_NOT_AVAILABLE | Code::ERRCODE_DUPLICATE_TABLE
    )
}

/// Adds a DETAIL, and maybe a HINT. Must be called as the caller. `text` is the text of the
/// statement. Errors: those of the server.
pub fn add(error: &mut dyn ServerError, text: &str, project: &Project) -> Result<()> {
    let nest = ScriptSettings::of(Some(project))?.nest()?;
    let names = script::names(text);
    let found = match Code::from(error.code()) {
        Code::ERRCODE_LOCK_NOT_AVAILABLE => {
            blockers::of_relations(names.into_iter().map(str::to_owned).collect())?
                .map(|d| (d, None))
        }
        _ => invalid_index(&error.message(), &names),
    };
    nest.undo()?;
    if let Some((detail, hint)) = found {
        error.set_detail(&detail);
        if let Some(hint) = hint {
            error.add_hint(&hint);
        }
    }
    Ok(())
}

/// Whether the relation that already exists, as the message says, is an invalid index. An index
/// is in the schema of its table, which the statement names, too.
fn invalid_index(message: &str, names: &[&str]) -> Option<(String, Option<String>)> {
    let names: Vec<Name> = names.iter().filter_map(|name| Name::parse(name)).collect();
    let quoted = |name: &Name| message.contains(&format!("\"{}\"", name.relation));
    let own = names.iter().filter(|name| quoted(name));
    let schemas = || names.iter().map(|name| name.schema.clone());
    let found = own
        .flat_map(|name| schemas().map(|schema| Name { schema, relation: name.relation.clone() }));
    let index = found.filter(|name| name.is_invalid_index()).map(|name| name.sql()).next()?;
    Some((
        format!("Index {index} is not valid: an earlier attempt to build it has failed."),
        Some(format!("DROP INDEX CONCURRENTLY {index}; and repeat the call.")),
    ))
}

//! Functions that move projects between databases.

use super::arguments::Project;
use super::repair::ChangedRecord;
use crate::domain::bundle::Bundle;
use crate::domain::room::Buffer;
use crate::error::{Error, Result};
use crate::pg::argument;
use crate::pg::call::{Json, JsonText, Rows, declare};
use crate::registry::bundle;
use pgrx::PgSqlErrorCode;

declare! {
    /// Gives all that is registered in a project, as JSON.
    function export_bundle(ExportBundle { project: Project = NULL }) -> value JsonText, stable;
}

fn export_bundle(arguments: ExportBundle) -> Result<JsonText> {
    let bundle = bundle::export(&arguments.project)?;
    let mut json = Buffer::default();
    serde_json::to_writer(&mut json, &bundle)
        .map_err(|error| Error::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string()))?;
    Ok(JsonText(json.0))
}

declare! {
    /// Registers all of a bundle, in the project that it names unless another one is given.
    /// Gives a row for each migration.
    function import_bundle(ImportBundle {
        bundle: Json,
        project: Option<String> = NULL,
        replace: bool = false,
    }) -> rows ChangedRecord;
}

fn import_bundle(arguments: ImportBundle, rows: &mut Rows<ChangedRecord>) -> Result<()> {
    let ImportBundle { bundle: Json(json), project, replace } = arguments;
    let bundle = Bundle::read(&json).map_err(|why| {
        argument::invalid(
            format!("argument \"bundle\" is no bundle: {why}"),
            "Use what migrations.export_bundle() gives.",
        )
    })?;
    drop(json);
    let project = Project::named(project.unwrap_or_else(|| bundle.project.clone()))?;
    for imported in bundle::import(bundle, &project, replace)? {
        rows.add(ChangedRecord {
            project: project.to_string(),
            version: imported.version,
            name: imported.name,
            action: imported.change.word(),
        });
    }
    Ok(())
}

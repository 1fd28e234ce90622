//! Functions that move projects between databases.

use super::{check_project, project};
use crate::domain::bundle::Bundle;
use crate::domain::room::Buffer;
use crate::error::{Error, Result};
use crate::pg::argument;
use crate::pg::call::{Call, Value};
use crate::pg::entry::entry;
use crate::registry::bundle;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Datum;

entry!(migrations_export_bundle, pg_finfo_migrations_export_bundle, export_bundle);
entry!(migrations_import_bundle, pg_finfo_migrations_import_bundle, import_bundle);

/// `export_bundle(project)`: what is registered, as JSON.
fn export_bundle(call: &Call) -> Result<Datum> {
    let bundle = bundle::export(&project(call, 0)?)?;
    let mut json = Buffer::default();
    serde_json::to_writer(&mut json, &bundle)
        .map_err(|error| Error::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string()))?;
    drop(bundle);
    Ok(call.answer(Value::JsonText(json.0)))
}

/// `import_bundle(bundle, project, replace)`: a row for each migration.
fn import_bundle(call: &Call) -> Result<Datum> {
    let json = call.json_text(0)?.ok_or_else(|| argument::null("bundle"))?;
    let replace = call.bool(2).ok_or_else(|| argument::null("replace"))?;
    let bundle = Bundle::read(&json).map_err(|why| {
        argument::invalid(
            format!("argument \"bundle\" is no bundle: {why}"),
            "Use what migrations.export_bundle() gives.",
        )
    })?;
    let project = call.text(1).unwrap_or_else(|| bundle.project.clone());
    check_project(&project)?;
    let mut rows = call.rows()?;
    for imported in bundle::import(bundle, &project, replace)? {
        rows.add([
            project.as_str().into(),
            imported.version.as_deref().into(),
            imported.name.into(),
            imported.change.word().into(),
        ]);
    }
    Ok(rows.answer())
}

//! Taking over a database from another tool, from the record that the tool has kept.

use super::errors::not_adoptable;
use super::force;
use super::record::RecordChange;
use crate::catalog::foreign_record::Record;
use crate::domain::text::arguments;
use crate::domain::version::Version;
use crate::engine::errors::invalid_version;
use crate::engine::session::CallGuard;
use crate::error::{Kind, Result};
use crate::pg::call::Value;
use crate::pg::guc::GucScope;
use crate::pg::message;
use crate::pg::name::Name;
use crate::pg::spi::View;
use crate::store::Store;

/// The tools whose record can be adopted.
pub const TOOLS: [&str; 1] = ["golang-migrate"];

/// Reads golang-migrate's table `schema_migrations(version, dirty)`, which is found by the
/// project's or the caller's search_path, and records all versions up to its version as baselines,
/// which are never rolled back. Returns the changes.
///
/// Errors: there is no such table, it has other columns, its version is dirty, or its version is not
/// registered (55000); those of [`force::adopt`].
pub fn golang_migrate(project: &str, reason: Option<&str>) -> Result<Vec<RecordChange>> {
    let Some((version, dirty)) = read(project)? else {
        message::notice("nothing to do: golang-migrate has applied nothing");
        return Ok(Vec::new());
    };
    let parsed = Version::parse(&version).map_err(|why| invalid_version(&version, why))?;
    if dirty {
        let mark = arguments(&version, project);
        return Err(not_adoptable(
            format!("golang-migrate has left migration {version} half done (dirty)"),
            format!(
                "Check what it has done. If it is complete: SELECT * FROM migrations.force({mark}); if not, undo it and force the version below it."
            ),
        ));
    }
    match force::adopt(project, &parsed, reason.unwrap_or("adopted from golang-migrate")) {
        Err(error) if error.kind() == Some(&Kind::Unknown) => Err(not_adoptable(
            format!(
                "golang-migrate is at version {version}, which is not registered in project \"{project}\""
            ),
            "Register its files first, with migrations.load() or pg_migrations.sh.",
        )),
        outcome => outcome,
    }
}

/// The version and the dirty mark. None: golang-migrate has applied nothing.
fn read(project: &str) -> Result<Option<(String, bool)>> {
    let _running = CallGuard::enter("migrations.adopt()")?;
    let store = Store::find()?;
    let batch = store.open()?;
    let settings = match batch.project(project, View::Caller)? {
        Some(project) => project.settings,
        None => Vec::new(),
    };
    batch.close()?;
    let nest = GucScope::with(&settings)?;
    let name = Name { schema: None, relation: "schema_migrations".to_owned() };
    let record = Record::open(&name)?;
    nest.undo()?;
    let not_its_own = || {
        not_adoptable(
            "schema_migrations is not golang-migrate's table",
            "The table of golang-migrate has the columns version bigint and dirty boolean. Record what is applied with migrations.force(version) or migrations.baseline(version).",
        )
    };
    let record = record.ok_or_else(|| {
        not_adoptable(
            "there is no table schema_migrations",
            "Name the schema that holds it: SET search_path = ...;",
        )
    })?;
    let columns = record.columns(&[("version", "bigint"), ("dirty", "boolean")])?;
    let rows = record.rows(&columns.ok_or_else(not_its_own)?, 2)?;
    match rows.as_slice() {
        [] => Ok(None),
        // golang-migrate writes -1 for no version.
        [row] if row[0] == Value::BigInt(-1) => Ok(None),
        [row] => match (&row[0], &row[1]) {
            (Value::BigInt(version), Value::Bool(dirty)) => Ok(Some((version.to_string(), *dirty))),
            _ => Err(not_its_own()),
        },
        _ => Err(not_adoptable(
            "schema_migrations holds several rows, golang-migrate keeps one",
            "Record what is applied with migrations.force(version).",
        )),
    }
}

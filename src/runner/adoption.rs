//! Taking over a database from another tool, by that tool's own record.

use super::repair::{self, Changed};
use crate::domain::version::Version;
use crate::error::{Error, Result, arguments};
use crate::pg::guc::Nest;
use crate::pg::spi::{Spi, Statement, View};
use crate::pg::{lock, message};
use crate::runner::entrance::Running;
use crate::store::Store;

/// The tools whose record can be read.
pub const TOOLS: [&str; 1] = ["golang-migrate"];

/// Reads golang-migrate's `schema_migrations(version, dirty)`, which the caller's
/// search_path or the project's finds, and does what `force` with its version does. It has
/// to be a table: a view would run its owner's functions with the caller's rights.
///
/// Errors: there is no such table, it is another tool's, its migration is dirty, or its
/// version isn't registered (55000); those of [`repair::force`].
pub fn golang_migrate(project: &str, reason: Option<&str>) -> Result<Vec<Changed>> {
    let Some((version, dirty)) = read(project)? else {
        message::notice("nothing to do: golang-migrate has applied nothing");
        return Ok(Vec::new());
    };
    let parsed = Version::parse(&version)
        .map_err(|why| Error::InvalidVersion { version: version.clone(), why })?;
    if dirty {
        let mark = arguments(&version, project);
        return Err(Error::NotAdoptable {
            message: format!("golang-migrate has left migration {version} half done (dirty)"),
            hint: format!(
                "Look at what it has done. If it is complete: SELECT * FROM migrations.force({mark}); if not, undo it and force the version below it."
            ),
        });
    }
    match repair::force(project, &parsed, Some(reason.unwrap_or("adopted from golang-migrate"))) {
        Err(Error::UnknownTarget { .. } | Error::UnknownProject { .. }) => {
            Err(Error::NotAdoptable {
                message: format!(
                    "golang-migrate is at version {version}, which is not registered in project \"{project}\""
                ),
                hint: "Register its files first, with migrations.load() or pg_migrations.sh."
                    .to_owned(),
            })
        }
        outcome => outcome,
    }
}

/// Version and dirty mark; None: the table is empty.
fn read(project: &str) -> Result<Option<(String, bool)>> {
    // No operators and no types but the system's: a caller's search_path may lead anywhere.
    const FIND: Statement = Statement {
        sql: "SELECT pg_catalog.to_regclass('schema_migrations')::pg_catalog.oid::pg_catalog.int8",
        types: &[],
    };
    const READ: Statement = Statement {
        sql: "SELECT version::pg_catalog.text, dirty FROM schema_migrations",
        types: &[],
    };
    let _running = Running::enter("migrations.adopt()")?;
    let store = Store::find()?;
    let batch = store.open()?;
    let settings = match batch.project(project, View::Caller)? {
        Some(project) => project.settings,
        None => Vec::new(),
    };
    batch.close()?;
    let nest = Nest::with(&settings)?;
    let spi = Spi::connect()?;
    let table = spi.run(&FIND, [], View::Newest)?.first().and_then(|row| row.get::<i64>(0));
    let Some(table) = table else {
        return Err(Error::NotAdoptable {
            message: "there is no table schema_migrations".to_owned(),
            hint: "Name the schema that holds it: SET search_path = ...;".to_owned(),
        });
    };
    lock::keep_relation(table as u32);
    spi.finish()?;
    let batch = store.open()?;
    let is_its_own = batch.is_golang_migrates(table)?;
    batch.close()?;
    if !is_its_own {
        return Err(Error::NotAdoptable {
            message: "schema_migrations is not golang-migrate's table".to_owned(),
            hint: "That would be a table with the columns version bigint and dirty boolean. Note what is applied with migrations.force(version) or migrations.baseline(version).".to_owned(),
        });
    }
    let spi = Spi::connect()?;
    let rows: Vec<(String, bool)> = {
        let found = spi.run(&READ, [], View::Newest)?;
        found.rows().map(|row| (row.text(0), row.bool(1))).collect()
    };
    spi.finish()?;
    nest.undo()?;
    match rows.as_slice() {
        [] => Ok(None),
        // What golang-migrate calls no version.
        [(version, _)] if version.is_empty() || version == "-1" => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(Error::NotAdoptable {
            message: format!(
                "schema_migrations holds {} rows, golang-migrate keeps one",
                rows.len()
            ),
            hint: "Note what is applied with migrations.force(version).".to_owned(),
        }),
    }
}

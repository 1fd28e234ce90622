//! Whether this extension and its tables are still what they were.

use crate::error::{Error, Result};
use crate::pg::extension::{self, Unusable};
use crate::pg::parse::Reserved;
use crate::pg::relation::{self, RelationState, SideEffect};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;

/// The schema of our objects.
const SCHEMA: &CStr = c"migrations";

/// The names that migrations must not use.
pub const RESERVED: Reserved = Reserved { extension: extension::NAME, schema: SCHEMA };

/// The view that users read. Its owner does our bookkeeping.
const HISTORY: &CStr = c"history";

/// The table that update scripts of the extension lock first.
const PROJECT: &CStr = c"project";

const TABLES: [&CStr; 6] = [PROJECT, c"migration", c"applied", c"event", c"unfinished", c"journal"];

/// The function of the triggers that are ours.
const GUARD: &CStr = c"guard";

/// The extension and its relations, as they were found at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnObjects {
    extension: Oid,
    relations: Vec<(&'static CStr, RelationState)>,
}

impl OwnObjects {
    /// Finds them by name. Errors: as of [`extension::check_version`]; a table is missing, or has a
    /// trigger, a rule, row security or a child that isn't ours, whose code our own changes
    /// would run (55000).
    pub fn find() -> Result<OwnObjects> {
        Ok(OwnObjects::look_up()?)
    }

    fn look_up() -> std::result::Result<OwnObjects, Defect> {
        // Waits for an update of the extension that is running, and makes later ones wait for
        // the end of the transaction.
        if let Some(schema) = relation::schema(SCHEMA) {
            relation::lock_for_reading(schema, PROJECT);
        }
        extension::compare_version()?;
        let (Some(extension), Some(schema)) = (extension::oid(), relation::schema(SCHEMA)) else {
            return Err(Unusable::NotInstalled.into());
        };
        let names = TABLES.into_iter().chain([HISTORY]);
        let relations: Option<Vec<_>> =
            names.map(|name| Some((name, RelationState::find(schema, name)?))).collect();
        let relations = relations.ok_or(Unusable::NotInstalled)?;
        for (name, table) in relations.iter().filter(|(name, _)| *name != HISTORY) {
            if let Some(effect) = table.side_effect((schema, GUARD))? {
                return Err(foreign(&name.to_string_lossy(), effect));
            }
        }
        Ok(OwnObjects { extension, relations })
    }

    /// Keeps others from rewriting the tables until the transaction ends.
    pub fn hold(&self) {
        for (_, relation) in &self.relations {
            relation.lock_for_reading();
        }
    }

    /// The owner of the history, as whom bookkeeping is done.
    pub fn owner(&self) -> Oid {
        let history = self.relations.iter().find(|(name, _)| *name == HISTORY);
        history.map_or(pg_sys::InvalidOid, |(_, history)| history.owner())
    }

    /// How they differ from what they were. None: they don't.
    pub fn difference(&self) -> Option<String> {
        let now = match OwnObjects::look_up() {
            Ok(now) if now == *self => return None,
            Ok(now) if now.extension == self.extension => now,
            Err(Defect::Unusable(Unusable::OtherVersion(installed))) => {
                return Some(format!(
                    "Extension pg_migrations was updated to version {installed}."
                ));
            }
            Err(Defect::Foreign { table, what, .. }) => {
                return Some(format!(
                    "{what} of table migrations.{table} is not part of pg_migrations."
                ));
            }
            // Renamed or moved tables are not found, though the extension is there.
            _ if extension::oid() == Some(self.extension) => {
                return Some("A table of pg_migrations was renamed or moved.".to_owned());
            }
            _ => return Some("Extension pg_migrations was dropped.".to_owned()),
        };
        let changed = self.relations.iter().zip(&now.relations).find(|(a, b)| a != b);
        let name = changed.map_or(HISTORY, |((name, _), _)| name).to_string_lossy();
        Some(format!("Table migrations.{name} was emptied, rewritten, replaced or given away."))
    }

    /// Accepts that the tables have other files than before.
    pub fn follow_files(&mut self) {
        let Ok(now) = OwnObjects::find() else { return };
        for ((_, before), (_, now)) in self.relations.iter_mut().zip(&now.relations) {
            before.accept_file_of(now);
        }
    }
}

/// What a table has that is not ours.
fn foreign(table: &str, effect: SideEffect) -> Defect {
    let (what, hint) = match effect {
        SideEffect::Trigger(trigger) => {
            let quoted = crate::pg::quote_identifier(&trigger);
            (
                format!("Trigger \"{trigger}\""),
                format!("DROP TRIGGER {quoted} ON migrations.{table};"),
            )
        }
        SideEffect::Rule => {
            ("A rule".to_owned(), format!("Drop it: \\d migrations.{table} shows its name."))
        }
        SideEffect::RowSecurity => (
            "Row-level security".to_owned(),
            format!(
                "ALTER TABLE migrations.{table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;"
            ),
        ),
        SideEffect::Child => (
            "A table that inherits from it".to_owned(),
            format!("Use ALTER TABLE ... NO INHERIT migrations.{table}."),
        ),
    };
    Defect::Foreign { table: table.to_owned(), what, hint }
}

/// Why our tables cannot be used.
enum Defect {
    Unusable(Unusable),
    // What a table has that is not ours, as the subject of a sentence, and how to remove it.
    Foreign { table: String, what: String, hint: String },
    Other(Error),
}

impl From<Error> for Defect {
    fn from(error: Error) -> Defect {
        Defect::Other(error)
    }
}

impl From<Unusable> for Defect {
    fn from(reason: Unusable) -> Defect {
        Defect::Unusable(reason)
    }
}

impl From<Defect> for Error {
    fn from(defect: Defect) -> Error {
        match defect {
            Defect::Unusable(reason) => reason.into(),
            Defect::Foreign { table, what, hint } => Error::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("table migrations.{table} has been altered"),
            )
            .detail(format!("{what} is not part of pg_migrations."))
            .hint(hint),
            Defect::Other(error) => error,
        }
    }
}

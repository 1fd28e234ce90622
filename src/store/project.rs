//! Projects.

use super::Batch;
use crate::domain::script::prepare::{Syntax, Variables};
use crate::error::{Error, Result};
use crate::pg::call::Value;
use crate::pg::lock;
use crate::pg::spi::{Row, Statement, Type, View};

/// The project of calls that name none and set none.
pub const DEFAULT: &str = "default";

/// A project's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Surrogate key, and key of the run lock.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Grows with each change of the registry.
    pub registry_generation: i64,
    /// The registry generation that is applied as a whole.
    pub applied_generation: i64,
    /// A pending migration below an applied one is allowed.
    pub allows_out_of_order: bool,
    /// The settings around each of its bodies, by name; `search_path` first, if it has one.
    pub settings: Vec<(String, String)>,
    /// What its texts refer to.
    pub variables: Variables,
}

/// What of a project's configuration is to change; None stays.
#[derive(Debug, Default)]
pub struct Configuration {
    /// `search_path`; Some(None) takes it away.
    pub search_path: Option<Option<String>>,
    /// Whether a pending migration below an applied one is allowed.
    pub allows_out_of_order: Option<bool>,
    /// All other settings.
    pub settings: Option<Vec<(String, String)>>,
    /// How texts refer to variables.
    pub placeholders: Option<Syntax>,
}

impl Project {
    fn read(row: &Row) -> Project {
        let search_path = row.get(5).map(|path| ("search_path".to_owned(), path));
        let names = row.get::<Vec<String>>(6).unwrap_or_default();
        let values = row.get::<Vec<String>>(7).unwrap_or_default();
        let variables = row.get::<Vec<String>>(9).unwrap_or_default();
        let theirs = row.get::<Vec<String>>(10).unwrap_or_default();
        Project {
            id: row.bigint(0),
            name: row.text(1),
            registry_generation: row.bigint(2),
            applied_generation: row.bigint(3),
            allows_out_of_order: row.bool(4),
            settings: search_path.into_iter().chain(names.into_iter().zip(values)).collect(),
            variables: Variables {
                project: row.text(1),
                syntax: Syntax::parse(&row.text(8)).unwrap_or_default(),
                values: variables.into_iter().zip(theirs).collect(),
                secrets: row.get::<Vec<String>>(11).unwrap_or_default().into_iter().collect(),
            },
        }
    }

    /// Whether all that is registered is known to be applied.
    pub fn is_complete(&self) -> bool {
        self.registry_generation == self.applied_generation
    }
}

const FIND: Statement = Statement {
    sql: "SELECT p.id, p.name, p.registry_generation, p.applied_generation,
                 p.out_of_order = 'allow', p.search_path, s.names, s.settings,
                 p.placeholders, v.names, v.variables, p.secrets
          FROM migrations.project p
          LEFT JOIN LATERAL (
              SELECT array_agg(key ORDER BY key) AS names, array_agg(value ORDER BY key) AS settings
              FROM jsonb_each_text(p.settings)
          ) s ON p.settings <> '{}'
          LEFT JOIN LATERAL (
              SELECT array_agg(key) AS names, array_agg(value) AS variables
              FROM jsonb_each_text(p.variables)
          ) v ON p.variables <> '{}'
          WHERE p.name = $1",
    types: &[Type::Text],
};

impl Batch<'_> {
    /// The project of this name. An unknown one is an error (42704), but for `default`,
    /// which exists without a row, too.
    pub fn project(&self, name: &str, view: View) -> Result<Option<Project>> {
        let found = self.spi.run(&FIND, [name.into()], view)?;
        match found.first() {
            Some(row) => Ok(Some(Project::read(&row))),
            None if name == DEFAULT => Ok(None),
            None => {
                Err(Error::UnknownProject { project: name.to_owned(), known: self.projects()? })
            }
        }
    }

    /// The names of all projects.
    pub fn projects(&self) -> Result<Vec<String>> {
        const NAMES: Statement =
            Statement { sql: "SELECT name FROM migrations.project ORDER BY name", types: &[] };
        let found = self.spi.run(&NAMES, [], View::Newest)?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }

    /// The project of this name, made if there is none.
    pub fn project_or_new(&self, name: &str) -> Result<Project> {
        const MAKE: Statement = Statement {
            sql: "INSERT INTO migrations.project (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
            types: &[Type::Text],
        };
        if let Some(row) = self.spi.run(&FIND, [name.into()], View::Newest)?.first() {
            return Ok(Project::read(&row));
        }
        // Another session may be making it; its row would have to be waited for.
        let key = lock::name_key(name);
        if !lock::try_lock(key, lock::Mode::Exclusive)? {
            let (project, holder) = (name.to_owned(), self.lock_holder(key)?);
            return Err(Error::Busy { project, holder });
        }
        self.spi.run(&MAKE, [name.into()], View::Transaction)?;
        let found = self.spi.run(&FIND, [name.into()], View::Newest)?;
        found.first().map(|row| Project::read(&row)).ok_or(Error::SnapshotTooOld(name.to_owned()))
    }

    /// Changes the configuration of a project.
    pub fn configure(&self, project: &Project, change: &Configuration) -> Result<()> {
        const CONFIGURE: Statement = Statement {
            sql: "UPDATE migrations.project
                  SET search_path = CASE WHEN $2 THEN $3 ELSE search_path END,
                      out_of_order = coalesce($4, out_of_order),
                      settings = coalesce(jsonb_object($5, $6), settings),
                      placeholders = coalesce($7, placeholders)
                  WHERE id = $1",
            types: &[
                Type::BigInt,
                Type::Bool,
                Type::Text,
                Type::Text,
                Type::TextArray,
                Type::TextArray,
                Type::Text,
            ],
        };
        let word = |allows| if allows { "allow" } else { "error" };
        let (names, values) = match &change.settings {
            Some(settings) => {
                let (names, values) = settings.iter().cloned().unzip();
                (Value::TextArray(names), Value::TextArray(values))
            }
            None => (Value::Null, Value::Null),
        };
        let done = self.spi.run(
            &CONFIGURE,
            [
                Value::BigInt(project.id),
                Value::Bool(change.search_path.is_some()),
                Value::from(change.search_path.as_ref().and_then(Option::as_deref)),
                Value::from(change.allows_out_of_order.map(word)),
                names,
                values,
                Value::from(change.placeholders.map(Syntax::name)),
            ],
            View::Transaction,
        )?;
        match done.count() {
            1 => Ok(()),
            _ => Err(Error::SnapshotTooOld(project.name.clone())),
        }
    }

    /// Sets a variable of a project, None takes it away; and notes whether its value is a
    /// secret.
    pub fn set_variable(
        &self,
        project: &Project,
        name: &str,
        value: Option<&str>,
        is_secret: bool,
    ) -> Result<()> {
        const SET: Statement = Statement {
            sql: "UPDATE migrations.project
                  SET variables = CASE WHEN $3 IS NULL THEN variables - $2
                                       ELSE variables || jsonb_build_object($2, $3) END,
                      secrets = CASE WHEN $4 THEN array_append(array_remove(secrets, $2), $2)
                                     ELSE array_remove(secrets, $2) END
                  WHERE id = $1",
            types: &[Type::BigInt, Type::Text, Type::Text, Type::Bool],
        };
        let values = [Value::BigInt(project.id), name.into(), value.into(), Value::Bool(is_secret)];
        match self.spi.run(&SET, values, View::Transaction)?.count() {
            1 => Ok(()),
            _ => Err(Error::SnapshotTooOld(project.name.clone())),
        }
    }

    /// Notes that the values of these variables are secrets, whenever they are set.
    pub fn add_secrets(&self, project: &Project, names: Vec<String>) -> Result<()> {
        const ADD: Statement = Statement {
            sql: "UPDATE migrations.project
                  SET secrets = ARRAY(SELECT unnest(secrets) UNION SELECT unnest($2) ORDER BY 1)
                  WHERE id = $1",
            types: &[Type::BigInt, Type::TextArray],
        };
        let values = [Value::BigInt(project.id), Value::TextArray(names)];
        self.spi.run(&ADD, values, View::Transaction)?;
        Ok(())
    }

    /// Notes a change of the registry. A project in which something was pending already
    /// needs no note; so a thousand additions in one transaction don't make a thousand
    /// versions of one row, each of which the next would have to step over.
    pub fn registry_changed(&self, project: &Project) -> Result<()> {
        const COUNT: Statement = Statement {
            sql: "UPDATE migrations.project SET registry_generation = registry_generation + 1
                  WHERE id = $1",
            types: &[Type::BigInt],
        };
        if project.is_complete() {
            self.spi.run(&COUNT, [Value::BigInt(project.id)], View::Transaction)?;
        }
        Ok(())
    }

    /// Notes that all that is registered is applied, or that something isn't.
    pub fn set_complete(&self, project: &Project, complete: bool) -> Result<()> {
        const SET: Statement = Statement {
            sql: "UPDATE migrations.project
                  SET applied_generation = CASE WHEN $2 THEN registry_generation ELSE -1 END
                  WHERE id = $1",
            types: &[Type::BigInt, Type::Bool],
        };
        if project.is_complete() != complete {
            let values = [Value::BigInt(project.id), Value::Bool(complete)];
            self.spi.run(&SET, values, View::Transaction)?;
        }
        Ok(())
    }
}

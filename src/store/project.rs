//! Projects and their configuration (table `project`).

use super::Batch;
use super::errors;
use crate::domain::script::prepare::{Syntax, Variables};
use crate::error::Result;
use crate::pg::call::Value;
use crate::pg::identity::Users;
use crate::pg::spi::{Row, Statement, Type, View};
use crate::store::lock;

/// The project of calls that name no project, unless `migrations.project` is set.
pub const DEFAULT: &str = "default";

/// A project's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The row's id, which is also the key of the project's lock.
    pub id: i64,
    /// The name.
    pub name: String,
    /// Nothing has changed since a comparison has shown that all registered migrations are
    /// applied.
    pub is_complete: bool,
    /// Whether a run may apply a migration below an applied one.
    pub allows_out_of_order: bool,
    /// The settings with which the project's scripts run. `search_path` comes first.
    pub settings: Vec<(String, String)>,
    /// The variables that scripts refer to.
    pub variables: Variables,
}

impl Project {
    /// The role as which the project's scripts run, if it is set.
    pub fn role(&self) -> Option<String> {
        let (_, role) =
            self.settings.iter().rfind(|(name, _)| name.eq_ignore_ascii_case("role"))?;
        match role.as_str() {
            // SET ROLE none: the session user.
            "none" => Some(Users::current().session_name()),
            role => Some(role.to_owned()),
        }
    }
}

/// A change of a project's configuration. None: the value stays.
#[derive(Debug, Default)]
pub struct Configuration {
    /// `search_path`. Some(None) removes it.
    pub search_path: Option<Option<String>>,
    /// Whether a run may apply a migration below an applied one.
    pub allows_out_of_order: Option<bool>,
    /// All other settings.
    pub settings: Option<Vec<(String, String)>>,
    /// The syntax of placeholders.
    pub placeholders: Option<Syntax>,
}

impl Project {
    fn read(row: &Row) -> Project {
        let search_path = row.get(4).map(|path| ("search_path".to_owned(), path));
        let (names, values) = (row.texts(5), row.texts(6));
        let (variables, theirs) = (row.texts(8), row.texts(9));
        let syntax = Syntax::parse(&row.text(7));
        if syntax.is_none() {
            row.damaged(7);
        }
        // Only JSON objects are read. NULL is not an object either.
        for column in [10, 11] {
            if !row.bool(column) {
                row.damaged(column);
            }
        }
        Project {
            id: row.bigint(0),
            name: row.text(1),
            is_complete: row.bool(2),
            allows_out_of_order: row.bool(3),
            settings: search_path.into_iter().chain(names.into_iter().zip(values)).collect(),
            variables: Variables {
                project: row.text(1),
                syntax: syntax.unwrap_or_default(),
                values: variables.into_iter().zip(theirs).collect(),
                secrets: row.texts(12).into_iter().collect(),
            },
        }
    }
}

const FIND: Statement = Statement {
    // Each change of the registry or the applied state adds an event in the same transaction.
    // So the mark is never out of date.
    sql: "SELECT p.id, p.name,
                 coalesce((SELECT (seq, started_at) = (p.complete_seq, p.complete_time)
                           FROM migrations.event WHERE project_id = p.id
                           ORDER BY seq DESC LIMIT 1), false),
                 p.out_of_order = 'allow' AS out_of_order, p.search_path, s.names, s.settings,
                 p.placeholders, v.names, v.variables,
                 jsonb_typeof(p.settings) = 'object' AS settings,
                 jsonb_typeof(p.variables) = 'object' AS variables,
                 p.secrets
          FROM migrations.project p
          LEFT JOIN LATERAL (
              SELECT array_agg(key ORDER BY key) AS names, array_agg(value ORDER BY key) AS settings
              FROM jsonb_each_text(CASE jsonb_typeof(p.settings) WHEN 'object' THEN p.settings END)
          ) s ON p.settings <> '{}'
          LEFT JOIN LATERAL (
              SELECT array_agg(key) AS names, array_agg(value) AS variables
              FROM jsonb_each_text(CASE jsonb_typeof(p.variables) WHEN 'object' THEN p.variables END)
          ) v ON p.variables <> '{}'
          WHERE p.name = $1",
    types: &[Type::Text],
};

/// Errors of all methods: those of the server; a row is damaged (XX001).
impl Batch<'_> {
    /// The project with this name. None: there is none.
    pub fn existing_project(&self, name: &str, view: View) -> Result<Option<Project>> {
        let found = self.spi.run(&FIND, [name.into()], view)?;
        Ok(found.first().map(|row| Project::read(&row)))
    }

    /// The project with this name. None: `default`, which exists without a row. Errors: the
    /// project is unknown (42704).
    pub fn project(&self, name: &str, view: View) -> Result<Option<Project>> {
        match self.existing_project(name, view)? {
            Some(project) => Ok(Some(project)),
            None if name == DEFAULT => Ok(None),
            None => Err(errors::unknown_project(name, &self.projects()?)),
        }
    }

    /// The names of all projects.
    pub fn projects(&self) -> Result<Vec<String>> {
        const NAMES: Statement =
            Statement { sql: "SELECT name FROM migrations.project ORDER BY name", types: &[] };
        let found = self.spi.run(&NAMES, [], View::Newest)?;
        Ok(found.rows().map(|row| row.text(0)).collect())
    }

    /// The project with this name, which is created if there is none. Errors: another session
    /// is creating it (55P03); this transaction's snapshot is older than its row (40001).
    pub fn project_or_new(&self, name: &str) -> Result<Project> {
        const MAKE: Statement = Statement {
            sql: "INSERT INTO migrations.project (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
            types: &[Type::Text],
        };
        if let Some(project) = self.existing_project(name, View::Newest)? {
            return Ok(project);
        }
        // Another session may be creating it. The insertion would wait for its transaction.
        let key = lock::name_key(name);
        if !lock::try_lock(key, lock::LockMode::Exclusive)? {
            return Err(errors::busy(name, self.lock_holder(key)?, None));
        }
        self.raise_sequences()?;
        self.spi.run(&MAKE, [name.into()], View::Transaction)?;
        let made = self.existing_project(name, View::Newest)?;
        made.ok_or_else(|| errors::snapshot_too_old(name))
    }

    /// Changes the configuration of a project. Errors: this transaction's snapshot is too old
    /// (40001).
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
            _ => Err(errors::snapshot_too_old(&project.name)),
        }
    }

    /// Sets a variable of a project, or removes it (None), and notes whether its value is a
    /// secret. Errors: this transaction's snapshot is too old (40001).
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
            _ => Err(errors::snapshot_too_old(&project.name)),
        }
    }

    /// Notes that the values of these variables are secrets, also if they are set later.
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

    /// Notes that all registered migrations are applied, as of the last event. Call it after a
    /// comparison has shown that.
    pub(super) fn set_complete(&self, project: i64) -> Result<()> {
        const SET: Statement = Statement {
            sql: "UPDATE migrations.project p
                  SET (complete_seq, complete_time) = (last.seq, last.started_at)
                  FROM (SELECT seq, started_at FROM migrations.event WHERE project_id = $1
                        ORDER BY seq DESC LIMIT 1) last
                  WHERE p.id = $1 AND (p.complete_seq, p.complete_time)
                                      IS DISTINCT FROM (last.seq, last.started_at)",
            types: &[Type::BigInt],
        };
        self.spi.run(&SET, [Value::BigInt(project)], View::Transaction)?;
        Ok(())
    }
}

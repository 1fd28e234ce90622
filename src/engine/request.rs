//! The call that a user has made to run migrations, with its arguments.
//!
//! A HINT names the call that does the same in another way, with the same arguments. So a user who
//! follows it does not run more than intended. All these calls are made here.

use crate::domain::text::literal;
use crate::domain::version::Version;
use crate::error::{Error, Result};
use pgrx::PgSqlErrorCode as Code;

/// A call that runs migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `apply` and `apply_each`.
    Apply {
        /// Up to and including this version.
        target: Option<String>,
        /// Only this version, and what it requires.
        only: Option<String>,
        /// The project.
        project: String,
    },
    /// `apply_all`.
    ApplyAll,
    /// `rollback` and `rollback_each`.
    Rollback {
        /// How many.
        n: i32,
        /// The project.
        project: String,
    },
    /// `rollback_to` and `rollback_to_each`.
    RollbackTo {
        /// The version that remains.
        version: String,
        /// The project.
        project: String,
    },
    /// `redo` and `redo_each`.
    Redo {
        /// How many.
        n: i32,
        /// The project.
        project: String,
    },
    /// `reset` and `reset_each`.
    Reset {
        /// The project.
        project: String,
    },
}

impl Request {
    /// The call's name, as in `migrations.apply()`.
    pub fn name(&self, stepwise: bool) -> &'static str {
        match (self, stepwise) {
            (Request::Apply { .. }, false) => "migrations.apply()",
            (Request::Apply { .. }, true) => "migrations.apply_each()",
            (Request::ApplyAll, _) => "migrations.apply_all()",
            (Request::Rollback { .. }, false) => "migrations.rollback()",
            (Request::Rollback { .. }, true) => "migrations.rollback_each()",
            (Request::RollbackTo { .. }, false) => "migrations.rollback_to()",
            (Request::RollbackTo { .. }, true) => "migrations.rollback_to_each()",
            (Request::Redo { .. }, false) => "migrations.redo()",
            (Request::Redo { .. }, true) => "migrations.redo_each()",
            (Request::Reset { .. }, false) => "migrations.reset()",
            (Request::Reset { .. }, true) => "migrations.reset_each()",
        }
    }

    /// The statement that makes the call in one transaction.
    pub fn atomic(&self) -> String {
        let name = self.name(false);
        format!("SELECT * FROM {}({});", name.trim_end_matches("()"), self.arguments())
    }

    /// The statement that makes the call with a transaction for each migration. `project` is the
    /// project of the migration concerned, since each project needs a call of its own.
    pub fn stepwise(&self, project: &str) -> String {
        if *self == Request::ApplyAll {
            return format!("CALL migrations.apply_each(project => {});", literal(project));
        }
        let name = self.name(true);
        format!("CALL {}({});", name.trim_end_matches("()"), self.arguments())
    }

    /// The arguments, as SQL.
    fn arguments(&self) -> String {
        match self {
            Request::ApplyAll => String::new(),
            Request::Apply { target: None, only: Some(only), project } => {
                format!("only_version => {}, project => {}", literal(only), literal(project))
            }
            Request::Apply { target: None, project, .. } => {
                format!("project => {}", literal(project))
            }
            Request::Apply { target: Some(target), project, .. } => {
                format!("{}, {}", literal(target), literal(project))
            }
            Request::Rollback { n, project } | Request::Redo { n, project } => {
                format!("{n}, {}", literal(project))
            }
            Request::RollbackTo { version, project } => {
                format!("{}, {}", literal(version), literal(project))
            }
            Request::Reset { project } => format!("{0}, confirm => {0}", literal(project)),
        }
    }
}

/// Which pending migrations to apply.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// All.
    All,
    /// All up to and including this version, in the order of the plan.
    Target(&'a Version),
    /// Only this version, and what it requires.
    Only(&'a Version),
}

impl<'a> Scope<'a> {
    /// The version, if it names one.
    pub fn version(self) -> Option<&'a Version> {
        match self {
            Scope::All => None,
            Scope::Target(version) | Scope::Only(version) => Some(version),
        }
    }

    /// The call that applies them.
    pub fn request(self, project: &str) -> Request {
        let text = |version: &Version| Some(version.text().to_owned());
        let (target, only) = match self {
            Scope::All => (None, None),
            Scope::Target(version) => (text(version), None),
            Scope::Only(version) => (None, text(version)),
        };
        Request::Apply { target, only, project: project.to_owned() }
    }
}

/// Which applied migrations to roll back.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// The last n.
    Last(i32),
    /// All that were applied after this one.
    After(&'a Version),
    /// All.
    All,
}

impl Extent<'_> {
    /// The call that rolls them back.
    pub fn request(self, project: &str) -> Request {
        let project = project.to_owned();
        match self {
            Extent::Last(n) => Request::Rollback { n, project },
            Extent::After(version) => {
                Request::RollbackTo { version: version.text().to_owned(), project }
            }
            Extent::All => Request::Reset { project },
        }
    }

    /// Error: it is less than one migration (22023).
    pub fn check(self) -> Result<()> {
        match self {
            Extent::Last(n) if n < 1 => Err(too_few(n)),
            _ => Ok(()),
        }
    }
}

/// Rollback of less than one migration (22023).
fn too_few(n: i32) -> Error {
    Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, format!("cannot roll back {n} migrations"))
        .hint("Give the number of migrations to roll back, 1 or more.")
}

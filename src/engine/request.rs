//! What was asked for: a call that runs migrations, with the arguments that limit it.
//!
//! HINTs name the very call that does the same in another way, so that nobody who follows one
//! runs more than was meant. They are all made here.

use crate::domain::text::literal;

/// A call that runs migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `apply` and `apply_each`.
    Apply {
        /// Up to and including this version.
        target: Option<String>,
        /// Only this version, with what it requires.
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
        /// The version that stays.
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

    /// The statement that does it in one transaction.
    pub fn atomic(&self) -> String {
        let name = self.name(false);
        format!("SELECT * FROM {}({});", name.trim_end_matches("()"), self.arguments())
    }

    /// The statement that does it with a transaction for each migration. `project` is that of
    /// the migration concerned: of several projects, each has a call of its own.
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

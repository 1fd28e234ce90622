//! Every error that a call can end in.
//!
//! Each of our own has a SQLSTATE, a primary message in the server's style, and where it
//! helps a DETAIL and a HINT that is an action. They become server errors at the boundary
//! of a call and nowhere else ([`crate::pg::entry`]).

use crate::domain::version::InvalidVersion;
use crate::pg::catch::{ServerError, sqlstate_text};
use pgrx::PgSqlErrorCode as Code;

/// What a call gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Where in which migration something is: the CONTEXT of an error.
#[derive(Debug, Clone)]
pub struct Place {
    /// As in `migration 008 (agent config) of project default, statement 3 of 9, line 27`.
    pub context: String,
    /// The text to show with the caret: an excerpt of the body.
    pub excerpt: String,
    /// The caret's position in the excerpt, in characters from 1.
    pub position: i32,
}

/// An error of a call.
#[derive(Debug)]
pub enum Error {
    /// Raised by the server; reaches the user unchanged.
    Server(ServerError),
    /// An argument that needs a value is NULL (22004).
    NullArgument(&'static str),
    /// Not a version (22023).
    InvalidVersion {
        /// The text given.
        version: String,
        /// What is wrong with it.
        why: InvalidVersion,
    },
    /// A name or text argument is empty or not usable (22023).
    InvalidArgument {
        /// The whole message.
        message: String,
        /// What to do.
        hint: String,
    },
    /// No project of this name (42704).
    UnknownProject {
        /// The name given.
        project: String,
        /// All that exist.
        known: Vec<String>,
    },
    /// The target isn't registered in the project (42704).
    UnknownTarget {
        /// The version given.
        version: String,
        /// The project it was looked for in.
        project: String,
    },
    /// A version with the same numbers is registered (23505).
    VersionClash {
        /// The version given.
        version: String,
        /// The version that is registered.
        registered: String,
        /// Their project.
        project: String,
    },
    /// The version is registered with something else (23505).
    AlreadyRegistered {
        /// The version.
        version: String,
        /// Its project.
        project: String,
        /// The columns that differ.
        differs: Vec<&'static str>,
    },
    /// A file's name follows no convention (22023).
    UnknownFileName(String),
    /// Migrations of which a down was registered, but no up (55000).
    NoUp {
        /// Their versions.
        versions: Vec<String>,
        /// Their project.
        project: String,
    },
    /// Migrations to roll back that were applied without a down (55000).
    NoDown {
        /// Their versions, in the order of the rollback.
        versions: Vec<String>,
        /// Their project.
        project: String,
    },
    /// Applied migrations whose registered text has changed since (55000).
    Modified {
        /// Each version with the checksums of the text that ran and the one registered.
        migrations: Vec<(String, String, String)>,
        /// Their project.
        project: String,
    },
    /// Rollback of less than one migration (22023).
    TooFew(i32),
    /// Rollback of more migrations than are applied (22023).
    TooMany {
        /// How many were asked for.
        asked: i32,
        /// How many could be rolled back.
        applied: usize,
        /// The project.
        project: String,
    },
    /// Another session runs or registers migrations of the project (55P03).
    Busy {
        /// The project.
        project: String,
        /// Who, what and since when, as far as it is known.
        holder: String,
    },
    /// The transaction's snapshot is older than another run (40001).
    SnapshotTooOld(String),
    /// A body calls one of the functions that run migrations (55000).
    RunInsideRun,
    /// A run in a read-only transaction or on a standby (25006).
    ReadOnly {
        /// The call.
        call: &'static str,
        /// Whether the server is a standby.
        standby: bool,
    },
    /// The library and the installed extension differ (55000).
    SchemaVersion {
        /// Version of the library.
        library: &'static str,
        /// Version of the extension in this database.
        installed: String,
    },
    /// The extension isn't installed, or isn't any more (55000).
    NotInstalled,
    /// A statement that can't run in an atomic run (25001), found before anything runs.
    NonTransactional {
        /// The command, as in `CREATE INDEX CONCURRENTLY`.
        command: String,
        /// Where.
        place: Place,
    },
    /// The migration is marked as one that can't run inside a transaction (25001).
    MarkedNonTransactional {
        /// Its version.
        version: String,
        /// Its project.
        project: String,
    },
    /// Transaction control in a body (2D000), found before anything runs.
    TransactionControl {
        /// The command, as in `COMMIT`.
        command: String,
        /// Where.
        place: Place,
    },
    /// Another statement that a body may not hold (0A000), found before anything runs.
    RefusedStatement {
        /// The command, as in `DISCARD ALL`.
        command: String,
        /// Why.
        detail: &'static str,
        /// What to do instead.
        hint: &'static str,
        /// Where.
        place: Place,
    },
    /// The stored text doesn't give the stored checksum any more (55000).
    Corrupt {
        /// The migration, as in a CONTEXT.
        migration: String,
    },
    /// A body did away with our tables or rows (55000).
    Tampered {
        /// The migration, as in a CONTEXT.
        migration: String,
        /// What was found.
        detail: String,
    },
    /// A body left the session as another user than it found it (55000).
    UserNotRestored {
        /// The migration, as in a CONTEXT.
        migration: String,
    },
    /// Somebody changes a table of ours other than by our functions (55000).
    DirectChange {
        /// The table.
        table: String,
        /// UPDATE, DELETE or TRUNCATE.
        command: &'static str,
    },
    /// A defect of this extension or of what it stands on (XX000).
    Internal {
        /// SQLSTATE, if another than XX000 is known.
        code: Option<i32>,
        /// What is known of it.
        message: String,
        /// More of it.
        detail: Option<String>,
        /// What to do, if known.
        hint: Option<String>,
    },
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Error::Server(error)
    }
}

/// An error of ours as the server shows it.
#[derive(Debug, Default)]
pub struct Report {
    /// SQLSTATE as the server packs it.
    pub code: i32,
    /// Primary message: lower case, no full stop.
    pub message: String,
    /// Full sentences, or nothing.
    pub detail: Option<String>,
    /// Full sentences that say what to do, or nothing.
    pub hint: Option<String>,
    /// Where, if in a migration.
    pub place: Option<Place>,
}

impl Report {
    fn new(code: Code, message: impl Into<String>) -> Report {
        Report { code: code as i32, message: message.into(), ..Report::default() }
    }

    fn detail(mut self, detail: impl Into<String>) -> Report {
        self.detail = Some(detail.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Report {
        self.hint = Some(hint.into());
        self
    }

    fn place(mut self, place: Place) -> Report {
        self.place = Some(place);
        self
    }
}

/// A text as a literal of SQL, for HINTs that are statements to run.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn and(versions: &[String]) -> String {
    versions.join(", ")
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl Error {
    /// What the server is to show. None: the error is the server's own.
    pub fn report(&self) -> Option<Report> {
        use Error::*;
        Some(match self {
            Server(_) => return None,
            NullArgument(name) => Report::new(
                Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("argument \"{name}\" must not be null"),
            ),
            InvalidVersion { version, why } => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid version \"{}\"", version.escape_debug()),
            )
            .detail(why.to_string())
            .hint("Use numbers, dots, letters or a timestamp, such as 001, 1.2 or 20240131120000."),
            InvalidArgument { message, hint } => {
                Report::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message.as_str()).hint(hint.as_str())
            }
            UnknownProject { project, known } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("project \"{project}\" does not exist"),
            )
            .detail(if known.is_empty() {
                "This database has no projects yet.".to_owned()
            } else {
                format!("Projects of this database: {}.", and(known))
            })
            .hint(format!(
                "A project begins with its first migration: SELECT migrations.add('001', 'first', $$…$$, project => {});",
                literal(project)
            )),
            UnknownTarget { version, project } => Report::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("migration {version} does not exist in project \"{project}\""),
            )
            .hint(format!(
                "The registered versions: SELECT version FROM migrations.status({});",
                literal(project)
            )),
            VersionClash { version, registered, project } => Report::new(
                Code::ERRCODE_UNIQUE_VIOLATION,
                format!("version {version} is the same as version {registered} of project \"{project}\""),
            )
            .detail("Leading zeros of numbers make no difference.")
            .hint(format!("Write it as {registered}, or choose another version.")),
            AlreadyRegistered { version, project, differs } => Report::new(
                Code::ERRCODE_UNIQUE_VIOLATION,
                format!("migration {version} of project \"{project}\" is already registered with another content"),
            )
            .detail(format!("What differs: {}.", differs.join(", ")))
            .hint("Register the change as a new migration, or store this content with replace => true."),
            UnknownFileName(path) => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("file name \"{}\" is not that of a migration", path.escape_debug()),
            )
            .detail("Known names: NNN_name.up.sql, NNN_name.down.sql and NNN_name.sql, where NNN are digits.")
            .hint("Rename the file, or register it with SELECT migrations.add(version, name, up, down);"),
            NoUp { versions, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("migration{} {} of project \"{project}\" has no up", plural(versions.len()), and(versions)),
            )
            .detail("Only a down was registered.")
            .hint("Register the file that belongs to it, NNN_name.up.sql or NNN_name.sql, with migrations.add_file()."),
            NoDown { versions, project } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("cannot roll back: migration{} {} of project \"{project}\" has no down", plural(versions.len()), and(versions)),
            )
            .detail("A migration is rolled back with the down that was registered when it was applied.")
            .hint("Undo the change with a new migration."),
            Modified { migrations, project } => {
                let versions: Vec<String> = migrations.iter().map(|m| m.0.clone()).collect();
                let lines: Vec<String> = migrations
                    .iter()
                    .map(|(version, ran, registered)| {
                        format!("Migration {version} ran with checksum {ran}, registered is {registered}.")
                    })
                    .collect();
                Report::new(
                    Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("applied migration{} {} of project \"{project}\" {} modified", plural(versions.len()), and(&versions), if versions.len() == 1 { "was" } else { "were" }),
                )
                .detail(lines.join("\n"))
                .hint("Register the text that ran again with replace => true, and the change as a new migration.")
            }
            TooFew(n) => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("cannot roll back {n} migrations"),
            )
            .hint("Give the number of migrations to roll back, 1 or more."),
            TooMany { asked, applied, project } => Report::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("cannot roll back {asked} migration{}: project \"{project}\" has {applied} applied", plural(*asked as usize)),
            )
            .hint(if *applied == 0 {
                "There is nothing to roll back.".to_owned()
            } else {
                format!("Roll all of them back with SELECT * FROM migrations.rollback({applied}, {});", literal(project))
            }),
            Busy { project, holder } => Report::new(
                Code::ERRCODE_LOCK_NOT_AVAILABLE,
                format!("migrations of project \"{project}\" are in use by another session"),
            )
            .detail(holder.as_str())
            .hint("Repeat the call when that session has ended its transaction."),
            SnapshotTooOld(project) => Report::new(
                Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
                format!("migrations of project \"{project}\" have changed since this transaction began"),
            )
            .hint("End the transaction and repeat it."),
            RunInsideRun => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot run migrations inside a migration",
            )
            .hint("Remove the call from the migration's text."),
            ReadOnly { call, standby } => Report::new(
                Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {call} in a read-only transaction"),
            )
            .hint(if *standby {
                "This server is a standby: run the call on its primary."
            } else {
                "Run it in a transaction that may write: SET TRANSACTION READ WRITE;"
            }),
            SchemaVersion { library, installed } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the library of pg_migrations is version {library}, the extension in this database is {installed}"),
            )
            .hint("Run ALTER EXTENSION pg_migrations UPDATE; and reconnect if the message stays."),
            NotInstalled => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "extension pg_migrations is not installed in this database",
            )
            .hint("CREATE EXTENSION pg_migrations;"),
            NonTransactional { command, place } => Report::new(
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("{command} cannot run inside a transaction, so not in this run"),
            )
            .detail("Nothing was run: all migrations of a call are checked before the first one starts.")
            .hint("Use a form of the statement that can run inside a transaction, or run it outside of a migration.")
            .place(place.clone()),
            MarkedNonTransactional { version, project } => Report::new(
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("migration {version} of project \"{project}\" is marked as one that cannot run inside a transaction"),
            )
            .detail("Nothing was run: all migrations of a call are checked before the first one starts.")
            .hint("Register it with transactional => true if it can run inside a transaction."),
            TransactionControl { command, place } => Report::new(
                Code::ERRCODE_INVALID_TRANSACTION_TERMINATION,
                format!("{command} is not allowed in a migration"),
            )
            .detail("Nothing was run. The migration and its record are one transaction; only a plain BEGIN that opens the text together with a plain COMMIT that ends it is accepted, and dropped.")
            .hint("Remove the statement, or split the migration there.")
            .place(place.clone()),
            RefusedStatement { command, detail, hint, place } => Report::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("{command} is not allowed in a migration"),
            )
            .detail(*detail)
            .hint(*hint)
            .place(place.clone()),
            Corrupt { migration } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the stored text of {migration} does not match its checksum"),
            )
            .detail("It was changed by other means than the functions of pg_migrations.")
            .hint("Register the migration again from its file with replace => true."),
            Tampered { migration, detail } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{migration} interfered with the tables of pg_migrations"),
            )
            .detail(detail.as_str())
            .hint("Remove the statement that does so from the migration's text."),
            UserNotRestored { migration } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{migration} left the session as another user"),
            )
            .hint("End the migration's text with RESET ROLE; or RESET SESSION AUTHORIZATION;"),
            DirectChange { table, command } => Report::new(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("cannot {command} migrations.{table}: its rows are kept by pg_migrations"),
            )
            .detail("Only the functions of pg_migrations change them.")
            .hint("Use a function such as migrations.add() with replace => true, or migrations.rollback()."),
            Internal { code, message, detail, hint } => Report {
                code: code.unwrap_or(Code::ERRCODE_INTERNAL_ERROR as i32),
                message: message.clone(),
                detail: detail.clone(),
                hint: hint.clone(),
                place: None,
            },
        })
    }

    /// SQLSTATE and message, as the log line of a failed run has them.
    pub fn summary(&self) -> (String, String) {
        match (self, self.report()) {
            (_, Some(report)) => (sqlstate_text(report.code), report.message),
            (Error::Server(error), None) => (error.sqlstate(), error.message()),
            (_, None) => Default::default(),
        }
    }
}

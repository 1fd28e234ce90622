//! Every error that a call can end in.
//!
//! Each of our own has a SQLSTATE, a primary message in the server's style, and where it
//! helps a DETAIL and a HINT that is an action. They become server errors at the boundary
//! of a call and nowhere else ([`crate::pg::entry`]).

mod report;

use crate::domain::mask::Mask;
use crate::domain::requirement::InvalidRequirement;
use crate::domain::script::prepare::ScriptProblem;
use crate::domain::version::InvalidVersion;
use crate::importers::Problem;
use crate::pg::catch::ServerError;
use crate::store::overview::Modified;
pub use report::{Report, arguments, literal, set_variables, some_of};

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
    /// The line, from 1; 0: it is not known.
    pub line: u32,
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
    /// Not a requirement (22023).
    InvalidRequirement {
        /// The text given.
        text: String,
        /// What is wrong with it.
        why: InvalidRequirement,
    },
    /// A name that cannot be one (22023).
    InvalidName {
        /// What it names, as in `migration name`.
        what: &'static str,
        /// The text given.
        name: String,
        /// What is wrong with it, as a sentence, if that can be said in one.
        why: Option<String>,
        /// What to do.
        hint: String,
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
    /// No repeatable migration of this name is registered in the project (42704).
    UnknownRepeatable {
        /// The name given.
        name: String,
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
    /// Files can't be taken as they are (22023).
    Problem(Problem),
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
        /// Which.
        migrations: Vec<Modified>,
        /// No other migration of the project is.
        is_all: bool,
        /// Their project.
        project: String,
    },
    /// Migrations that require each other, so that none can be first (55000).
    Cycle {
        /// Each requires the next one, and the last the first.
        path: Vec<String>,
        /// The project; None: several, which the path names.
        project: Option<String>,
    },
    /// A migration requires one that isn't registered (42704).
    MissingRequirement {
        /// The migration.
        migration: String,
        /// What it requires.
        requires: String,
        /// Their project.
        project: String,
    },
    /// A migration requires what isn't there yet, outside of its project (55000).
    Blocked {
        /// The migration.
        migration: String,
        /// Its project.
        project: String,
        /// What is missing.
        unmet: Unmet,
    },
    /// Pending migrations below an applied one (55000).
    OutOfOrder {
        /// Their versions.
        versions: Vec<String>,
        /// The highest applied version.
        newest: String,
        /// Their project.
        project: String,
    },
    /// A precondition or verify script doesn't hold (55000).
    NotHeld {
        /// The script, as in a CONTEXT.
        script: String,
        /// What it gave.
        gave: &'static str,
        /// What it is about.
        hint: &'static str,
    },
    /// What is to be rolled back or removed is required by what stays (2BP01).
    Required {
        /// What was to be done, as in `roll back`.
        verb: &'static str,
        /// The migration.
        version: String,
        /// Its project.
        project: String,
        /// Who requires it.
        by: Vec<String>,
    },
    /// The migration isn't applied (55000).
    NotApplied {
        /// Its version.
        version: String,
        /// Its project.
        project: String,
    },
    /// A migration that is applied can't be removed (55000).
    StillApplied {
        /// Its version.
        version: String,
        /// Its project.
        project: String,
    },
    /// The rollback of everything wasn't confirmed (22023).
    NotConfirmed {
        /// The project.
        project: String,
        /// It is `reset_each` that was called.
        stepwise: bool,
    },
    /// That all changes are accepted wasn't confirmed with their number (22023).
    ChangesNotConfirmed {
        /// The project.
        project: String,
        /// The reason that the call gives.
        reason: Option<String>,
        /// The number that it gives.
        confirm: Option<i32>,
        /// The migrations that are modified.
        modified: Vec<Modified>,
    },
    /// A version was given where a call takes a number of migrations (22023).
    VersionForNumber {
        /// The call, as in `migrations.rollback`.
        call: String,
        /// What was given.
        given: String,
        /// The project.
        project: String,
    },
    /// A version was given that isn't a text, or under a name that says too little (22023).
    AmbiguousVersion {
        /// The call, as in `migrations.apply`.
        call: String,
        /// What was given.
        given: String,
        /// The project.
        project: String,
    },
    /// The highest version holds no number to count on from (55000).
    NoNextVersion {
        /// The version.
        version: String,
    },
    /// The caller may not read files of the server (42501).
    MayNotReadFiles,
    /// A folder or file of the server can't be read (58030, or by the system's error).
    File {
        /// Its path.
        path: String,
        /// Why.
        why: std::io::Error,
    },
    /// Files can't be registered (the SQLSTATE of the first one's error).
    FilesRefused {
        /// The folder, if it is one of the server's.
        directory: Option<String>,
        /// Each file with its error.
        files: Vec<(String, Box<Error>)>,
    },
    /// Another tool's table of versions isn't there, or isn't one (55000).
    NotAdoptable {
        /// The whole message.
        message: String,
        /// What to do.
        hint: String,
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
    /// A migration of this transaction has set the modes of all constraints, which last to its
    /// end, so that another one can't run in it (25001).
    AllModesSet {
        /// The other one, as in a CONTEXT.
        migration: String,
        /// The statement that gives each a transaction.
        instead: String,
    },
    /// A procedure that commits was called where it can't (25001).
    InsideTransaction {
        /// The call, as in `migrations.apply_each()`.
        call: &'static str,
        /// The statement that works there.
        instead: String,
    },
    /// A part of a migration that has run was changed before the rest has (55000).
    ChangedUnderWay {
        /// The migration, as in a CONTEXT.
        migration: String,
        /// The statement, from 1.
        statement: usize,
        /// Version (or name) and project, as the arguments of a call.
        arguments: String,
        /// Whether it is its rollback that has been begun.
        is_down: bool,
    },
    /// A stepwise run has begun a migration and not finished it (55000).
    HalfRun {
        /// The migration.
        migration: String,
        /// Whether it is a repeatable one, which has a name only.
        is_repeatable: bool,
        /// Its project.
        project: String,
        /// How many of its statements have run.
        done: i64,
        /// Whether it is its rollback that has been begun.
        is_down: bool,
        /// How many migrations to roll back in order to go on with its rollback.
        rollback: usize,
    },
    /// A block that commits was cut off: nobody but people can tell how far it came (55000).
    Interrupted {
        /// The migration, as in a CONTEXT.
        migration: String,
        /// DO or CALL.
        command: String,
        /// The statement, from 1.
        statement: usize,
        /// Version and project, as the arguments of a call.
        arguments: String,
    },
    /// A decision is given that nobody has asked for (55000).
    Decided {
        /// The migration.
        version: String,
        /// The project.
        project: String,
        /// `up` or `down`, if it is under way.
        direction: Option<String>,
    },
    /// An index that a statement was cut off at is in work elsewhere (55P03).
    IndexInWork {
        /// The index, as SQL.
        index: String,
        /// Who builds it.
        process: i32,
        /// Where.
        place: Place,
    },
    /// An index isn't valid after its statement (55000).
    InvalidIndex {
        /// The index, as SQL.
        index: String,
        /// Where.
        place: Place,
    },
    /// Another session runs or registers migrations of the project (55P03).
    Busy {
        /// The project.
        project: String,
        /// Who, what and since when, as far as it is known.
        holder: String,
        /// How long the call has waited; None: it is one that never waits.
        waited: Option<std::time::Duration>,
    },
    /// The transaction's snapshot is older than another run (40001).
    SnapshotTooOld(String),
    /// A body calls one of the functions that run migrations (55000).
    RunInsideRun,
    /// A table is to be kept, but no migration's text runs (55000).
    NoMigration,
    /// A table is to be kept by a precondition or verify script (55000).
    KeptByCondition,
    /// A column of what is to be kept has a temporary type (0A000).
    TemporaryType {
        /// The relation, as SQL.
        relation: String,
        /// The column.
        column: String,
        /// The type or collation that goes with the session.
        name: String,
    },
    /// Another session has given the name of a relation to something else (40001).
    Renamed(String),
    /// There is no relation with this number (42P01).
    NoRelation(u32),
    /// What is to be kept isn't a table (42809).
    NotATable(String),
    /// What is to be dropped as a backup isn't one (42809).
    NotABackup(String),
    /// An event trigger has given a backup more than columns (0A000).
    BackupAltered(String),
    /// All names that a table's backup may have are taken (42P07).
    BackupNameTaken(String),
    /// The schema of backups belongs to somebody else (42501).
    BackupsOfOthers {
        /// To whom.
        owner: String,
        /// Who calls.
        caller: String,
    },
    /// The server doesn't load pg_cron (55000).
    NoCron,
    /// pg_cron is to live in this database, but isn't installed in it (55000).
    CronNotCreated,
    /// pg_cron lives in another database (55000).
    CronElsewhere {
        /// Which.
        home: String,
        /// What does the same there.
        there: String,
    },
    /// A job of the caller's would fail whenever it starts: the role may not log in (55000),
    /// or not call what the job calls (42501).
    JobCannotRun {
        /// The role.
        role: String,
        /// Whether it may log in.
        may_log_in: bool,
    },
    /// The caller has no job for the project in this database (42704).
    NotScheduled {
        /// The project.
        project: String,
    },
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
        /// By which call it can be run, as a sentence.
        way: Option<String>,
    },
    /// The migration is marked as one that can't run inside a transaction (25001).
    MarkedNonTransactional {
        /// Its version.
        version: String,
        /// Its project.
        project: String,
        /// The statement that runs it.
        instead: String,
    },
    /// Transaction control in a body (2D000), found before anything runs.
    TransactionControl {
        /// The command, as in `COMMIT`.
        command: String,
        /// It is one of a precondition or verify script.
        is_condition: bool,
        /// Where.
        place: Place,
        /// By which call it can be run, as a sentence.
        way: Option<String>,
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
    /// What a text holds besides SQL can't be honoured (0A000), or a variable isn't set
    /// (42704).
    Script {
        /// What.
        what: ScriptProblem,
        /// Where.
        place: Place,
    },
    /// A body begins a transaction and doesn't end it (2D000).
    Unended {
        /// Where.
        place: Place,
    },
    /// The server has no memory left (53200).
    OutOfMemory,
    /// A migration needs transactions of its own, which pgaudit prevents (55000).
    Audited {
        /// Which.
        migration: String,
    },
    /// Triggers of the caller's are pending, and would run as another user (55000).
    PendingTriggers,
    /// Deferred triggers have set each other off in as many rounds (54000).
    EndlessTriggers(usize),
    /// A table of ours has something that isn't ours (55000).
    ForeignObject {
        /// The table.
        table: String,
        /// What it has, as the subject of a sentence.
        what: String,
        /// How to remove it.
        hint: String,
    },
    /// A body changes how the rest of its own text would have to be read (0A000).
    StringsChanged {
        /// Where.
        place: Place,
    },
    /// The stored text doesn't give the stored checksum any more, or the stored parts not the
    /// stored digest (55000).
    Corrupt {
        /// The script, as in a CONTEXT.
        what: String,
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
    /// A row of our tables holds what none of our functions has put there (XX001).
    Damaged {
        /// The column of the row, or of what was looked up.
        column: String,
        /// The tables that were read.
        tables: String,
        /// What identifies the row.
        row: String,
    },
    /// A rule leaves nothing of what we do to our tables (55000).
    Rewritten {
        /// The tables.
        tables: String,
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

impl Error {
    /// Hides values in what comes of a migration's statements.
    pub fn hide(&mut self, mask: &Mask) {
        match self {
            Error::Server(error) => error.hide(mask),
            Error::InvalidIndex { index, .. } | Error::IndexInWork { index, .. } => {
                *index = mask.hide(std::mem::take(index));
            }
            _ => {}
        }
    }
}

/// What a migration requires that isn't there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// A migration of another project, which isn't registered there.
    Unregistered {
        /// The project.
        project: String,
        /// The migration's version.
        version: String,
    },
    /// A migration of another project, which isn't applied.
    Pending {
        /// The project.
        project: String,
        /// The migration's version.
        version: String,
    },
    /// A migration of another project, whose rollback is half run.
    HalfRolledBack {
        /// The project.
        project: String,
        /// The migration's version.
        version: String,
    },
    /// An extension, which isn't installed.
    Extension(String),
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unmet::Unregistered { project, version } => {
                write!(f, "requires {project}:{version}, which is not registered")
            }
            Unmet::Pending { project, version } => {
                write!(f, "requires {project}:{version}, which is not applied")
            }
            Unmet::HalfRolledBack { project, version } => {
                write!(f, "requires {project}:{version}, whose rollback is half run")
            }
            Unmet::Extension(name) => {
                write!(f, "requires extension {name}, which is not installed")
            }
        }
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Error::Server(error)
    }
}

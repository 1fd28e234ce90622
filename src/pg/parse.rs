//! A body as the server's own parser reads it: its statements, and which of them can't
//! run in a transaction or in a migration at all.

use super::context::{Context, Step};
use super::{catch::catch, raw};
use crate::domain::script::{self, skip_blank};
use crate::error::Result;
use pgrx::PgList;
use pgrx::pg_sys::{self, NodeTag};
use std::ffi::CStr;

/// A statement of a body.
pub struct Statement {
    pub(super) tree: *mut pg_sys::RawStmt,
    /// Where it starts, behind white space and comments, in bytes.
    pub start: usize,
    /// Where it ends, before its semicolon.
    pub end: usize,
    /// The line that it starts in, from 1.
    pub line: usize,
    /// What is special about it.
    pub kind: Kind,
    /// Whether it sets `statement_timeout`.
    pub sets_timeout: bool,
    /// The extension that it creates.
    pub creates_extension: Option<String>,
}

/// What is special about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// BEGIN or START TRANSACTION without options.
    Begin,
    /// COMMIT or END without options.
    Commit,
    /// Other transaction control; its command.
    TransactionControl(String),
    /// Refused by the server inside a transaction; its command.
    NonTransactional(String),
    /// Takes its data from the client, or sends them there; its command.
    ClientCopy(&'static str),
    /// DISCARD ALL.
    DiscardAll,
    /// Drops or alters this extension; its command.
    OwnExtension(String),
}

/// `standard_conforming_strings`, by which the parser reads backslashes in literals.
pub fn conforming_strings() -> bool {
    // SAFETY: reads a setting of this process.
    unsafe { pg_sys::standard_conforming_strings }
}

/// Parses a body. Syntax errors carry the attached context. The trees live in the current
/// memory context.
pub fn parse(context: &Context) -> Result<Vec<Statement>> {
    let body = context.body().as_ptr();
    let text = context.text();
    // SAFETY: a C string that outlives the trees, which don't refer to it.
    let trees =
        unsafe { catch(|| raw::raw_parser(body, pg_sys::RawParseMode::RAW_PARSE_DEFAULT)) }?;
    // SAFETY: the parser gives a list of RawStmt nodes.
    let trees = unsafe { PgList::<pg_sys::RawStmt>::from_pg(trees) };
    // Lines are counted on from one statement to the next, so that the text is read once.
    let (mut line, mut counted) = (1, 0);
    let statements = trees.iter_ptr().map(|tree| {
        // SAFETY: as above. A length of 0 means: to the end.
        let (location, length, node) =
            unsafe { ((*tree).stmt_location.max(0), (*tree).stmt_len, (*tree).stmt) };
        let end = if length > 0 { (location + length) as usize } else { text.len() };
        let start = skip_blank(text, location as usize).min(end);
        line += script::line_at(&text[counted..start], start) - 1;
        counted = start;
        // SAFETY: a node of the parser.
        let (kind, sets_timeout, creates_extension) =
            unsafe { (kind(node), sets_timeout(node), creates_extension(node)) };
        Statement { tree, start, end, line, kind, sets_timeout, creates_extension }
    });
    Ok(statements.collect())
}

impl Statement {
    /// The statement as what is worked on: number n of as many.
    pub fn step(&self, number: usize, of: usize) -> Step {
        Step::Statement { number, of, offset: self.start, end: self.end, line: self.line }
    }

    /// Whether `log_statement` asks for this statement to be logged.
    pub fn is_logged(&self) -> bool {
        // SAFETY: reads a setting; a node of the parser.
        unsafe {
            match pg_sys::log_statement as pg_sys::LogStmtLevel::Type {
                pg_sys::LogStmtLevel::LOGSTMT_NONE => false,
                pg_sys::LogStmtLevel::LOGSTMT_ALL => true,
                level => pg_sys::GetCommandLogLevel((*self.tree).stmt) <= level,
            }
        }
    }
}

/// The name of a node's command, such as `CREATE INDEX`.
unsafe fn command(node: *mut pg_sys::Node) -> String {
    // SAFETY: a node of the parser; names are constant.
    unsafe {
        let name = pg_sys::GetCommandTagName(pg_sys::CreateCommandTag(node));
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

unsafe fn kind(node: *mut pg_sys::Node) -> Kind {
    // SAFETY: each node is read as what its tag says that it is.
    unsafe {
        match (*node).type_ {
            NodeTag::T_TransactionStmt => transaction(node),
            NodeTag::T_CopyStmt => {
                let copy = node.cast::<pg_sys::CopyStmt>();
                match ((*copy).filename.is_null(), (*copy).is_from) {
                    (true, true) => Kind::ClientCopy("COPY FROM STDIN"),
                    (true, false) => Kind::ClientCopy("COPY TO STDOUT"),
                    _ => Kind::Plain,
                }
            }
            NodeTag::T_DiscardStmt
                if (*node.cast::<pg_sys::DiscardStmt>()).target
                    == pg_sys::DiscardMode::DISCARD_ALL =>
            {
                Kind::DiscardAll
            }
            _ if concerns_us(node) => Kind::OwnExtension(command(node)),
            _ => non_transactional(node).map_or(Kind::Plain, Kind::NonTransactional),
        }
    }
}

unsafe fn transaction(node: *mut pg_sys::Node) -> Kind {
    use pg_sys::TransactionStmtKind::*;
    // SAFETY: the caller has seen the tag.
    unsafe {
        let statement = node.cast::<pg_sys::TransactionStmt>();
        match (*statement).kind {
            TRANS_STMT_BEGIN | TRANS_STMT_START if (*statement).options.is_null() => Kind::Begin,
            TRANS_STMT_COMMIT if !(*statement).chain => Kind::Commit,
            _ => Kind::TransactionControl(command(node)),
        }
    }
}

unsafe fn concerns_us(node: *mut pg_sys::Node) -> bool {
    let ours = |name: *const core::ffi::c_char| {
        // SAFETY: a C string of the parser.
        !name.is_null() && unsafe { CStr::from_ptr(name) } == c"pg_migrations"
    };
    // SAFETY: each node is read as what its tag says that it is.
    unsafe {
        match (*node).type_ {
            NodeTag::T_AlterExtensionStmt => {
                ours((*node.cast::<pg_sys::AlterExtensionStmt>()).extname)
            }
            NodeTag::T_AlterExtensionContentsStmt => {
                ours((*node.cast::<pg_sys::AlterExtensionContentsStmt>()).extname)
            }
            NodeTag::T_DropStmt => {
                let drop = node.cast::<pg_sys::DropStmt>();
                (*drop).removeType == pg_sys::ObjectType::OBJECT_EXTENSION
                    && PgList::<pg_sys::Node>::from_pg((*drop).objects)
                        .iter_ptr()
                        .any(|name| ours(string_of(name)))
            }
            _ => false,
        }
    }
}

/// The text of a String node.
unsafe fn string_of(node: *mut pg_sys::Node) -> *const core::ffi::c_char {
    // SAFETY: the caller knows it is a String, which 14 has as a Value.
    unsafe {
        #[cfg(feature = "pg14")]
        return (*node.cast::<pg_sys::Value>()).val.str_;
        #[cfg(not(feature = "pg14"))]
        return (*node.cast::<pg_sys::String>()).sval;
    }
}

/// The command of a statement that the server refuses inside a transaction block, as far
/// as the statement alone shows it (PreventInTransactionBlock in the server's commands).
unsafe fn non_transactional(node: *mut pg_sys::Node) -> Option<String> {
    // SAFETY: each node is read as what its tag says that it is.
    unsafe {
        let whole = || Some(command(node));
        let concurrently = |yes: bool| yes.then(|| format!("{} CONCURRENTLY", command(node)));
        match (*node).type_ {
            NodeTag::T_IndexStmt => concurrently((*node.cast::<pg_sys::IndexStmt>()).concurrent),
            NodeTag::T_DropStmt => concurrently((*node.cast::<pg_sys::DropStmt>()).concurrent),
            NodeTag::T_ReindexStmt => {
                let reindex = node.cast::<pg_sys::ReindexStmt>();
                use pg_sys::ReindexObjectType::*;
                match (*reindex).kind {
                    REINDEX_OBJECT_SCHEMA => Some("REINDEX SCHEMA".to_owned()),
                    REINDEX_OBJECT_SYSTEM => Some("REINDEX SYSTEM".to_owned()),
                    REINDEX_OBJECT_DATABASE => Some("REINDEX DATABASE".to_owned()),
                    _ => concurrently(option((*reindex).params, c"concurrently").unwrap_or(false)),
                }
            }
            NodeTag::T_AlterTableStmt => {
                let alter = node.cast::<pg_sys::AlterTableStmt>();
                let detaches = PgList::<pg_sys::AlterTableCmd>::from_pg((*alter).cmds)
                    .iter_ptr()
                    .any(|step| {
                        (*step).subtype == pg_sys::AlterTableType::AT_DetachPartition
                            && (*(*step).def.cast::<pg_sys::PartitionCmd>()).concurrent
                    });
                detaches.then(|| "ALTER TABLE … DETACH PARTITION CONCURRENTLY".to_owned())
            }
            NodeTag::T_VacuumStmt => {
                (*node.cast::<pg_sys::VacuumStmt>()).is_vacuumcmd.then(|| "VACUUM".to_owned())
            }
            NodeTag::T_ClusterStmt => (*node.cast::<pg_sys::ClusterStmt>())
                .relation
                .is_null()
                .then(|| "CLUSTER".to_owned()),
            NodeTag::T_AlterDatabaseStmt => {
                let options = (*node.cast::<pg_sys::AlterDatabaseStmt>()).options;
                has(options, c"tablespace").then(|| "ALTER DATABASE SET TABLESPACE".to_owned())
            }
            NodeTag::T_CreateSubscriptionStmt => {
                let options = (*node.cast::<pg_sys::CreateSubscriptionStmt>()).options;
                let connects = option(options, c"connect").unwrap_or(true);
                let makes_slot = option(options, c"create_slot").unwrap_or(connects);
                makes_slot.then(|| "CREATE SUBSCRIPTION … WITH (create_slot = true)".to_owned())
            }
            NodeTag::T_AlterSystemStmt
            | NodeTag::T_CreatedbStmt
            | NodeTag::T_DropdbStmt
            | NodeTag::T_CreateTableSpaceStmt
            | NodeTag::T_DropTableSpaceStmt => whole(),
            _ => None,
        }
    }
}

unsafe fn elements(options: *mut pg_sys::List) -> Vec<*mut pg_sys::DefElem> {
    // SAFETY: a list of options holds DefElem nodes.
    unsafe { PgList::<pg_sys::DefElem>::from_pg(options).iter_ptr().collect() }
}

unsafe fn has(options: *mut pg_sys::List, name: &CStr) -> bool {
    // SAFETY: names of options are C strings.
    unsafe { elements(options).into_iter().any(|e| CStr::from_ptr((*e).defname) == name) }
}

/// A boolean option, if it is given.
unsafe fn option(options: *mut pg_sys::List, name: &CStr) -> Option<bool> {
    // SAFETY: as above; the server's own reading of its value.
    unsafe {
        let element =
            elements(options).into_iter().rfind(|e| CStr::from_ptr((**e).defname) == name)?;
        // A value that is no boolean is for the statement itself to refuse.
        catch(|| raw::defGetBoolean(element)).ok()
    }
}

unsafe fn creates_extension(node: *mut pg_sys::Node) -> Option<String> {
    // SAFETY: read as what its tag says that it is; its name is a C string.
    unsafe {
        if (*node).type_ != NodeTag::T_CreateExtensionStmt {
            return None;
        }
        let name = (*node.cast::<pg_sys::CreateExtensionStmt>()).extname;
        Some(CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

unsafe fn sets_timeout(node: *mut pg_sys::Node) -> bool {
    // SAFETY: read as what its tag says that it is.
    unsafe {
        if (*node).type_ != NodeTag::T_VariableSetStmt {
            return false;
        }
        let name = (*node.cast::<pg_sys::VariableSetStmt>()).name;
        !name.is_null()
            && CStr::from_ptr(name).to_bytes().eq_ignore_ascii_case(b"statement_timeout")
    }
}

//! A body as the server's own parser reads it: its statements, and which of them can't
//! run in a transaction or in a migration at all.

use super::context::{ScriptErrorContext, Stage};
use super::name::Name;
use super::{catch::catch, raw};
use crate::domain::script::prepare::ScriptProblem;
use crate::domain::script::{self, skip_blank};
use crate::domain::{halt, room};
use crate::error::Result;
use pgrx::PgList;
use pgrx::pg_sys::{self, NodeTag};
use std::ffi::CStr;
use std::ops::Range;

/// A statement of a body.
pub struct ParsedStatement {
    pub(super) tree: *mut pg_sys::RawStmt,
    /// Where in the text it starts, behind white space and comments, in bytes.
    pub start: usize,
    /// Where it ends, before its semicolon.
    pub end: usize,
    /// The data that it reads, where it is a COPY from the client.
    pub data: Option<Range<usize>>,
    /// The line that it starts in, from 1.
    pub line: usize,
    /// What is special about it.
    pub kind: StatementKind,
    /// Whether it sets `statement_timeout`.
    pub sets_timeout: bool,
    /// It is a DO or CALL, which may commit where it isn't inside a transaction.
    pub is_block: bool,
    /// What it runs, if it is one.
    pub block: Option<Block>,
    /// The table and the index, where it is CREATE INDEX IF NOT EXISTS.
    pub index_if_missing: Option<(Name, String)>,
    /// It sets or resets a setting of the session, not only of the transaction.
    pub sets_session: bool,
    /// The extension that it creates.
    pub creates_extension: Option<String>,
    /// Of statements between a BEGIN and its COMMIT, that they belong together: the number
    /// of their BEGIN's statement.
    pub section: Option<usize>,
    /// Of such statements that ROLLBACK ends them.
    pub is_undone: bool,
    /// With which characteristics their transaction begins.
    pub characteristics: Option<Characteristics>,
}

/// Characteristics of a transaction, such as its isolation level, as a BEGIN or SET
/// TRANSACTION of the text has them. It is valid as long as the trees are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Characteristics(pub(super) Vec<*mut pg_sys::DefElem>);

impl Characteristics {
    /// Adds others, which count where both are given.
    pub fn add(&mut self, others: &Characteristics) {
        self.0.extend_from_slice(&others.0);
    }
}

/// What a DO or CALL runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// This text.
    Do(String),
    /// The procedure of this name.
    Call(Name),
}

/// What is special about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    /// Nothing.
    Plain,
    /// BEGIN or START TRANSACTION without options.
    Begin,
    /// COMMIT or END without options.
    Commit,
    /// BEGIN or START TRANSACTION with options.
    BeginWith(Characteristics),
    /// SET TRANSACTION.
    SetTransaction(Characteristics),
    /// ROLLBACK or ABORT without options.
    Rollback,
    /// Other transaction control; its command.
    TransactionControl(String),
    /// Refused by the server inside a transaction; its command, and what it works on.
    NonTransactional(String, Form),
    /// COPY … FROM STDIN, of which the data stands in the text.
    CopyData,
    /// Sends data to the client, or takes it in a form that no text has; its command.
    ClientCopy(&'static str),
    /// DISCARD ALL.
    DiscardAll,
    /// Makes a schema of the name that ours has.
    OwnSchema,
    /// Drops or alters this extension; its command.
    OwnExtension(String),
}

/// What a statement that commits by itself works on, as far as one that was interrupted
/// can be judged by the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Running it again does no harm.
    Repeatable,
    /// CREATE INDEX CONCURRENTLY: its table, and the index's name if it has one.
    CreateIndex {
        /// The table, as the statement names it.
        table: Name,
        /// The index's name.
        index: Option<String>,
    },
    /// DROP INDEX CONCURRENTLY: the index, as the statement names it.
    DropIndex(Name),
    /// REINDEX … CONCURRENTLY.
    Reindex(ReindexScope),
    /// ALTER TABLE … DETACH PARTITION CONCURRENTLY: the table and its partition.
    Detach(Name, Name),
    /// Makes (true) or drops a database, a tablespace or a subscription of this name.
    Named(GlobalObject, String, bool),
}

/// What a REINDEX rebuilds, as the statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReindexScope {
    /// A table, with its partitions, or an index.
    Relation(Name),
    /// All of a schema.
    Schema(String),
    /// All of the database.
    Database,
}

/// What is known by a name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GlobalObject {
    Database,
    Tablespace,
    Subscription,
}

/// `standard_conforming_strings`, by which the parser reads backslashes in literals.
pub fn conforming_strings() -> bool {
    // SAFETY: reads a setting of this process.
    unsafe { pg_sys::standard_conforming_strings }
}

/// Parses a body. Syntax errors carry the attached context. The trees live in the current
/// memory context.
pub fn parse(context: &ScriptErrorContext) -> Result<Vec<ParsedStatement>> {
    let Some(read) = context.input() else { return Ok(Vec::new()) };
    let body = read.sql.as_ptr();
    let sql = read.sql.to_str().unwrap_or_default();
    let text = context.text();
    // SAFETY: a C string that outlives the trees, which don't refer to it.
    let trees =
        unsafe { catch(|| raw::raw_parser(body, pg_sys::RawParseMode::RAW_PARSE_DEFAULT)) }?;
    // SAFETY: the parser gives a list of RawStmt nodes.
    let trees = unsafe { PgList::<pg_sys::RawStmt>::from_pg(trees) };
    // Lines are counted on from one statement to the next, so that the text is read once.
    let (mut line, mut counted) = (context.first_line(), 0);
    let mut claimed = 0;
    let read_one = |tree: *mut pg_sys::RawStmt| {
        halt::work(halt::STEP);
        // SAFETY: as above. A length of 0 means: to the end.
        let (location, length, node) =
            unsafe { ((*tree).stmt_location.max(0), (*tree).stmt_len, (*tree).stmt) };
        let end = if length > 0 { (location + length) as usize } else { sql.len() };
        let start = read.map.to_source(skip_blank(sql, location as usize).min(end));
        // SAFETY: a node of the parser.
        let kind = unsafe { kind(node) };
        let data = match kind {
            StatementKind::CopyData => {
                let data = read.data.get(claimed).filter(|data| data.semicolon == end);
                claimed += usize::from(data.is_some());
                Some(data.map_or(0..0, |data| data.range.clone()))
            }
            _ => None,
        };
        let end = read.map.to_source_end(end);
        line += script::line_at(&text[counted..start], start) - 1;
        counted = start;
        // SAFETY: a node of the parser.
        let (sets_timeout, creates_extension) =
            unsafe { (sets_timeout(node), creates_extension(node)) };
        // SAFETY: as above.
        let (is_block, sets_session) = unsafe {
            let tag = (*node).type_;
            let sets = match tag {
                NodeTag::T_VariableSetStmt => {
                    !(*node.cast::<pg_sys::VariableSetStmt>()).is_local && !is_set_transaction(node)
                }
                NodeTag::T_SelectStmt => is_set_config(node),
                _ => false,
            };
            (matches!(tag, NodeTag::T_DoStmt | NodeTag::T_CallStmt), sets)
        };
        ParsedStatement {
            tree,
            start,
            end,
            data,
            line,
            kind,
            sets_timeout,
            is_block,
            // SAFETY: as above.
            block: unsafe { block(node) },
            // SAFETY: as above.
            index_if_missing: unsafe { index_if_missing(node) },
            sets_session,
            creates_extension,
            section: None,
            is_undone: false,
            characteristics: None,
        }
    };
    let mut statements = room::list(trees.len());
    statements.extend(trees.iter_ptr().map(read_one));
    match read.data.get(claimed) {
        None => Ok(statements),
        Some(stray) => Err(context.fault(ScriptProblem::StrayData, stray.range.start)),
    }
}

impl ParsedStatement {
    /// The statement as what is worked on: number n of as many.
    pub fn stage(&self, number: usize, of: usize) -> Stage {
        Stage::Statement { number, of, offset: self.start, end: self.end, line: self.line }
    }

    /// Its command, such as `CREATE TABLE`.
    pub fn command(&self) -> String {
        // SAFETY: a node of the parser.
        unsafe { command((*self.tree).stmt) }
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

unsafe fn kind(node: *mut pg_sys::Node) -> StatementKind {
    // SAFETY: each node is read as what its tag says that it is.
    unsafe {
        match (*node).type_ {
            NodeTag::T_TransactionStmt => transaction(node),
            NodeTag::T_CopyStmt => {
                let copy = node.cast::<pg_sys::CopyStmt>();
                match ((*copy).filename.is_null(), (*copy).is_from) {
                    (true, true) if is_binary((*copy).options) => {
                        StatementKind::ClientCopy("COPY FROM STDIN (FORMAT binary)")
                    }
                    (true, true) => StatementKind::CopyData,
                    (true, false) => StatementKind::ClientCopy("COPY TO STDOUT"),
                    _ => StatementKind::Plain,
                }
            }
            NodeTag::T_DiscardStmt
                if (*node.cast::<pg_sys::DiscardStmt>()).target
                    == pg_sys::DiscardMode::DISCARD_ALL =>
            {
                StatementKind::DiscardAll
            }
            NodeTag::T_CreateSchemaStmt if makes_own_schema(node) => StatementKind::OwnSchema,
            NodeTag::T_VariableSetStmt if is_set_transaction(node) => {
                let set = node.cast::<pg_sys::VariableSetStmt>();
                StatementKind::SetTransaction(Characteristics(elements((*set).args)))
            }
            _ if concerns_us(node) => StatementKind::OwnExtension(command(node)),
            _ => non_transactional(node).map_or(StatementKind::Plain, |(command, form)| {
                StatementKind::NonTransactional(command, form)
            }),
        }
    }
}

unsafe fn is_binary(options: *mut pg_sys::List) -> bool {
    // SAFETY: the value of a format is a C string, whatever kind of node it is.
    unsafe {
        let format = elements(options)
            .into_iter()
            .rfind(|e| CStr::from_ptr((**e).defname) == c"format" && !(**e).arg.is_null());
        let format = format.and_then(|element| catch(|| raw::defGetString(element)).ok());
        format.is_some_and(|format| CStr::from_ptr(format) == c"binary")
    }
}

unsafe fn transaction(node: *mut pg_sys::Node) -> StatementKind {
    use pg_sys::TransactionStmtKind::*;
    // SAFETY: the caller has seen the tag.
    unsafe {
        let statement = node.cast::<pg_sys::TransactionStmt>();
        match (*statement).kind {
            TRANS_STMT_BEGIN | TRANS_STMT_START if (*statement).options.is_null() => {
                StatementKind::Begin
            }
            TRANS_STMT_BEGIN | TRANS_STMT_START => {
                StatementKind::BeginWith(Characteristics(elements((*statement).options)))
            }
            TRANS_STMT_COMMIT if !(*statement).chain => StatementKind::Commit,
            TRANS_STMT_ROLLBACK if !(*statement).chain => StatementKind::Rollback,
            _ => StatementKind::TransactionControl(command(node)),
        }
    }
}

unsafe fn index_if_missing(node: *mut pg_sys::Node) -> Option<(Name, String)> {
    // SAFETY: read as what its tag says that it is; the name is a C string.
    unsafe {
        if (*node).type_ != NodeTag::T_IndexStmt {
            return None;
        }
        let index = node.cast::<pg_sys::IndexStmt>();
        (*index).if_not_exists.then(|| {
            let name = CStr::from_ptr((*index).idxname).to_string_lossy().into_owned();
            (Name::of((*index).relation), name)
        })
    }
}

unsafe fn makes_own_schema(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the caller has seen the tag; names are C strings or null.
    unsafe {
        let create = node.cast::<pg_sys::CreateSchemaStmt>();
        let (name, role) = ((*create).schemaname, (*create).authrole);
        let name = match name.is_null() && !role.is_null() {
            true => (*role).rolename,
            false => name,
        };
        !name.is_null() && CStr::from_ptr(name) == c"migrations"
    }
}

/// Whether a SET is SET TRANSACTION with an isolation level and the like. (SET SESSION
/// CHARACTERISTICS and SET TRANSACTION SNAPSHOT have other names.)
unsafe fn is_set_transaction(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the caller has seen the tag; a name is a C string.
    unsafe {
        let set = node.cast::<pg_sys::VariableSetStmt>();
        (*set).kind == pg_sys::VariableSetKind::VAR_SET_MULTI
            && !(*set).name.is_null()
            && CStr::from_ptr((*set).name) == c"TRANSACTION"
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
unsafe fn non_transactional(node: *mut pg_sys::Node) -> Option<(String, Form)> {
    // SAFETY: each node is read as what its tag says that it is.
    unsafe {
        let whole = |form| Some((command(node), form));
        let concurrently = || format!("{} CONCURRENTLY", command(node));
        let text = |name| CStr::from_ptr(name).to_string_lossy().into_owned();
        match (*node).type_ {
            NodeTag::T_IndexStmt => {
                let index = node.cast::<pg_sys::IndexStmt>();
                (*index).concurrent.then(|| {
                    let name = (*index).idxname;
                    let name = (!name.is_null()).then(|| text(name));
                    let table = Name::of((*index).relation);
                    (concurrently(), Form::CreateIndex { table, index: name })
                })
            }
            NodeTag::T_DropStmt => {
                let drop = node.cast::<pg_sys::DropStmt>();
                // The server takes one index in a statement.
                (*drop).concurrent.then(|| {
                    let first = PgList::<pg_sys::List>::from_pg((*drop).objects).head();
                    let names = first.map(|names| PgList::<pg_sys::Node>::from_pg(names));
                    let names = names.into_iter().flat_map(|n| n.iter_ptr().collect::<Vec<_>>());
                    let mut parts: Vec<String> = names.map(|n| text(string_of(n))).collect();
                    let relation = parts.pop().unwrap_or_default();
                    (concurrently(), Form::DropIndex(Name { schema: parts.pop(), relation }))
                })
            }
            NodeTag::T_ReindexStmt => {
                let reindex = node.cast::<pg_sys::ReindexStmt>();
                use pg_sys::ReindexObjectType::*;
                let concurrent = option((*reindex).params, c"concurrently").unwrap_or(false);
                let form = |reach| match concurrent {
                    true => Form::Reindex(reach),
                    false => Form::Repeatable,
                };
                let all = |what: &str, reach| Some((format!("REINDEX {what}"), form(reach)));
                match (*reindex).kind {
                    REINDEX_OBJECT_SCHEMA => {
                        all("SCHEMA", ReindexScope::Schema(text((*reindex).name)))
                    }
                    REINDEX_OBJECT_SYSTEM => all("SYSTEM", ReindexScope::Database),
                    REINDEX_OBJECT_DATABASE => all("DATABASE", ReindexScope::Database),
                    _ => concurrent.then(|| {
                        let relation = Name::of((*reindex).relation);
                        (concurrently(), Form::Reindex(ReindexScope::Relation(relation)))
                    }),
                }
            }
            NodeTag::T_AlterTableStmt => {
                let alter = node.cast::<pg_sys::AlterTableStmt>();
                let steps = PgList::<pg_sys::AlterTableCmd>::from_pg((*alter).cmds);
                steps.iter_ptr().find_map(|step| {
                    if (*step).subtype != pg_sys::AlterTableType::AT_DetachPartition {
                        return None;
                    }
                    let partition = (*step).def.cast::<pg_sys::PartitionCmd>();
                    (*partition).concurrent.then(|| {
                        let command = "ALTER TABLE ... DETACH PARTITION CONCURRENTLY".to_owned();
                        let parent = Name::of((*alter).relation);
                        (command, Form::Detach(parent, Name::of((*partition).name)))
                    })
                })
            }
            NodeTag::T_VacuumStmt if (*node.cast::<pg_sys::VacuumStmt>()).is_vacuumcmd => {
                Some(("VACUUM".to_owned(), Form::Repeatable))
            }
            NodeTag::T_ClusterStmt if (*node.cast::<pg_sys::ClusterStmt>()).relation.is_null() => {
                Some(("CLUSTER".to_owned(), Form::Repeatable))
            }
            NodeTag::T_AlterDatabaseStmt => {
                let options = (*node.cast::<pg_sys::AlterDatabaseStmt>()).options;
                let moves = has(options, c"tablespace");
                moves.then(|| ("ALTER DATABASE SET TABLESPACE".to_owned(), Form::Repeatable))
            }
            NodeTag::T_CreateSubscriptionStmt => {
                let create = node.cast::<pg_sys::CreateSubscriptionStmt>();
                let connects = option((*create).options, c"connect").unwrap_or(true);
                let makes_slot = option((*create).options, c"create_slot").unwrap_or(connects);
                makes_slot.then(|| {
                    let command = "CREATE SUBSCRIPTION ... WITH (create_slot = true)".to_owned();
                    (
                        command,
                        Form::Named(GlobalObject::Subscription, text((*create).subname), true),
                    )
                })
            }
            NodeTag::T_AlterSubscriptionStmt => {
                use pg_sys::AlterSubscriptionType::*;
                let alter = node.cast::<pg_sys::AlterSubscriptionStmt>();
                let refreshes = match (*alter).kind {
                    ALTER_SUBSCRIPTION_REFRESH => true,
                    ALTER_SUBSCRIPTION_SET_PUBLICATION
                    | ALTER_SUBSCRIPTION_ADD_PUBLICATION
                    | ALTER_SUBSCRIPTION_DROP_PUBLICATION => {
                        option((*alter).options, c"refresh").unwrap_or(true)
                    }
                    // From 17 and 18 on these reach out to the publisher.
                    ALTER_SUBSCRIPTION_OPTIONS => {
                        has((*alter).options, c"failover") || has((*alter).options, c"two_phase")
                    }
                    _ => false,
                };
                refreshes
                    .then(|| ("ALTER SUBSCRIPTION ... with refresh".to_owned(), Form::Repeatable))
            }
            // Refused only while it has a slot; of its own it always does the same.
            NodeTag::T_DropSubscriptionStmt => {
                let name = text((*node.cast::<pg_sys::DropSubscriptionStmt>()).subname);
                whole(Form::Named(GlobalObject::Subscription, name, false))
            }
            NodeTag::T_AlterSystemStmt => whole(Form::Repeatable),
            NodeTag::T_CreatedbStmt => {
                let name = text((*node.cast::<pg_sys::CreatedbStmt>()).dbname);
                whole(Form::Named(GlobalObject::Database, name, true))
            }
            NodeTag::T_DropdbStmt => {
                let name = text((*node.cast::<pg_sys::DropdbStmt>()).dbname);
                whole(Form::Named(GlobalObject::Database, name, false))
            }
            NodeTag::T_CreateTableSpaceStmt => {
                let name = text((*node.cast::<pg_sys::CreateTableSpaceStmt>()).tablespacename);
                whole(Form::Named(GlobalObject::Tablespace, name, true))
            }
            NodeTag::T_DropTableSpaceStmt => {
                let name = text((*node.cast::<pg_sys::DropTableSpaceStmt>()).tablespacename);
                whole(Form::Named(GlobalObject::Tablespace, name, false))
            }
            _ => None,
        }
    }
}

unsafe fn block(node: *mut pg_sys::Node) -> Option<Block> {
    // SAFETY: each node is read as what its tag says that it is; names and the text of a block
    // are strings.
    unsafe {
        let text = |node| CStr::from_ptr(string_of(node)).to_string_lossy().into_owned();
        match (*node).type_ {
            NodeTag::T_DoStmt => {
                let parts = elements((*node.cast::<pg_sys::DoStmt>()).args);
                let body = parts.into_iter().find(|e| CStr::from_ptr((**e).defname) == c"as")?;
                Some(Block::Do(text((*body).arg)))
            }
            NodeTag::T_CallStmt => {
                let call = (*node.cast::<pg_sys::CallStmt>()).funccall;
                let names = PgList::<pg_sys::Node>::from_pg((*call).funcname);
                let mut parts: Vec<String> = names.iter_ptr().map(text).collect();
                let relation = parts.pop()?;
                Some(Block::Call(Name { schema: parts.pop(), relation }))
            }
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

/// Whether a SELECT does nothing but call set_config() with constants, as pg_dump's do.
unsafe fn is_set_config(node: *mut pg_sys::Node) -> bool {
    // SAFETY: read as what its tag says that it is.
    unsafe {
        let select = node.cast::<pg_sys::SelectStmt>();
        let targets = PgList::<pg_sys::ResTarget>::from_pg((*select).targetList);
        let is_constant = |argument: *mut pg_sys::Node| match (*argument).type_ {
            NodeTag::T_TypeCast => {
                (*(*argument.cast::<pg_sys::TypeCast>()).arg).type_ == NodeTag::T_A_Const
            }
            tag => tag == NodeTag::T_A_Const,
        };
        let calls_it = |target: *mut pg_sys::ResTarget| {
            let value = (*target).val;
            if value.is_null() || (*value).type_ != NodeTag::T_FuncCall {
                return false;
            }
            let call = value.cast::<pg_sys::FuncCall>();
            let last = PgList::<pg_sys::Node>::from_pg((*call).funcname).tail();
            last.is_some_and(|name| CStr::from_ptr(string_of(name)) == c"set_config")
                && PgList::<pg_sys::Node>::from_pg((*call).args).iter_ptr().all(is_constant)
        };
        (*select).fromClause.is_null() && !targets.is_empty() && targets.iter_ptr().all(calls_it)
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

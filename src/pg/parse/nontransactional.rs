//! Statements that the server refuses inside a transaction block, as far as the statement alone
//! shows it (PreventInTransactionBlock in the server's commands).

use super::options::{bool_option, has_option};
use crate::pg::name::Name;
use crate::pg::tree::{self, TreeNode};
use pgrx::pg_sys;

/// What a statement that commits by itself works on. By that the catalog shows how far one came
/// that was interrupted.
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
    /// Creates (true) or drops an object of this name.
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

/// An object that belongs to no schema and has a name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GlobalObject {
    Database,
    Tablespace,
    Subscription,
}

/// The command of such a statement, and what it works on.
pub(super) fn non_transactional(node: TreeNode) -> Option<(String, Form)> {
    index(node)
        .or_else(|| detach(node))
        .or_else(|| maintenance(node))
        .or_else(|| subscription(node))
        .or_else(|| global_object(node))
}

/// # Safety
/// A C string or null.
unsafe fn text(name: *const core::ffi::c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { tree::text(name) }.unwrap_or_default()
}

fn concurrently(node: TreeNode) -> String {
    format!("{} CONCURRENTLY", node.command())
}

/// CREATE, DROP and REINDEX of indexes.
fn index(node: TreeNode) -> Option<(String, Form)> {
    // SAFETY: tables are nodes, names C strings or null, and what is dropped a list of names.
    unsafe {
        if let Some(index) = node.get::<pg_sys::IndexStmt>() {
            return index.concurrent.then(|| {
                let form = Form::CreateIndex {
                    table: Name::of(index.relation),
                    index: tree::text(index.idxname),
                };
                (concurrently(node), form)
            });
        }
        if let Some(drop) = node.get::<pg_sys::DropStmt>() {
            return drop.concurrent.then(|| {
                // The server takes one index in a statement.
                let first = tree::nodes(drop.objects).into_iter().next();
                let mut parts =
                    first.map_or(Vec::new(), |names| tree::strings(names.as_ptr().cast()));
                let relation = parts.pop().unwrap_or_default();
                (concurrently(node), Form::DropIndex(Name { schema: parts.pop(), relation }))
            });
        }
    }
    node.get::<pg_sys::ReindexStmt>().and_then(|statement| reindex(node, statement))
}

fn reindex(node: TreeNode, statement: &pg_sys::ReindexStmt) -> Option<(String, Form)> {
    use pg_sys::ReindexObjectType::*;
    // SAFETY: parameters are a list of nodes, a table is a node, and a name a C string.
    unsafe {
        let concurrent = bool_option(statement.params, c"concurrently").unwrap_or(false);
        let all = |what: &str, scope| {
            let form = if concurrent { Form::Reindex(scope) } else { Form::Repeatable };
            Some((format!("REINDEX {what}"), form))
        };
        match statement.kind {
            REINDEX_OBJECT_SCHEMA => all("SCHEMA", ReindexScope::Schema(text(statement.name))),
            REINDEX_OBJECT_SYSTEM => all("SYSTEM", ReindexScope::Database),
            REINDEX_OBJECT_DATABASE => all("DATABASE", ReindexScope::Database),
            _ => concurrent.then(|| {
                let scope = ReindexScope::Relation(Name::of(statement.relation));
                (concurrently(node), Form::Reindex(scope))
            }),
        }
    }
}

/// ALTER TABLE … DETACH PARTITION CONCURRENTLY.
fn detach(node: TreeNode) -> Option<(String, Form)> {
    let alter = node.get::<pg_sys::AlterTableStmt>()?;
    // SAFETY: the commands are a list of nodes, definitions nodes or null, and tables nodes.
    unsafe {
        let commands = tree::list::<pg_sys::AlterTableCmd>(alter.cmds);
        let partition = commands.into_iter().find_map(|command| {
            let is_detach = command.subtype == pg_sys::AlterTableType::AT_DetachPartition;
            let partition = TreeNode::new(command.def).filter(|_| is_detach)?;
            partition.get::<pg_sys::PartitionCmd>().filter(|partition| partition.concurrent)
        })?;
        let form = Form::Detach(Name::of(alter.relation), Name::of(partition.name));
        Some(("ALTER TABLE ... DETACH PARTITION CONCURRENTLY".to_owned(), form))
    }
}

/// VACUUM and the like, which may run again.
fn maintenance(node: TreeNode) -> Option<(String, Form)> {
    let command = if let Some(vacuum) = node.get::<pg_sys::VacuumStmt>() {
        vacuum.is_vacuumcmd.then(|| "VACUUM".to_owned())
    } else if let Some(cluster) = node.get::<pg_sys::ClusterStmt>() {
        cluster.relation.is_null().then(|| "CLUSTER".to_owned())
    } else if let Some(alter) = node.get::<pg_sys::AlterDatabaseStmt>() {
        // SAFETY: options are a list of nodes.
        let moves = unsafe { has_option(alter.options, c"tablespace") };
        moves.then(|| "ALTER DATABASE SET TABLESPACE".to_owned())
    } else {
        (node.tag() == pg_sys::NodeTag::T_AlterSystemStmt).then(|| node.command())
    };
    command.map(|command| (command, Form::Repeatable))
}

fn subscription(node: TreeNode) -> Option<(String, Form)> {
    let form = |name, creates| Form::Named(GlobalObject::Subscription, name, creates);
    // SAFETY: options are lists of nodes, and names C strings.
    unsafe {
        if let Some(create) = node.get::<pg_sys::CreateSubscriptionStmt>() {
            let connects = bool_option(create.options, c"connect").unwrap_or(true);
            let makes_slot = bool_option(create.options, c"create_slot").unwrap_or(connects);
            return makes_slot.then(|| {
                let command = "CREATE SUBSCRIPTION ... WITH (create_slot = true)".to_owned();
                (command, form(text(create.subname), true))
            });
        }
        if let Some(alter) = node.get::<pg_sys::AlterSubscriptionStmt>() {
            return refreshes(alter)
                .then(|| ("ALTER SUBSCRIPTION ... with refresh".to_owned(), Form::Repeatable));
        }
        // Refused only while it has a slot. One without a slot does the same each time.
        let drop = node.get::<pg_sys::DropSubscriptionStmt>()?;
        Some((node.command(), form(text(drop.subname), false)))
    }
}

fn refreshes(alter: &pg_sys::AlterSubscriptionStmt) -> bool {
    use pg_sys::AlterSubscriptionType::*;
    // SAFETY: options are a list of nodes.
    unsafe {
        match alter.kind {
            ALTER_SUBSCRIPTION_REFRESH => true,
            ALTER_SUBSCRIPTION_SET_PUBLICATION
            | ALTER_SUBSCRIPTION_ADD_PUBLICATION
            | ALTER_SUBSCRIPTION_DROP_PUBLICATION => {
                bool_option(alter.options, c"refresh").unwrap_or(true)
            }
            // From 17 and 18 on these connect to the publisher.
            ALTER_SUBSCRIPTION_OPTIONS => {
                has_option(alter.options, c"failover") || has_option(alter.options, c"two_phase")
            }
            _ => false,
        }
    }
}

/// CREATE and DROP of databases and tablespaces.
fn global_object(node: TreeNode) -> Option<(String, Form)> {
    // SAFETY: names are C strings.
    let (object, name, creates) = unsafe {
        if let Some(create) = node.get::<pg_sys::CreatedbStmt>() {
            (GlobalObject::Database, text(create.dbname), true)
        } else if let Some(drop) = node.get::<pg_sys::DropdbStmt>() {
            (GlobalObject::Database, text(drop.dbname), false)
        } else if let Some(create) = node.get::<pg_sys::CreateTableSpaceStmt>() {
            (GlobalObject::Tablespace, text(create.tablespacename), true)
        } else {
            let drop = node.get::<pg_sys::DropTableSpaceStmt>()?;
            (GlobalObject::Tablespace, text(drop.tablespacename), false)
        }
    };
    Some((node.command(), Form::Named(object, name, creates)))
}

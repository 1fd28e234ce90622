//! What is special about a statement, as its tree alone shows it.

use super::nontransactional::non_transactional;
use super::options::{Characteristics, is_set_transaction, text_option};
use super::{Block, Reserved, StatementKind};
use crate::pg::name::Name;
use crate::pg::tree::{self, TreeNode};
use pgrx::pg_sys::{self, NodeTag};

/// The kind of a statement.
pub(super) fn kind(node: TreeNode, reserved: &Reserved) -> StatementKind {
    if let Some(statement) = node.get::<pg_sys::TransactionStmt>() {
        return transaction(node, statement);
    }
    if let Some(copy) = node.get::<pg_sys::CopyStmt>() {
        return copy_kind(copy);
    }
    if let Some(set) = node.get::<pg_sys::VariableSetStmt>() {
        return match is_set_transaction(set) {
            // SAFETY: the arguments of SET TRANSACTION are a list of nodes.
            true => StatementKind::SetTransaction(unsafe { Characteristics::of(set.args) }),
            false => StatementKind::Plain,
        };
    }
    if let Some(discard) = node.get::<pg_sys::DiscardStmt>() {
        return match discard.target {
            pg_sys::DiscardMode::DISCARD_ALL => StatementKind::DiscardAll,
            _ => StatementKind::Plain,
        };
    }
    if creates_schema(node, reserved) {
        return StatementKind::OwnSchema;
    }
    if changes_extension(node, reserved) {
        return StatementKind::OwnExtension(node.command());
    }
    match non_transactional(node) {
        Some((command, form)) => StatementKind::NonTransactional(command, form),
        None => StatementKind::Plain,
    }
}

fn transaction(node: TreeNode, statement: &pg_sys::TransactionStmt) -> StatementKind {
    use pg_sys::TransactionStmtKind::*;
    match statement.kind {
        TRANS_STMT_BEGIN | TRANS_STMT_START if statement.options.is_null() => StatementKind::Begin,
        TRANS_STMT_BEGIN | TRANS_STMT_START => {
            // SAFETY: options are a list of nodes.
            StatementKind::BeginWith(unsafe { Characteristics::of(statement.options) })
        }
        TRANS_STMT_COMMIT if !statement.chain => StatementKind::Commit,
        TRANS_STMT_ROLLBACK if !statement.chain => StatementKind::Rollback,
        _ => StatementKind::TransactionControl(node.command()),
    }
}

fn copy_kind(copy: &pg_sys::CopyStmt) -> StatementKind {
    match (copy.filename.is_null(), copy.is_from) {
        (true, true) => {
            // SAFETY: options are a list of nodes.
            match unsafe { text_option(copy.options, c"format") }.as_deref() {
                Some("binary") => StatementKind::ClientCopy("COPY FROM STDIN (FORMAT binary)"),
                _ => StatementKind::CopyData,
            }
        }
        (true, false) => StatementKind::ClientCopy("COPY TO STDOUT"),
        _ => StatementKind::Plain,
    }
}

/// Whether it creates the reserved schema, by its name or by that of its owner.
fn creates_schema(node: TreeNode, reserved: &Reserved) -> bool {
    let Some(create) = node.get::<pg_sys::CreateSchemaStmt>() else { return false };
    // SAFETY: names are C strings or null; a role is a node or null.
    unsafe {
        match (create.schemaname.is_null(), create.authrole.as_ref()) {
            (true, Some(role)) => tree::is(role.rolename, reserved.schema),
            _ => tree::is(create.schemaname, reserved.schema),
        }
    }
}

/// Whether it alters or drops the reserved extension.
fn changes_extension(node: TreeNode, reserved: &Reserved) -> bool {
    // SAFETY: names are C strings or null; what a DROP EXTENSION drops is a list of nodes.
    unsafe {
        if let Some(alter) = node.get::<pg_sys::AlterExtensionStmt>() {
            tree::is(alter.extname, reserved.extension)
        } else if let Some(alter) = node.get::<pg_sys::AlterExtensionContentsStmt>() {
            tree::is(alter.extname, reserved.extension)
        } else if let Some(drop) = node.get::<pg_sys::DropStmt>() {
            drop.removeType == pg_sys::ObjectType::OBJECT_EXTENSION
                && tree::strings(drop.objects)
                    .iter()
                    .any(|name| name.as_bytes() == reserved.extension.to_bytes())
        } else {
            false
        }
    }
}

/// Whether it is a DO or CALL.
pub(super) fn is_block(node: TreeNode) -> bool {
    matches!(node.tag(), NodeTag::T_DoStmt | NodeTag::T_CallStmt)
}

/// What a DO or CALL runs.
pub(super) fn block(node: TreeNode) -> Option<Block> {
    // SAFETY: arguments are a list of nodes; a CALL has a call of a function, whose name is a
    // list of nodes.
    unsafe {
        if let Some(block) = node.get::<pg_sys::DoStmt>() {
            let mut parts = tree::list::<pg_sys::DefElem>(block.args).into_iter();
            let body = parts.find(|part| tree::is(part.defname, c"as"))?;
            return Some(Block::Do(TreeNode::new(body.arg)?.string()?));
        }
        let call = node.get::<pg_sys::CallStmt>()?.funccall.as_ref()?;
        let mut parts = tree::strings(call.funcname);
        let relation = parts.pop()?;
        Some(Block::Call(Name { schema: parts.pop(), relation }))
    }
}

/// The table and the index of a CREATE INDEX IF NOT EXISTS.
pub(super) fn index_if_missing(node: TreeNode) -> Option<(Name, String)> {
    let index = node.get::<pg_sys::IndexStmt>().filter(|index| index.if_not_exists)?;
    // SAFETY: the grammar demands a table and a name.
    unsafe { Some((Name::of(index.relation), tree::text(index.idxname)?)) }
}

/// The extension that it creates.
pub(super) fn creates_extension(node: TreeNode) -> Option<String> {
    let create = node.get::<pg_sys::CreateExtensionStmt>()?;
    // SAFETY: its name is a C string.
    unsafe { tree::text(create.extname) }
}

//! The trees of the parser: their nodes, read as what their tags say, and the memory that holds
//! them.

use super::context::ParserInput;
use super::{catch::catch, memory, raw};
use crate::domain::room;
use crate::error::{Error, Result};
use core::ffi::c_char;
use pgrx::PgList;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, List, NodeTag, RawStmt};
use std::cell::Cell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;

/// A type of nodes.
///
/// # Safety
/// Every node with this tag is of this type.
pub(super) unsafe trait NodeType {
    const TAG: NodeTag;
}

macro_rules! node_types {
    ($($name:ident $tag:ident,)*) => {
        $(
            // SAFETY: so the server names its tags.
            unsafe impl NodeType for pg_sys::$name {
                const TAG: NodeTag = NodeTag::$tag;
            }
        )*
    };
}

node_types! {
    A_Const T_A_Const,
    AlterDatabaseStmt T_AlterDatabaseStmt,
    AlterExtensionContentsStmt T_AlterExtensionContentsStmt,
    AlterExtensionStmt T_AlterExtensionStmt,
    AlterSubscriptionStmt T_AlterSubscriptionStmt,
    AlterTableCmd T_AlterTableCmd,
    AlterTableStmt T_AlterTableStmt,
    CallStmt T_CallStmt,
    ClusterStmt T_ClusterStmt,
    ConstraintsSetStmt T_ConstraintsSetStmt,
    CopyStmt T_CopyStmt,
    CreateExtensionStmt T_CreateExtensionStmt,
    CreateSchemaStmt T_CreateSchemaStmt,
    CreateSubscriptionStmt T_CreateSubscriptionStmt,
    CreateTableSpaceStmt T_CreateTableSpaceStmt,
    CreatedbStmt T_CreatedbStmt,
    DefElem T_DefElem,
    DiscardStmt T_DiscardStmt,
    DoStmt T_DoStmt,
    DropStmt T_DropStmt,
    DropSubscriptionStmt T_DropSubscriptionStmt,
    DropTableSpaceStmt T_DropTableSpaceStmt,
    DropdbStmt T_DropdbStmt,
    FuncCall T_FuncCall,
    IndexElem T_IndexElem,
    IndexStmt T_IndexStmt,
    PartitionCmd T_PartitionCmd,
    PlannedStmt T_PlannedStmt,
    RawStmt T_RawStmt,
    ReindexStmt T_ReindexStmt,
    ResTarget T_ResTarget,
    SelectStmt T_SelectStmt,
    TransactionStmt T_TransactionStmt,
    TypeCast T_TypeCast,
    VacuumStmt T_VacuumStmt,
    VariableSetStmt T_VariableSetStmt,
}

/// A node of a tree.
#[derive(Clone, Copy)]
pub(super) struct TreeNode<'a> {
    node: NonNull<pg_sys::Node>,
    tree: PhantomData<&'a pg_sys::Node>,
}

impl<'a> TreeNode<'a> {
    /// None: null.
    ///
    /// # Safety
    /// Null, or a node that lives as long as the lifetime.
    pub(super) unsafe fn new(node: *mut pg_sys::Node) -> Option<TreeNode<'a>> {
        NonNull::new(node).map(|node| TreeNode { node, tree: PhantomData })
    }

    /// Its tag.
    pub(super) fn tag(self) -> NodeTag {
        // SAFETY: a node, which begins with its tag.
        unsafe { self.node.as_ref().type_ }
    }

    /// The node as one of this type. None: its tag says that it is of another type.
    pub(super) fn get<T: NodeType>(self) -> Option<&'a T> {
        // SAFETY: the tag says that it is of this type.
        (self.tag() == T::TAG).then(|| unsafe { self.node.cast::<T>().as_ref() })
    }

    /// The name of a statement's command, such as `CREATE INDEX`.
    pub(super) fn command(self) -> String {
        command_name(self.command_tag())
    }

    /// A statement's command.
    pub(super) fn command_tag(self) -> pg_sys::CommandTag::Type {
        // SAFETY: a node.
        unsafe { pg_sys::CreateCommandTag(self.node.as_ptr()) }
    }

    /// The text of a String node.
    pub(super) fn string(self) -> Option<String> {
        if self.tag() != NodeTag::T_String {
            return None;
        }
        // SAFETY: read as what its tag says; 14 has it as a Value. The text is a C string.
        unsafe {
            #[cfg(feature = "pg14")]
            return text(self.node.cast::<pg_sys::Value>().as_ref().val.str_);
            #[cfg(not(feature = "pg14"))]
            return text(self.node.cast::<pg_sys::String>().as_ref().sval);
        }
    }

    /// The pointer.
    pub(super) fn as_ptr(self) -> *mut pg_sys::Node {
        self.node.as_ptr()
    }
}

/// The name of a command.
pub(super) fn command_name(command: pg_sys::CommandTag::Type) -> String {
    // SAFETY: names of commands are constant C strings.
    let name = unsafe { CStr::from_ptr(pg_sys::GetCommandTagName(command)) };
    name.to_string_lossy().into_owned()
}

/// The nodes of a list.
///
/// # Safety
/// Null, or a list of nodes that live as long as the lifetime.
pub(super) unsafe fn nodes<'a>(list: *mut List) -> Vec<TreeNode<'a>> {
    // SAFETY: the caller's promise.
    unsafe {
        let list = PgList::<pg_sys::Node>::from_pg(list);
        list.iter_ptr().filter_map(|node| TreeNode::new(node)).collect()
    }
}

/// The nodes of a list that are of a type.
///
/// # Safety
/// As of [`nodes`].
pub(super) unsafe fn list<'a, T: NodeType>(list: *mut List) -> Vec<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { nodes(list) }.into_iter().filter_map(TreeNode::get).collect()
}

/// The texts of a list of String nodes, such as the parts of a name.
///
/// # Safety
/// As of [`nodes`].
pub(super) unsafe fn strings(list: *mut List) -> Vec<String> {
    // SAFETY: the caller's promise.
    unsafe { nodes(list) }.into_iter().filter_map(TreeNode::string).collect()
}

/// A copy of a C string. None: null.
///
/// # Safety
/// Null or a C string.
pub(super) unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Whether a C string is this text.
///
/// # Safety
/// Null or a C string.
pub(super) unsafe fn is(text: *const c_char, expected: &CStr) -> bool {
    // SAFETY: the caller's promise.
    !text.is_null() && unsafe { CStr::from_ptr(text) } == expected
}

/// The tree of a statement as the parser has made it.
///
/// It is in a memory context that all trees of a text own together. When the server has deleted
/// that (see [`memory::Context`]), there is no tree any more.
pub(super) struct Tree {
    memory: Rc<memory::Context>,
    input: Rc<ParserInput>,
    statement: NonNull<RawStmt>,
    // It was analyzed, which changes the tree.
    is_spent: Cell<bool>,
}

impl Tree {
    /// Parses a text. Errors: its syntax errors, with the attached context.
    pub(super) fn parse(input: &Rc<ParserInput>) -> Result<Vec<Tree>> {
        let memory = Rc::new(memory::Context::new()?);
        let sql = input.sql.as_ptr();
        let mode = pg_sys::RawParseMode::RAW_PARSE_DEFAULT;
        // SAFETY: a C string. The trees don't refer to it.
        let statements = memory.enter(|| unsafe { catch(|| raw::raw_parser(sql, mode)) })?;
        // SAFETY: the parser returns a list of statements, which live in the memory.
        let statements = unsafe { nodes(statements) };
        let mut trees = room::list(statements.len());
        trees.extend(statements.into_iter().filter_map(|node| {
            let statement = NonNull::from(node.get::<RawStmt>()?);
            let (memory, input) = (Rc::clone(&memory), Rc::clone(input));
            Some(Tree { memory, input, statement, is_spent: Cell::new(false) })
        }));
        Ok(trees)
    }

    /// What the parser has read.
    pub(super) fn sql(&self) -> &CStr {
        &self.input.sql
    }

    /// The statement's place in what the parser has read: its offset, and its length. A length
    /// of 0 means that it goes on to the end.
    pub(super) fn place(&self) -> (usize, usize) {
        if !self.is_there() {
            return (0, 0);
        }
        // SAFETY: the tree is there.
        let statement = unsafe { self.statement.as_ref() };
        (statement.stmt_location.max(0) as usize, statement.stmt_len.max(0) as usize)
    }

    fn is_there(&self) -> bool {
        self.memory.is_there() && !self.is_spent.get()
    }

    /// Its node. None: there is no tree any more. The node may be used until other code runs
    /// that may delete memory contexts.
    pub(super) fn node(&self) -> Option<TreeNode<'_>> {
        if !self.is_there() {
            return None;
        }
        // SAFETY: the tree is there.
        unsafe { TreeNode::new(self.statement.as_ref().stmt) }
    }

    /// Its node as one of this type. None: it is of another type, or there is no tree any more.
    pub(super) fn get<T: NodeType>(&self) -> Option<&T> {
        self.node().and_then(TreeNode::get)
    }

    /// Changes its node, if it is of this type, with the memory of the tree as the current one.
    pub(super) fn edit<T: NodeType>(&self, change: impl FnOnce(&mut T)) {
        let Some(node) = self.node().filter(|node| node.tag() == T::TAG) else { return };
        let node = node.as_ptr().cast::<T>();
        // SAFETY: the tag says that it is of this type. No other reference to it is alive: they
        // are those of callers, who have none here.
        self.memory.enter(|| change(unsafe { &mut *node }));
    }

    /// The statement for the analysis, which changes it, so that there is no tree afterwards. With
    /// `keeps` the caller analyzes a copy of it. Errors: there is no tree any more (XX000).
    pub(super) fn to_analyze(&self, keeps: bool) -> Result<*mut RawStmt> {
        if !self.is_there() {
            return Err(Error::new(
                Code::ERRCODE_INTERNAL_ERROR,
                "internal error of pg_migrations: a statement has no tree",
            )
            .hint("This is a defect of pg_migrations."));
        }
        self.is_spent.set(!keeps);
        Ok(self.statement.as_ptr())
    }
}

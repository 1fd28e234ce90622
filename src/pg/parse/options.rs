//! Options of statements, and statements that change settings.

use crate::pg::catch::catch;
use crate::pg::raw;
use crate::pg::tree::{self, TreeNode};
use pgrx::pg_sys::{self, List, NodeTag};
use std::ffi::{CStr, CString};

/// Characteristics of a transaction, such as its isolation level, as a BEGIN or SET TRANSACTION
/// of the text has them: settings with their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Characteristics(pub(in crate::pg) Vec<(CString, CString)>);

impl Characteristics {
    /// Adds others. They take precedence where both are given.
    pub fn add(&mut self, others: &Characteristics) {
        self.0.extend_from_slice(&others.0);
    }

    /// # Safety
    /// A list of nodes, or null.
    pub(super) unsafe fn of(options: *mut List) -> Characteristics {
        // SAFETY: the caller's promise.
        let options = unsafe { tree::list::<pg_sys::DefElem>(options) };
        let settings = options.into_iter().filter_map(|option| {
            // SAFETY: a value is a node or null, and a name is a C string.
            let (value, name) =
                unsafe { (TreeNode::new(option.arg)?, CStr::from_ptr(option.defname)) };
            Some((name.to_owned(), constant(value)?))
        });
        Characteristics(settings.collect())
    }
}

/// The text of a constant.
fn constant(node: TreeNode) -> Option<CString> {
    let constant = node.get::<pg_sys::A_Const>()?;
    // SAFETY: the value is read as what its tag says.
    unsafe {
        #[cfg(feature = "pg14")]
        let (tag, number, text) =
            (constant.val.type_, constant.val.val.ival, constant.val.val.str_);
        #[cfg(not(feature = "pg14"))]
        let (tag, number, text) =
            (constant.val.node.type_, constant.val.ival.ival, constant.val.sval.sval);
        match tag {
            NodeTag::T_Integer => CString::new(number.to_string()).ok(),
            NodeTag::T_String => Some(CStr::from_ptr(text).to_owned()),
            _ => None,
        }
    }
}

/// # Safety
/// A list of nodes, or null.
unsafe fn option<'a>(options: *mut List, name: &CStr) -> Option<&'a pg_sys::DefElem> {
    // SAFETY: the caller's promise. Names of options are C strings.
    unsafe {
        let options = tree::list::<pg_sys::DefElem>(options);
        options.into_iter().rfind(|option| tree::is(option.defname, name))
    }
}

/// Whether an option is given.
///
/// # Safety
/// A list of nodes, or null.
pub(super) unsafe fn has_option(options: *mut List, name: &CStr) -> bool {
    // SAFETY: the caller's promise.
    unsafe { option(options, name) }.is_some()
}

/// The value of a boolean option, if it is given. One that is no boolean is for the statement
/// itself to refuse.
///
/// # Safety
/// A list of nodes, or null.
pub(super) unsafe fn bool_option(options: *mut List, name: &CStr) -> Option<bool> {
    // SAFETY: the caller's promise. The server only reads the option.
    unsafe {
        let option = std::ptr::from_ref(option(options, name)?).cast_mut();
        catch(|| raw::defGetBoolean(option)).ok()
    }
}

/// The value of an option as text, if it has one.
///
/// # Safety
/// A list of nodes, or null.
pub(super) unsafe fn text_option(options: *mut List, name: &CStr) -> Option<String> {
    // SAFETY: the caller's promise. The server only reads the option, and returns a C string.
    unsafe {
        let option = option(options, name).filter(|option| !option.arg.is_null())?;
        let option = std::ptr::from_ref(option).cast_mut();
        tree::text(catch(|| raw::defGetString(option)).ok()?)
    }
}

/// Whether a SET is SET TRANSACTION with an isolation level and the like. (SET SESSION
/// CHARACTERISTICS and SET TRANSACTION SNAPSHOT have other names.)
pub(super) fn is_set_transaction(set: &pg_sys::VariableSetStmt) -> bool {
    // SAFETY: a name is a C string or null.
    set.kind == pg_sys::VariableSetKind::VAR_SET_MULTI
        && unsafe { tree::is(set.name, c"TRANSACTION") }
}

/// Whether a statement sets `statement_timeout`.
pub(super) fn sets_timeout(node: TreeNode) -> bool {
    let Some(set) = node.get::<pg_sys::VariableSetStmt>() else { return false };
    // SAFETY: a name is a C string or null.
    let name = unsafe { tree::text(set.name) };
    name.is_some_and(|name| name.eq_ignore_ascii_case("statement_timeout"))
}

/// Whether a statement sets or resets a setting of the session, not only of the transaction.
pub(super) fn sets_session(node: TreeNode) -> bool {
    if let Some(set) = node.get::<pg_sys::VariableSetStmt>() {
        return !set.is_local && !is_set_transaction(set);
    }
    node.get::<pg_sys::SelectStmt>().is_some_and(is_set_config)
}

/// Whether a SELECT does nothing but call set_config() with constants, as pg_dump's do.
fn is_set_config(select: &pg_sys::SelectStmt) -> bool {
    // SAFETY: what a SELECT returns is a list of nodes.
    let targets = unsafe { tree::list::<pg_sys::ResTarget>(select.targetList) };
    select.fromClause.is_null()
        && !targets.is_empty()
        && targets.iter().all(|target| calls_set_config(target))
}

fn calls_set_config(target: &pg_sys::ResTarget) -> bool {
    // SAFETY: a value is a node or null; the name and arguments of a call are lists of nodes.
    unsafe {
        let call = TreeNode::new(target.val).and_then(TreeNode::get::<pg_sys::FuncCall>);
        call.is_some_and(|call| {
            tree::strings(call.funcname).last().is_some_and(|name| name == "set_config")
                && tree::nodes(call.args).into_iter().all(is_constant)
        })
    }
}

fn is_constant(argument: TreeNode) -> bool {
    let argument = match argument.get::<pg_sys::TypeCast>() {
        // SAFETY: what is cast is a node.
        Some(cast) => unsafe { TreeNode::new(cast.arg) },
        None => Some(argument),
    };
    argument.is_some_and(|argument| argument.tag() == NodeTag::T_A_Const)
}

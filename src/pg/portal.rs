//! Running one statement of a script through a portal, as the server runs a statement that a
//! client sends: positions refer to the script, rules and utility statements work as they do
//! there, and what would be sent to the client is kept or dropped.

mod receiver;

use super::context::ScriptErrorContext;
use super::parse::ParsedStatement;
use super::utility::TopLevel;
use super::{catch::catch, copy, memory, raw};
use crate::error::Result;
use core::ffi::c_int;
use pgrx::pg_sys;
use receiver::Receiver;

/// The most rows of a final SELECT that are kept.
pub const KEPT_ROWS: usize = 20;

/// What a statement returned.
#[derive(Debug, Default)]
pub struct Output {
    /// The first [`KEPT_ROWS`] rows of its result, each as JSON.
    pub rows: Vec<String>,
    /// The number of further ones.
    pub more: u64,
    /// Whether the statement returns rows, even if there are none.
    pub has_result: bool,
    /// The first column of the first row, if it is a boolean column.
    pub truth: Option<Truth>,
}

/// The value of a boolean column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Truth {
    True,
    False,
    Null,
    NoRow,
}

/// Runs a statement inside the current transaction, once. With `keep_rows` the output has the
/// statement's rows.
///
/// For the server it is no top-level statement. So the server refuses what can't run inside a
/// transaction.
pub fn run(
    context: &ScriptErrorContext,
    statement: &ParsedStatement,
    keep_rows: bool,
) -> Result<Output> {
    let may_run_again = statement.section.is_some();
    run_with_data(context, statement, || {
        run_at(context, statement, Level { is_top: false, may_run_again }, keep_rows)
    })
}

/// Runs a statement as a top-level one, which may commit by itself: in a procedure, right after a
/// commit, when no snapshot is held. Afterwards a transaction is open, to be committed. Errors:
/// here the transaction can't end (XX000).
pub fn run_top_level(context: &ScriptErrorContext, statement: &ParsedStatement) -> Result<Output> {
    super::transaction::check_may_end()?;
    let _top_level = statement.tree.node().map(|node| TopLevel::next(node.tag()));
    run_with_data(context, statement, || {
        run_at(context, statement, Level { is_top: true, may_run_again: true }, true)
    })
}

/// Runs a statement with its data in the place of the client's, if it is a COPY with data.
fn run_with_data(
    context: &ScriptErrorContext,
    statement: &ParsedStatement,
    run: impl FnOnce() -> Result<Output>,
) -> Result<Output> {
    let Some(range) = &statement.data else { return run() };
    copy::lock_table(statement)?;
    copy::read_as_utf8(statement);
    context.enter_data(Some((range.start, copy::table(statement))));
    let text = context.text().get(range.clone()).unwrap_or_default();
    let output = copy::with_data(text, run)?;
    context.enter_data(None);
    Ok(output)
}

/// How a statement is run.
#[derive(Clone, Copy)]
struct Level {
    /// As a top-level statement, which may commit.
    is_top: bool,
    /// The statement may have to run once more.
    may_run_again: bool,
}

fn run_at(
    context: &ScriptErrorContext,
    statement: &ParsedStatement,
    level: Level,
    keep_rows: bool,
) -> Result<Output> {
    let memory = memory::Context::new()?;
    let mut receiver = Receiver::new(&memory);
    let received = (&raw mut receiver).cast::<pg_sys::DestReceiver>();
    let text = statement.tree.sql().as_ptr();
    let command = statement.command_tag();
    // A parallel worker shows the whole text in pg_stat_activity.
    let is_secret = !context.mask().is_empty();
    let options = if is_secret { 0 } else { pg_sys::CURSOR_OPT_PARALLEL_OK as c_int };
    let tree = statement.tree.to_analyze(level.may_run_again)?;
    // SAFETY: the server's own sequence for a simple query. The tree is of this text. Only
    // pointers are alive in the closure, and the receiver and what it points to live on.
    memory.enter(|| unsafe {
        catch(|| {
            let tree = match level.may_run_again {
                true => raw::copyObjectImpl(tree.cast()).cast(),
                false => tree,
            };
            let plans = plan(tree, text, options);
            let portal = raw::CreateNewPortal();
            (*portal).visible = false;
            if !level.is_top {
                use_callers_owner(portal);
            }
            let (name, cached) = (std::ptr::null(), std::ptr::null_mut());
            raw::PortalDefineQuery(portal, name, text, command, plans, cached);
            raw::PortalStart(portal, std::ptr::null_mut(), 0, std::ptr::null_mut());
            run_portal(portal, if keep_rows { received } else { pg_sys::None_Receiver });
            release_snapshot(portal);
            raw::PortalDrop(portal, false);
            raw::CommandCounterIncrement();
        })
    })?;
    receiver.output(&memory)
}

/// Has a new portal work under the resource owner of its caller, as statements of SPI do. Releasing
/// an owner of its own walks all locks of the transaction once the statement has taken more than
/// a few, which is quadratic in a run of many statements.
///
/// # Safety
/// A portal in which nothing has run.
unsafe fn use_callers_owner(portal: pg_sys::Portal) {
    // SAFETY: the owner is as new as the portal, so it holds nothing.
    unsafe {
        raw::ResourceOwnerDelete((*portal).resowner);
        (*portal).resowner = std::ptr::null_mut();
    }
}

/// Releases the snapshot of a portal's rows. PortalDrop does so only if the portal has a
/// resource owner.
///
/// # Safety
/// A portal that has run under the current resource owner, or under its own.
unsafe fn release_snapshot(portal: pg_sys::Portal) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*portal).resowner.is_null() && !(*portal).holdSnapshot.is_null() {
            raw::UnregisterSnapshot((*portal).holdSnapshot);
            (*portal).holdSnapshot = std::ptr::null_mut();
        }
    }
}

/// # Safety
/// Inside of `catch`; a tree that wasn't analyzed, and its text.
unsafe fn plan(
    tree: *mut pg_sys::RawStmt,
    text: *const core::ffi::c_char,
    options: c_int,
) -> *mut pg_sys::List {
    // SAFETY: the caller's promise.
    unsafe {
        let needs_snapshot = raw::analyze_requires_snapshot(tree);
        if needs_snapshot {
            raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
        }
        let queries = analyze(tree, text);
        let plans = raw::pg_plan_queries(queries, text, options, std::ptr::null_mut());
        if needs_snapshot {
            raw::PopActiveSnapshot();
        }
        plans
    }
}

/// # Safety
/// As of [`plan`].
unsafe fn analyze(tree: *mut pg_sys::RawStmt, text: *const core::ffi::c_char) -> *mut pg_sys::List {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(feature = "pg14")]
        return raw::pg_analyze_and_rewrite(
            tree,
            text,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        #[cfg(not(feature = "pg14"))]
        return raw::pg_analyze_and_rewrite_fixedparams(
            tree,
            text,
            std::ptr::null(),
            0,
            std::ptr::null_mut(),
        );
    }
}

/// # Safety
/// Inside of `catch`; a portal that was started, and a receiver that is there.
unsafe fn run_portal(portal: pg_sys::Portal, destination: *mut pg_sys::DestReceiver) {
    const TOP_LEVEL: bool = false;
    const ALL: core::ffi::c_long = core::ffi::c_long::MAX;
    // Rules may add queries with rows of other shapes; theirs are notext's answer.
    // SAFETY: the caller's promise.
    unsafe {
        let others = pg_sys::None_Receiver;
        #[cfg(feature = "pg18")]
        raw::PortalRun(portal, ALL, TOP_LEVEL, destination, others, std::ptr::null_mut());
        #[cfg(not(feature = "pg18"))]
        raw::PortalRun(portal, ALL, TOP_LEVEL, true, destination, others, std::ptr::null_mut());
    }
}

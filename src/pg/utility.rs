//! Our hook for utility statements.
//!
//! It notes what statements leave for the end of their transaction ([`super::leftover`]), and lets
//! statements that commit by themselves run inside a call of ours. The server only lets top-level
//! statements do that. Other libraries see the statements in their own hooks, and may refuse a
//! top-level one while the client's statement runs, as pgaudit does. So the statement runs like one
//! of a function, and becomes a top-level one in our own hook. Libraries that were loaded after
//! ours, whose hooks are around it, see an ordinary nested statement.

use super::{guc, leftover, raw};
use core::ffi::c_char;
use pgrx::pg_sys::{
    DestReceiver, NodeTag, ParamListInfo, PlannedStmt, ProcessUtility_hook,
    ProcessUtility_hook_type, ProcessUtilityContext, QueryCompletion, QueryEnvironment,
};
use std::cell::Cell;
use std::sync::OnceLock;

/// The hook that was installed before ours.
static FORMER: OnceLock<ProcessUtility_hook_type> = OnceLock::new();
/// Whether a library whose hook is inside of ours refuses nested top-level statements.
static REFUSES: OnceLock<bool> = OnceLock::new();

/// Defined by pgaudit when it is loaded.
const OF_PGAUDIT: &str = "pgaudit.log";

thread_local! {
    // The kind of the statement that our hook makes a top-level one.
    static NEXT: Cell<Option<NodeTag>> = const { Cell::new(None) };
}

/// Installs the hook. To be called once, when the library is loaded, since libraries that are
/// loaded later may have kept a pointer to it.
pub fn watch() {
    REFUSES.get_or_init(|| guc::is_defined(OF_PGAUDIT));
    // SAFETY: the hook is this process's own; the function is never unloaded.
    unsafe {
        FORMER.get_or_init(|| ProcessUtility_hook);
        ProcessUtility_hook = Some(hook);
    }
}

/// Whether statements that commit by themselves can't run inside a call, because pgaudit was
/// loaded before this library.
pub fn are_refused() -> bool {
    REFUSES.get().copied().unwrap_or_default()
}

/// While it lives, the next utility statement of a kind is made a top-level one.
#[must_use]
pub(super) struct TopLevel(());

impl TopLevel {
    /// The next statement is of this kind.
    pub(super) fn next(kind: NodeTag) -> TopLevel {
        NEXT.set(Some(kind));
        TopLevel(())
    }
}

impl Drop for TopLevel {
    fn drop(&mut self) {
        NEXT.set(None);
    }
}

#[allow(clippy::too_many_arguments)]
unsafe extern "C-unwind" fn hook(
    statement: *mut PlannedStmt,
    text: *const c_char,
    read_only: bool,
    context: ProcessUtilityContext::Type,
    parameters: ParamListInfo,
    environment: *mut QueryEnvironment,
    destination: *mut DestReceiver,
    completion: *mut QueryCompletion,
) {
    // SAFETY: the server's arguments are passed on. No destructor is alive here.
    unsafe {
        let mut context = context;
        if context == ProcessUtilityContext::PROCESS_UTILITY_QUERY
            && NEXT.get() == Some((*(*statement).utilityStmt).type_)
        {
            NEXT.set(None);
            context = ProcessUtilityContext::PROCESS_UTILITY_TOPLEVEL;
        }
        let seen = leftover::see((*statement).utilityStmt);
        let run = FORMER.get().copied().flatten().unwrap_or(raw::standard_ProcessUtility);
        run(statement, text, read_only, context, parameters, environment, destination, completion);
        leftover::note(seen);
    }
}

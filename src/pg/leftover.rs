//! What statements leave for the end of their transaction, noted while they run.
//!
//! The catalog has neither the ON COMMIT action of a temporary table nor the modes of SET
//! CONSTRAINTS, and the server's own lists are private. So our hook for utility statements notes
//! them, also when a function or DO block runs the statement. Notes of a subtransaction are
//! removed by its rollback, and all notes at the end of the transaction.

use super::{catch::catch, raw};
use crate::error::Result;
use core::ffi::{CStr, c_char, c_int, c_void};
use pgrx::PgList;
use pgrx::pg_sys::{self, NodeTag, Oid};
use std::cell::{Cell, RefCell};

/// A mode that SET CONSTRAINTS has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintMode {
    /// The constraint's name, and its schema if the statement has it; None: ALL.
    pub constraint: Option<(Option<String>, String)>,
    /// DEFERRED, not IMMEDIATE.
    pub deferred: bool,
}

enum Leftover {
    /// A temporary table with an ON COMMIT action.
    Temporary {
        table: Oid,
        drops: bool,
    },
    ConstraintMode(ConstraintMode),
}

struct Note {
    what: Leftover,
    subtransaction: pg_sys::SubTransactionId,
    // It was noted during a [`Watch`], so it isn't the caller's.
    is_watched: bool,
}

thread_local! {
    static NOTES: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
    static WATCHES: Cell<bool> = const { Cell::new(false) };
}

/// Makes the server report the ends of transactions. To be called once, when the library is
/// loaded.
pub fn watch() {
    // SAFETY: functions of this library, which is never unloaded.
    unsafe {
        pg_sys::RegisterXactCallback(Some(ended), core::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_ended), core::ptr::null_mut());
    }
}

unsafe extern "C-unwind" fn ended(event: pg_sys::XactEvent::Type, _: *mut c_void) {
    use pg_sys::XactEvent::*;
    if [XACT_EVENT_COMMIT, XACT_EVENT_ABORT, XACT_EVENT_PREPARE].contains(&event) {
        NOTES.with_borrow_mut(Vec::clear);
    }
}

unsafe extern "C-unwind" fn subtransaction_ended(
    event: pg_sys::SubXactEvent::Type,
    own: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _: *mut c_void,
) {
    use pg_sys::SubXactEvent::*;
    NOTES.with_borrow_mut(|notes| match event {
        SUBXACT_EVENT_ABORT_SUB => notes.retain(|note| note.subtransaction != own),
        SUBXACT_EVENT_COMMIT_SUB => {
            for note in notes.iter_mut().filter(|note| note.subtransaction == own) {
                note.subtransaction = parent;
            }
        }
        _ => {}
    });
}

/// While it lives, statements are not the caller's, and what they leave is noted as such.
#[must_use]
pub struct Watch(());

impl Watch {
    /// Begins.
    pub fn begin() -> Watch {
        WATCHES.set(true);
        Watch(())
    }
}

/// Whether a [`Watch`] lives.
pub fn watches() -> bool {
    WATCHES.get()
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHES.set(false);
    }
}

/// What our hook has found in a statement before it runs.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    /// Nothing to note.
    Nothing,
    /// It creates a temporary table: its name, the table that had it before, and whether a commit
    /// drops it.
    Temporary(*const c_char, Oid, bool),
    /// It sets modes.
    Modes(*const pg_sys::ConstraintsSetStmt),
}

/// Looks at a statement before it runs. May raise the server's errors.
///
/// # Safety
/// A node of a utility statement. To be called where a longjmp meets no destructor.
pub(super) unsafe fn see(node: *const pg_sys::Node) -> Seen {
    // SAFETY: each node is read as what its tag says that it is.
    unsafe {
        let (relation, action) = match (*node).type_ {
            NodeTag::T_ConstraintsSetStmt => return Seen::Modes(node.cast()),
            NodeTag::T_CreateStmt => {
                let create = node.cast::<pg_sys::CreateStmt>();
                ((*create).relation, (*create).oncommit)
            }
            NodeTag::T_CreateTableAsStmt => into(node),
            NodeTag::T_ExplainStmt => {
                let query = (*node.cast::<pg_sys::ExplainStmt>()).query.cast::<pg_sys::Query>();
                match (*query).type_ {
                    NodeTag::T_Query if !(*query).utilityStmt.is_null() => {
                        match (*(*query).utilityStmt).type_ {
                            NodeTag::T_CreateTableAsStmt => into((*query).utilityStmt),
                            _ => return Seen::Nothing,
                        }
                    }
                    _ => return Seen::Nothing,
                }
            }
            _ => return Seen::Nothing,
        };
        let drops = action == pg_sys::OnCommitAction::ONCOMMIT_DROP;
        if !WATCHES.get()
            || relation.is_null()
            || !(drops || action == pg_sys::OnCommitAction::ONCOMMIT_DELETE_ROWS)
        {
            return Seen::Nothing;
        }
        let name = (*relation).relname;
        Seen::Temporary(name, find(name), drops)
    }
}

unsafe fn into(node: *const pg_sys::Node) -> (*mut pg_sys::RangeVar, pg_sys::OnCommitAction::Type) {
    // SAFETY: the caller has seen the tag.
    unsafe {
        let into = (*node.cast::<pg_sys::CreateTableAsStmt>()).into;
        ((*into).rel, (*into).onCommit)
    }
}

/// The temporary relation of a name.
unsafe fn find(name: *const c_char) -> Oid {
    let (mut schema, mut toast) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: reads variables of this process; a look-up by a C string.
    unsafe {
        pg_sys::GetTempNamespaceState(&mut schema, &mut toast);
        match schema == pg_sys::InvalidOid {
            true => pg_sys::InvalidOid,
            false => raw::get_relname_relid(name, schema),
        }
    }
}

/// Notes what a statement has left after it ran. May raise the server's errors.
///
/// # Safety
/// As of [`see`], which has seen the statement.
pub(super) unsafe fn note(seen: Seen) {
    // SAFETY: the statement still exists.
    unsafe {
        match seen {
            Seen::Nothing => {}
            Seen::Temporary(name, former, drops) => {
                let table = find(name);
                // With IF NOT EXISTS the table may have existed before.
                if table != pg_sys::InvalidOid && table != former {
                    add(Leftover::Temporary { table, drops });
                }
            }
            Seen::Modes(statement) => {
                let deferred = (*statement).deferred;
                if (*statement).constraints.is_null() {
                    add(Leftover::ConstraintMode(ConstraintMode { constraint: None, deferred }));
                }
                let names = PgList::<pg_sys::RangeVar>::from_pg((*statement).constraints);
                for name in names.iter_ptr() {
                    let schema = (!(*name).schemaname.is_null()).then(|| text((*name).schemaname));
                    let constraint = Some((schema, text((*name).relname)));
                    add(Leftover::ConstraintMode(ConstraintMode { constraint, deferred }));
                }
            }
        }
    }
}

unsafe fn text(name: *const c_char) -> String {
    // SAFETY: a name of the parser is a C string.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

fn add(what: Leftover) {
    // SAFETY: reads a variable of this process.
    let subtransaction = unsafe { pg_sys::GetCurrentSubTransactionId() };
    let is_watched = WATCHES.get();
    NOTES.with_borrow_mut(|notes| {
        // Only the last mode of a constraint counts.
        if let Leftover::ConstraintMode(new) = &what {
            let is_former = |note: &Note| {
                matches!(&note.what, Leftover::ConstraintMode(mode) if mode.constraint == new.constraint)
                    && note.subtransaction == subtransaction
                    && note.is_watched == is_watched
            };
            notes.retain(|note| !is_former(note));
        }
        notes.push(Note { what, subtransaction, is_watched });
    });
}

/// Notes that modes were set by other means than a statement.
pub fn note_modes(names: &[(&str, &str)], deferred: bool) {
    for (schema, name) in names {
        let constraint = Some((Some((*schema).to_owned()), (*name).to_owned()));
        add(Leftover::ConstraintMode(ConstraintMode { constraint, deferred }));
    }
}

/// The modes that the caller has set in this transaction, the last one first.
pub fn callers_modes() -> Vec<ConstraintMode> {
    NOTES.with_borrow(|notes| {
        let callers = notes.iter().rev().filter(|note| !note.is_watched);
        callers.filter_map(|note| note.what.mode().cloned()).collect()
    })
}

/// The modes that watched statements have set by name. They are removed.
pub fn take_modes() -> Vec<ConstraintMode> {
    let is_taken = |note: &Note| {
        note.is_watched && note.what.mode().is_some_and(|mode| mode.constraint.is_some())
    };
    NOTES.with_borrow_mut(|notes| {
        let taken = notes.iter().filter(|note| is_taken(note));
        let modes = taken.filter_map(|note| note.what.mode().cloned()).collect();
        notes.retain(|note| !is_taken(note));
        modes
    })
}

/// Whether a watched statement has set the modes of all constraints, including later ones.
pub fn has_set_all_modes() -> bool {
    NOTES.with_borrow(|notes| {
        let mut watched = notes.iter().filter(|note| note.is_watched);
        watched.any(|note| note.what.mode().is_some_and(|mode| mode.constraint.is_none()))
    })
}

impl Leftover {
    fn mode(&self) -> Option<&ConstraintMode> {
        match self {
            Leftover::ConstraintMode(mode) => Some(mode),
            Leftover::Temporary { .. } => None,
        }
    }
}

/// Does what a commit does with the temporary tables that watched statements have created in this
/// transaction: drops those with ON COMMIT DROP, and empties those with ON COMMIT DELETE ROWS.
/// Errors: one of them is still in use (55006).
pub fn end_temporaries() -> Result<()> {
    let (dropped, emptied) = NOTES.with_borrow_mut(|notes| {
        let (mut dropped, mut emptied) = (Vec::new(), Vec::new());
        notes.retain(|note| match note.what {
            // Its oid can only be that of another table after four billion others.
            Leftover::Temporary { table, drops } if is_temporary(table) => {
                if drops { &mut dropped } else { &mut emptied }.push(table);
                !drops
            }
            Leftover::Temporary { .. } => false,
            Leftover::ConstraintMode(_) => true,
        });
        (dropped, emptied)
    });
    if dropped.is_empty() && emptied.is_empty() {
        return Ok(());
    }
    let mut list = core::ptr::null_mut();
    for table in &emptied {
        // SAFETY: a list in the current memory context.
        list = unsafe { pg_sys::lappend_oid(list, *table) };
    }
    let (first, count) = (dropped.as_ptr(), dropped.len());
    // SAFETY: as the server does before a commit. The tables exist, and were created in this
    // transaction, so that a rollback needs none of their rows. Only pointers are alive in the
    // closure; `dropped` outlives it.
    unsafe {
        catch(|| {
            raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
            raw::heap_truncate(list);
            for n in 0..count {
                // The drop of one may have dropped another one.
                if is_temporary(*first.add(n)) {
                    let object = pg_sys::ObjectAddress {
                        classId: pg_sys::RelationRelationId,
                        objectId: *first.add(n),
                        objectSubId: 0,
                    };
                    let flags =
                        pg_sys::PERFORM_DELETION_INTERNAL | pg_sys::PERFORM_DELETION_QUIETLY;
                    raw::performDeletion(
                        &object,
                        pg_sys::DropBehavior::DROP_CASCADE,
                        flags as c_int,
                    );
                }
            }
            raw::PopActiveSnapshot();
            raw::CommandCounterIncrement();
        })?;
    }
    Ok(())
}

/// Whether a table exists and is a temporary one of this session.
fn is_temporary(table: Oid) -> bool {
    let (mut schema, mut toast) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: reads variables of this process; a look-up that gives 0 if there is none.
    unsafe {
        pg_sys::GetTempNamespaceState(&mut schema, &mut toast);
        schema != pg_sys::InvalidOid && raw::get_rel_namespace(table) == schema
    }
}

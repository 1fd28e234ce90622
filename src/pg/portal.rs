//! Running one statement of a body, through a portal, as the server runs a statement
//! that a client sends: positions refer to the body, rules and utility statements work
//! as they do there, and what would be sent to the client is kept or dropped.

use super::context::ScriptErrorContext;
use super::copy::{self, Feed};
use super::memory;
use super::parse::ParsedStatement;
use super::text::{self, KEPT_MESSAGES, LONGEST_MESSAGE};
use super::utility::TopLevel;
use super::{catch::catch, raw};
use crate::error::{Error, Result};
use core::ffi::c_int;
use pgrx::pg_sys::{self, Datum};
use std::ffi::CStr;

/// The most rows of a final SELECT that are kept.
pub const KEPT_ROWS: usize = 20;

/// Receives the rows of a statement: keeps the first ones and counts the rest.
#[repr(C)]
struct Receiver {
    base: pg_sys::DestReceiver,
    // In the memory that the statement runs in, where its rows are kept.
    memory: pg_sys::MemoryContext,
    descriptor: pg_sys::TupleDesc,
    tuples: [pg_sys::HeapTuple; KEPT_ROWS],
    // How large each of them is, in bytes: of one that is too large, no tuple is kept.
    sizes: [usize; KEPT_ROWS],
    count: u64,
}

unsafe extern "C-unwind" fn startup(
    receiver: *mut pg_sys::DestReceiver,
    _operation: c_int,
    descriptor: pg_sys::TupleDesc,
) {
    // SAFETY: our own receiver, as made in `run`; frames without destructors.
    unsafe {
        let receiver = receiver.cast::<Receiver>();
        let former = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = (*receiver).memory;
        // Rows are read with the descriptor that they came with, so one start, one set of rows.
        (*receiver).count = 0;
        (*receiver).descriptor = raw::BlessTupleDesc(raw::CreateTupleDescCopy(descriptor));
        pg_sys::CurrentMemoryContext = former;
    }
}

unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: as above.
    unsafe {
        let receiver = receiver.cast::<Receiver>();
        let n = (*receiver).count as usize;
        if n < KEPT_ROWS {
            let former = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = (*receiver).memory;
            (*receiver).tuples[n] = std::ptr::null_mut();
            (*receiver).sizes[n] = size(slot);
            // Every kind of slot has this function. Of the first row the truth is asked.
            if let Some(copy) = (*(*slot).tts_ops).copy_heap_tuple
                && (n == 0 || (*receiver).sizes[n] <= LONGEST_MESSAGE)
            {
                (*receiver).tuples[n] = copy(slot);
            }
            pg_sys::CurrentMemoryContext = former;
        }
        (*receiver).count += 1;
        true
    }
}

/// How large the values of a row are, were they unpacked.
unsafe fn size(slot: *mut pg_sys::TupleTableSlot) -> usize {
    // SAFETY: called with the slot of a row, whose columns the descriptor tells.
    unsafe {
        let descriptor = (*slot).tts_tupleDescriptor;
        let count = (*descriptor).natts as usize;
        if ((*slot).tts_nvalid as usize) < count {
            raw::slot_getsomeattrs_int(slot, count as c_int);
        }
        let mut size = 0;
        for n in 0..count {
            if *(*slot).tts_isnull.add(n) {
                continue;
            }
            let value = *(*slot).tts_values.add(n);
            size += match column_length(descriptor, n) {
                -1 => raw::toast_raw_datum_size(value),
                -2 => CStr::from_ptr(value.cast_mut_ptr()).count_bytes(),
                length => length as usize,
            };
        }
        size
    }
}

/// The length of a column's type, as the catalog has it.
unsafe fn column_length(descriptor: pg_sys::TupleDesc, n: usize) -> i16 {
    // SAFETY: the caller's column is one of the descriptor.
    unsafe {
        #[cfg(feature = "pg18")]
        return (*pg_sys::TupleDescAttr(descriptor, n as c_int)).attlen;
        #[cfg(not(feature = "pg18"))]
        return (*(*descriptor).attrs.as_ptr().add(n)).attlen;
    }
}

unsafe extern "C-unwind" fn nothing(_receiver: *mut pg_sys::DestReceiver) {}

/// What a statement gave.
#[derive(Debug, Default)]
pub struct Output {
    /// The first [`KEPT_ROWS`] rows of its result, each as JSON.
    pub rows: Vec<String>,
    /// The number of further ones.
    pub more: u64,
    /// Whether it is a statement that gives rows, be it none.
    pub has_result: bool,
    /// The first column of the first row, if it is a boolean column.
    pub truth: Option<Truth>,
}

/// What a boolean column gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Truth {
    True,
    False,
    Null,
    NoRow,
}

/// Runs a statement inside the current transaction. With `keep_rows` it tells of what the
/// statement gave.
///
/// Not a top-level statement for the server, which therefore refuses in it what a
/// transaction can't hold.
pub fn run(
    context: &ScriptErrorContext,
    statement: &ParsedStatement,
    keep_rows: bool,
) -> Result<Output> {
    run_at(context, statement, keep_rows, false)
}

/// Runs a statement as a top-level one, which may commit by itself: in a procedure, right
/// after a commit, when no snapshot is held. Afterwards a transaction is open, to be
/// committed.
pub fn run_top_level(context: &ScriptErrorContext, statement: &ParsedStatement) -> Result<Output> {
    run_at(context, statement, true, true)
}

fn run_at(
    context: &ScriptErrorContext,
    statement: &ParsedStatement,
    keep_rows: bool,
    top_level: bool,
) -> Result<Output> {
    let memory = memory::Context::new()?;
    let body = context.sql().as_ptr();
    let tree = statement.tree;
    // A parallel worker shows the whole text in pg_stat_activity.
    let options =
        if context.mask().is_empty() { pg_sys::CURSOR_OPT_PARALLEL_OK as c_int } else { 0 };
    let mut receiver = Receiver {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive),
            rStartup: Some(startup),
            rShutdown: Some(nothing),
            rDestroy: Some(nothing),
            mydest: pg_sys::CommandDest::DestNone,
        },
        memory: memory.raw(),
        descriptor: std::ptr::null_mut(),
        tuples: [std::ptr::null_mut(); KEPT_ROWS],
        sizes: [0; KEPT_ROWS],
        count: 0,
    };
    let kept = &raw mut receiver;
    // SAFETY: a node of the parser.
    let _top_level = top_level.then(|| TopLevel::next(unsafe { (*(*tree).stmt).type_ }));
    let feed = match &statement.data {
        Some(range) => {
            copy::lock_table(statement)?;
            copy::read_as_utf8(statement);
            context.enter_data(Some((range.start, copy::table(statement))));
            let text = context.text().get(range.clone()).unwrap_or_default();
            Some(Feed::begin(text).ok_or(Error::OutOfMemory)?)
        }
        None => None,
    };
    let may_run_again = top_level || statement.section.is_some();
    // SAFETY: the server's own sequence for a simple query. The tree is of this body and
    // used once; only pointers are alive in the closure.
    memory.enter(|| unsafe {
        catch(|| {
            // What is to be run once more, should another session be faster, stays as it is.
            let tree = match may_run_again {
                true => raw::copyObjectImpl(tree.cast()).cast(),
                false => tree,
            };
            let needs_snapshot = raw::analyze_requires_snapshot(tree);
            if needs_snapshot {
                raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
            }
            let queries = analyze(tree, body);
            let plans = raw::pg_plan_queries(queries, body, options, std::ptr::null_mut());
            if needs_snapshot {
                raw::PopActiveSnapshot();
            }
            let portal = raw::CreateNewPortal();
            (*portal).visible = false;
            raw::PortalDefineQuery(
                portal,
                std::ptr::null(),
                body,
                pg_sys::CreateCommandTag((*tree).stmt),
                plans,
                std::ptr::null_mut(),
            );
            raw::PortalStart(portal, std::ptr::null_mut(), 0, std::ptr::null_mut());
            let destination = if keep_rows { &raw mut (*kept).base } else { pg_sys::None_Receiver };
            run_portal(portal, destination);
            raw::PortalDrop(portal, false);
            raw::CommandCounterIncrement();
        })
    })?;
    drop(feed);
    context.enter_data(None);
    let rows = (receiver.count as usize).min(KEPT_ROWS);
    let texts = kept_rows(&memory, &receiver, rows)?;
    Ok(Output {
        more: receiver.count - texts.len() as u64,
        rows: texts,
        has_result: !receiver.descriptor.is_null(),
        // SAFETY: the first tuple, if there is one, was made with the descriptor.
        truth: unsafe {
            truth(
                if rows > 0 { receiver.tuples[0] } else { std::ptr::null_mut() },
                receiver.descriptor,
            )
        },
    })
}

unsafe fn truth(first: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Option<Truth> {
    // SAFETY: the caller's promise; a null pointer is looked at as such.
    unsafe {
        if descriptor.is_null() || (*descriptor).natts == 0 {
            return None;
        }
        let column = pg_sys::getBaseType(pg_sys::SPI_gettypeid(descriptor, 1));
        if column != pg_sys::BOOLOID {
            return None;
        }
        if first.is_null() {
            return Some(Truth::NoRow);
        }
        let mut null = false;
        let value = raw::SPI_getbinval(first, descriptor, 1, &mut null);
        Some(match value.value() {
            _ if null => Truth::Null,
            0 => Truth::False,
            _ => Truth::True,
        })
    }
}

unsafe fn analyze(tree: *mut pg_sys::RawStmt, body: *const core::ffi::c_char) -> *mut pg_sys::List {
    // SAFETY: called by `run_at` alone, which has the tree and body of one statement.
    unsafe {
        #[cfg(feature = "pg14")]
        return raw::pg_analyze_and_rewrite(
            tree,
            body,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        #[cfg(not(feature = "pg14"))]
        return raw::pg_analyze_and_rewrite_fixedparams(
            tree,
            body,
            std::ptr::null(),
            0,
            std::ptr::null_mut(),
        );
    }
}

unsafe fn run_portal(portal: pg_sys::Portal, destination: *mut pg_sys::DestReceiver) {
    const TOP_LEVEL: bool = false;
    const ALL: core::ffi::c_long = core::ffi::c_long::MAX;
    // Rules may add queries with rows of other shapes; theirs are nobody's answer.
    // SAFETY: called by `run_at` alone, with a portal that it has started.
    unsafe {
        let others = pg_sys::None_Receiver;
        #[cfg(feature = "pg18")]
        raw::PortalRun(portal, ALL, TOP_LEVEL, destination, others, std::ptr::null_mut());
        #[cfg(not(feature = "pg18"))]
        raw::PortalRun(portal, ALL, TOP_LEVEL, true, destination, others, std::ptr::null_mut());
    }
}

/// The first rows, as far as there is room for them; of a large one, how large it is.
fn kept_rows(memory: &memory::Context, receiver: &Receiver, count: usize) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut room = KEPT_MESSAGES;
    for (tuple, size) in receiver.tuples[..count].iter().zip(receiver.sizes) {
        let text = match size > LONGEST_MESSAGE {
            true => format!("(a row of {size} bytes)"),
            false => as_json(memory, *tuple, receiver.descriptor)?,
        };
        let Some(left) = room.checked_sub(text.len()) else { break };
        room = left;
        texts.push(text);
    }
    Ok(texts)
}

fn as_json(
    memory: &memory::Context,
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
) -> Result<String> {
    // SAFETY: a tuple and the descriptor that it was made with, both in this memory.
    let text = memory.enter(|| unsafe {
        catch(|| {
            let row: Datum = raw::heap_copy_tuple_as_datum(tuple, descriptor);
            let json = raw::DirectFunctionCall1Coll(raw::row_to_json, pg_sys::InvalidOid, row);
            raw::text_to_cstring(json.cast_mut_ptr())
        })
    })?;
    // SAFETY: a C string in memory that is still there.
    Ok(text::bounded(&unsafe { CStr::from_ptr(text) }.to_string_lossy()))
}

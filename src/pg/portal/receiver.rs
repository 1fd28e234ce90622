//! The rows of a statement: the first ones are kept, the others counted.

use super::{KEPT_ROWS, Output, Truth};
use crate::domain::text::{self, KEPT_MESSAGES, LONGEST_MESSAGE};
use crate::error::Result;
use crate::pg::{catch::catch, memory, raw};
use core::ffi::c_int;
use pgrx::pg_sys::{self, Datum};
use std::ffi::CStr;

/// Receives the rows of a statement.
#[repr(C)]
pub(super) struct Receiver {
    base: pg_sys::DestReceiver,
    // In the memory that the statement runs in, where its rows are kept.
    memory: pg_sys::MemoryContext,
    descriptor: pg_sys::TupleDesc,
    tuples: [pg_sys::HeapTuple; KEPT_ROWS],
    // How large each of them is, in bytes: of one that is too large, no tuple is kept.
    sizes: [usize; KEPT_ROWS],
    count: u64,
}

impl Receiver {
    /// One that keeps rows in this memory.
    pub(super) fn new(memory: &memory::Context) -> Receiver {
        Receiver {
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
        }
    }

    /// What the statement returned. The memory is the one that the receiver was made with.
    pub(super) fn output(&self, memory: &memory::Context) -> Result<Output> {
        if !memory.is_there() || self.descriptor.is_null() {
            return Ok(Output { more: self.count, ..Output::default() });
        }
        let count = (self.count as usize).min(KEPT_ROWS);
        let rows = self.texts(memory, count)?;
        Ok(Output {
            more: self.count - rows.len() as u64,
            rows,
            has_result: true,
            // SAFETY: the tuples that are there were made with the descriptor.
            truth: unsafe { truth(self.first(count), self.descriptor) },
        })
    }

    fn first(&self, count: usize) -> Option<pg_sys::HeapTuple> {
        self.tuples[..count].first().copied().filter(|tuple| !tuple.is_null())
    }

    /// The first rows, as far as there is room for them; of a large one, how large it is.
    fn texts(&self, memory: &memory::Context, count: usize) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        let mut room = KEPT_MESSAGES;
        for (tuple, size) in self.tuples[..count].iter().zip(self.sizes) {
            let text = match size > LONGEST_MESSAGE || tuple.is_null() {
                true => format!("(a row of {size} bytes)"),
                // SAFETY: a tuple that was kept, and its descriptor, both in this memory.
                false => unsafe { as_json(memory, *tuple, self.descriptor) }?,
            };
            let Some(left) = room.checked_sub(text.len()) else { break };
            room = left;
            texts.push(text);
        }
        Ok(texts)
    }
}

unsafe extern "C-unwind" fn startup(
    receiver: *mut pg_sys::DestReceiver,
    _operation: c_int,
    descriptor: pg_sys::TupleDesc,
) {
    // SAFETY: called with our own receiver, by a statement that runs; its memory is there. No
    // frame has a destructor.
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
            // Every kind of slot has this function. The first row is needed for the truth.
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

/// How large the values of a row are when they are unpacked.
///
/// # Safety
/// The slot of a row, inside of the server's executor.
unsafe fn size(slot: *mut pg_sys::TupleTableSlot) -> usize {
    // SAFETY: the caller's promise. The descriptor has the columns.
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
///
/// # Safety
/// A descriptor that has this column.
unsafe fn column_length(descriptor: pg_sys::TupleDesc, n: usize) -> i16 {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(feature = "pg18")]
        return (*pg_sys::TupleDescAttr(descriptor, n as c_int)).attlen;
        #[cfg(not(feature = "pg18"))]
        return (*(*descriptor).attrs.as_ptr().add(n)).attlen;
    }
}

unsafe extern "C-unwind" fn nothing(_receiver: *mut pg_sys::DestReceiver) {}

/// The first column of the first row, if it is a boolean column.
///
/// # Safety
/// A tuple and the descriptor that it was made with.
unsafe fn truth(first: Option<pg_sys::HeapTuple>, descriptor: pg_sys::TupleDesc) -> Option<Truth> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*descriptor).natts == 0 {
            return None;
        }
        let column = pg_sys::getBaseType(pg_sys::SPI_gettypeid(descriptor, 1));
        if column != pg_sys::BOOLOID {
            return None;
        }
        let Some(first) = first else { return Some(Truth::NoRow) };
        let mut null = false;
        let value = raw::SPI_getbinval(first, descriptor, 1, &mut null);
        Some(match value.value() {
            _ if null => Truth::Null,
            0 => Truth::False,
            _ => Truth::True,
        })
    }
}

/// A row as JSON.
///
/// # Safety
/// A tuple and the descriptor that it was made with, both in this memory.
unsafe fn as_json(
    memory: &memory::Context,
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
) -> Result<String> {
    // SAFETY: the caller's promise.
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

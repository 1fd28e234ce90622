//! COPY … FROM STDIN with data that is in the text of a script.
//!
//! The server's own COPY runs, with all its checks of rights, row security and read-only
//! transactions. Without a client it reads the C library's `stdin`. While the statement runs,
//! that is a stream over the data. The server only believes that there is no client until the
//! COPY begins to read, so what follows, such as the NOTICE of a trigger, is sent to the client.
//! An error before that is sent when it is thrown on (`pg::entry`); the NOTICE of a BEFORE … FOR
//! EACH STATEMENT trigger is not sent.

use super::parse::ParsedStatement;
use super::{catch::catch, interrupt, raw, tree};
use crate::error::Result;
use core::ffi::{c_char, c_int, c_void};
use pgrx::pg_sys;

/// A stream of the C library.
#[repr(C)]
struct Stream {
    _private: [u8; 0],
}

type ReadFunction = unsafe extern "C" fn(*mut c_void, *mut c_char, usize) -> isize;

#[repr(C)]
struct Functions {
    read: Option<ReadFunction>,
    write: Option<unsafe extern "C" fn()>,
    seek: Option<unsafe extern "C" fn()>,
    close: Option<unsafe extern "C" fn()>,
}

/// The mode of a stream that reads blocks.
const FULLY_BUFFERED: c_int = 0;

/// As much as the server's COPY asks for at once. Without a buffer the C library would call
/// `read` for each byte.
const BUFFER: usize = 64 << 10;

unsafe extern "C" {
    #[link_name = "stdin"]
    static mut STDIN: *mut Stream;
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut Stream;
    fn setvbuf(stream: *mut Stream, buffer: *mut c_char, mode: c_int, size: usize) -> c_int;
    fn fclose(stream: *mut Stream) -> c_int;
}

/// Data, and how far it has been read.
struct Data<'a> {
    text: &'a [u8],
    at: usize,
    // Where the server sends messages.
    output: pg_sys::CommandDest::Type,
}

unsafe extern "C" fn read(cookie: *mut c_void, buffer: *mut c_char, size: usize) -> isize {
    // SAFETY: the cookie that the stream was made with; the caller gives the buffer's size.
    unsafe {
        let data = &mut *cookie.cast::<Data>();
        pg_sys::whereToSendOutput = data.output;
        let rest = &data.text[data.at..];
        let count = size.min(rest.len());
        core::ptr::copy_nonoverlapping(rest.as_ptr(), buffer.cast(), count);
        data.at += count;
        count as isize
    }
}

/// A stream over data, in the place of `stdin`.
struct Feed<'a> {
    data: Box<Data<'a>>,
    // The stream's own until it is closed.
    _buffer: Box<[u8]>,
    stream: *mut Stream,
    former: *mut Stream,
}

/// Does work in which a COPY … FROM STDIN reads this data. Errors: its own; there is no memory
/// for a stream (53200).
pub(super) fn with_data<T>(text: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _feed = Feed::begin(text).ok_or_else(interrupt::out_of_memory)?;
    work()
}

impl<'a> Feed<'a> {
    /// Begins. None: the C library has no memory for a stream.
    fn begin(text: &'a str) -> Option<Feed<'a>> {
        // SAFETY: data and buffer stay where they are while the stream is there: drop ends it,
        // and `with_data` drops it. The server has one thread that runs its code, and itself uses
        // neither variable but as described above.
        unsafe {
            let output = pg_sys::whereToSendOutput;
            let mut data = Box::new(Data { text: text.as_bytes(), at: 0, output });
            let cookie = (&raw mut *data).cast::<c_void>();
            let functions = Functions { read: Some(read), write: None, seek: None, close: None };
            let stream = fopencookie(cookie, c"r".as_ptr(), functions);
            if stream.is_null() {
                return None;
            }
            let mut buffer = vec![0; BUFFER].into_boxed_slice();
            setvbuf(stream, buffer.as_mut_ptr().cast(), FULLY_BUFFERED, BUFFER);
            let former = STDIN;
            STDIN = stream;
            pg_sys::whereToSendOutput = pg_sys::CommandDest::DestNone;
            Some(Feed { data, _buffer: buffer, stream, former })
        }
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        // SAFETY: what begin has made and changed.
        unsafe {
            pg_sys::whereToSendOutput = self.data.output;
            STDIN = self.former;
            fclose(self.stream);
        }
    }
}

/// The name of the table that a COPY copies into, without its schema. Empty: the statement is no
/// COPY of a table.
pub fn table(statement: &ParsedStatement) -> String {
    let copy = statement.tree.get::<pg_sys::CopyStmt>();
    // SAFETY: a relation is null or a node, whose name is a C string.
    let name = copy.and_then(|copy| unsafe { tree::text(copy.relation.as_ref()?.relname) });
    name.unwrap_or_default()
}

/// Takes the lock on a COPY's table that the COPY will take. A client that is terminated while it
/// waits for the lock gets a message now, which it wouldn't get in a COPY with its data.
pub fn lock_table(statement: &ParsedStatement) -> Result<()> {
    let Some(copy) = statement.tree.get::<pg_sys::CopyStmt>() else { return Ok(()) };
    let relation = copy.relation;
    if relation.is_null() {
        return Ok(());
    }
    let (lock, missing_ok) = (pg_sys::RowExclusiveLock as c_int, pg_sys::RVROption::RVR_MISSING_OK);
    // SAFETY: a node of the parser, which the server only reads. A table that is missing is for
    // the COPY to report.
    unsafe {
        catch(|| {
            raw::RangeVarGetRelidExtended(relation, lock, missing_ok, None, core::ptr::null_mut())
        })?;
    }
    Ok(())
}

/// Makes a COPY read its data as UTF-8, whatever the client's encoding is. The text was
/// converted to it when it was registered.
pub fn read_as_utf8(statement: &ParsedStatement) {
    statement.tree.edit(|copy: &mut pg_sys::CopyStmt| {
        // SAFETY: options are a list of nodes, with names that are C strings. Constants and what
        // is made in the tree's memory live as long as the tree.
        unsafe {
            let value = pg_sys::makeString(c"UTF8".as_ptr().cast_mut()).cast::<pg_sys::Node>();
            let options = pgrx::PgList::<pg_sys::DefElem>::from_pg(copy.options);
            for option in options.iter_ptr() {
                if core::ffi::CStr::from_ptr((*option).defname) == c"encoding" {
                    (*option).arg = value;
                    return;
                }
            }
            let option = pg_sys::makeDefElem(c"encoding".as_ptr().cast_mut(), value, -1);
            copy.options = pg_sys::lappend(copy.options, option.cast::<c_void>());
        }
    });
}

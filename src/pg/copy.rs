//! COPY … FROM STDIN with data that stands in a migration's text.
//!
//! The server's own COPY does it, with all its checks of rights, row security and
//! read-only transactions: where no client is attached it reads the C library's `stdin`,
//! which is a stream over the data while a statement runs. That there is no client is said
//! only until the COPY begins to read, so that what is sent to the client then, such as a
//! trigger's NOTICE, is sent. An error before that is sent when it is thrown on
//! (`pg::entry`); a NOTICE of a BEFORE … FOR EACH STATEMENT trigger isn't.

use super::parse::ParsedStatement;
use super::{catch::catch, raw};
use crate::error::Result;
use core::ffi::{c_char, c_int, c_void};
use pgrx::pg_sys;

/// The C library's streams, as much of them as is needed.
#[repr(C)]
struct Stream {
    _private: [u8; 0],
}

type Read = unsafe extern "C" fn(*mut c_void, *mut c_char, usize) -> isize;

#[repr(C)]
struct Functions {
    read: Option<Read>,
    write: Option<unsafe extern "C" fn()>,
    seek: Option<unsafe extern "C" fn()>,
    close: Option<unsafe extern "C" fn()>,
}

/// Reads in blocks.
const FULLY_BUFFERED: c_int = 0;

/// As much as the server's COPY asks for at once. (Without a buffer the C library would call
/// for each byte.)
const BUFFER: usize = 64 << 10;

unsafe extern "C" {
    #[link_name = "stdin"]
    static mut STDIN: *mut Stream;
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut Stream;
    fn setvbuf(stream: *mut Stream, buffer: *mut c_char, mode: c_int, size: usize) -> c_int;
    fn fclose(stream: *mut Stream) -> c_int;
}

/// Data, and how far it has been read.
struct Data {
    start: *const u8,
    length: usize,
    at: usize,
    // Where the server sends messages.
    output: pg_sys::CommandDest::Type,
}

unsafe extern "C" fn read(cookie: *mut c_void, buffer: *mut c_char, size: usize) -> isize {
    // SAFETY: the cookie that the stream was made with; the caller gives the buffer's size.
    unsafe {
        let data = &mut *cookie.cast::<Data>();
        pg_sys::whereToSendOutput = data.output;
        let count = size.min(data.length - data.at);
        core::ptr::copy_nonoverlapping(data.start.add(data.at), buffer.cast(), count);
        data.at += count;
        count as isize
    }
}

/// While it lives, a COPY … FROM STDIN reads this data.
pub struct Feed<'a> {
    data: Box<Data>,
    // The stream's own until it is closed.
    _buffer: Box<[u8]>,
    stream: *mut Stream,
    former: *mut Stream,
    _text: &'a str,
}

impl<'a> Feed<'a> {
    /// Begins. None: the server has no memory for a stream.
    pub fn begin(text: &'a str) -> Option<Feed<'a>> {
        // SAFETY: the data stays where it is while the stream is there: drop ends it. The
        // server has one thread that runs its code, and itself uses neither variable but
        // as described above.
        unsafe {
            let output = pg_sys::whereToSendOutput;
            let mut data =
                Box::new(Data { start: text.as_ptr(), length: text.len(), at: 0, output });
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
            Some(Feed { data, _buffer: buffer, stream, former, _text: text })
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

/// The name of the table that a COPY copies into, without its schema.
pub fn table(statement: &ParsedStatement) -> String {
    // SAFETY: the caller has seen that it is a COPY from the client, which has a relation.
    unsafe {
        let copy = (*statement.tree).stmt.cast::<pg_sys::CopyStmt>();
        core::ffi::CStr::from_ptr((*(*copy).relation).relname).to_string_lossy().into_owned()
    }
}

/// Takes the lock on a COPY's table that the COPY will take. Being terminated while we wait
/// for it is told to the client, which in a COPY with its data it wouldn't be.
pub fn lock_table(statement: &ParsedStatement) -> Result<()> {
    // SAFETY: as for `table`. That there is no such table is for the COPY to say.
    unsafe {
        let copy = (*statement.tree).stmt.cast::<pg_sys::CopyStmt>();
        catch(|| {
            raw::RangeVarGetRelidExtended(
                (*copy).relation,
                pg_sys::RowExclusiveLock as c_int,
                pg_sys::RVROption::RVR_MISSING_OK,
                None,
                core::ptr::null_mut(),
            )
        })?;
    }
    Ok(())
}

/// Has a COPY take its data as UTF-8, whatever the client's encoding is: that is what the
/// text was turned into when it was registered.
pub fn read_as_utf8(statement: &ParsedStatement) {
    // SAFETY: the caller has seen that it is a COPY; its options are DefElem nodes. The
    // constants live for ever.
    unsafe {
        let copy = (*statement.tree).stmt.cast::<pg_sys::CopyStmt>();
        let options = pgrx::PgList::<pg_sys::DefElem>::from_pg((*copy).options);
        let value = pg_sys::makeString(c"UTF8".as_ptr().cast_mut()).cast::<pg_sys::Node>();
        for option in options.iter_ptr() {
            if core::ffi::CStr::from_ptr((*option).defname) == c"encoding" {
                (*option).arg = value;
                return;
            }
        }
        let option = pg_sys::makeDefElem(c"encoding".as_ptr().cast_mut(), value, -1);
        (*copy).options = pg_sys::lappend((*copy).options, option.cast::<c_void>());
    }
}

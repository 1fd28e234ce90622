//! The server, wrapped thinly: the only place with `unsafe` and the only one where
//! server versions differ. Each file is one facility of the server.
#![allow(unsafe_code)]

pub mod activity;
pub mod argument;
pub mod call;
pub mod caller;
pub mod catch;
pub mod constraint;
pub mod context;
pub mod copy;
pub mod cursor;
mod damage;
pub mod database;
mod defect;
pub mod entry;
pub mod extension;
pub mod fault;
pub mod guc;
pub mod identity;
pub mod index;
pub mod interrupt;
pub mod leftover;
pub mod lock;
mod mask;
pub mod memory;
pub mod message;
pub mod name;
pub mod parse;
pub mod portal;
mod raw;
pub mod relation;
pub mod reserve;
pub mod role;
pub mod rows;
pub mod settings;
pub mod spi;
pub mod subtransaction;
pub mod temporary;
pub mod text;
pub mod timeout;
pub mod transaction;
mod tree;
pub mod utility;
mod value;

use std::ffi::CString;

/// A text as a C string. Texts of the server have no NUL. With one, the text ends there.
pub fn cstring(text: &str) -> CString {
    let end = memchr::memchr(0, text.as_bytes()).unwrap_or(text.len());
    let mut bytes = crate::domain::room::list(end + 1);
    bytes.extend_from_slice(&text.as_bytes()[..end]);
    bytes.push(0);
    CString::from_vec_with_nul(bytes).unwrap_or_default()
}

/// A name as SQL, quoted if necessary.
pub fn quote_identifier(name: &str) -> String {
    let name = cstring(name);
    // SAFETY: a C string. The server returns it, or a quoted copy, which is copied.
    unsafe {
        let quoted = pgrx::pg_sys::quote_identifier(name.as_ptr());
        std::ffi::CStr::from_ptr(quoted).to_string_lossy().into_owned()
    }
}

//! Texts of the server as Rust's, however long they are.

use super::catch::catch;
use super::{interrupt, raw};
use crate::domain::room;
use pgrx::pg_sys::{self, Datum};

/// A copy of a text.
///
/// # Safety
/// The datum must be that of a text that isn't NULL.
pub unsafe fn owned(datum: Datum) -> String {
    let value = datum.cast_mut_ptr::<pg_sys::varlena>();
    // SAFETY: the caller's promise. What was unpacked for us is freed, and nobody else's.
    unsafe {
        let plain = match catch(|| raw::pg_detoast_datum_packed(value)) {
            Ok(plain) => plain,
            Err(error) => interrupt::end(error),
        };
        let mut text = room::list(pgrx::varlena::varsize_any_exhdr(plain));
        text.extend_from_slice(pgrx::varlena::varlena_to_byte_slice(plain));
        if plain != value {
            pg_sys::pfree(plain.cast());
        }
        unchecked(text)
    }
}

/// A text of bytes that the server has checked.
pub fn unchecked(bytes: Vec<u8>) -> String {
    // The database is one of UTF-8. In another one, it is better to lose a letter than to stop.
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

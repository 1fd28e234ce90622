//! Scripts that must hold: preconditions before a migration, verify scripts after it.
//!
//! Such a script is SQL. An error means that it doesn't hold; else the first column of
//! the first row of its last result decides, if that is a boolean column.

use super::body::Done;
use crate::error::Error;
use crate::pg::portal::Truth;

/// What a script gave that means that it doesn't hold. None: it holds.
pub fn denial(done: &Done) -> Option<&'static str> {
    match done.truth {
        None | Some(Truth::True) => None,
        Some(Truth::False) => Some("false"),
        Some(Truth::Null) => Some("NULL"),
        Some(Truth::NoRow) => Some("no row"),
    }
}

/// Whether an error is a script's answer, as opposed to one of the circumstances: a
/// cancel, a lock that wasn't to be had, want of memory, a conflict, a defect.
pub fn is_answer(error: &Error) -> bool {
    let Some(error) = error.server() else { return false };
    let sqlstate = error.sqlstate();
    let circumstances = ["08", "40", "53", "57", "58", "F0", "XX"];
    !circumstances.contains(&&sqlstate[..2]) && sqlstate != "55P03"
}

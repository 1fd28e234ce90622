//! Errors that the server raised, as this room sees them. `pg` catches and throws them.

use super::sqlstate_text;
use crate::domain::mask::Mask;
use std::any::Any;

/// An error of the server that was caught with all its fields. `pg` gets its own type back by a
/// downcast, and throws it unchanged but for what the methods here add.
pub trait ServerError: Any + std::fmt::Debug {
    /// The SQLSTATE as the server packs it.
    fn code(&self) -> i32;

    /// The primary message; of a very long one, the beginning.
    fn message(&self) -> String;

    /// Makes a text the DETAIL, if the error has none.
    fn set_detail(&mut self, detail: &str);

    /// Adds a sentence to the HINT, or makes it the HINT.
    fn add_hint(&mut self, hint: &str);

    /// Replaces a statement that the CONTEXT quotes, and leaves out the position within it.
    fn hide_statement(&mut self, sql: &str, instead: &str);

    /// Hides values in all fields.
    fn hide(&mut self, mask: &Mask);

    /// The five characters of the SQLSTATE.
    fn sqlstate(&self) -> String {
        sqlstate_text(self.code())
    }
}

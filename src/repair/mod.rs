//! Changes of the record that run nothing. Each change adds an event with who and why.
//!
//! | module | what it does |
//! |---|---|
//! | [`record`] | what all repairs share: the lock, the event, the rows for the caller |
//! | [`migration_ref`] | finds the migration that a call names |
//! | [`mark`] | mark_applied() and mark_pending() |
//! | [`force`] | force() and baseline(): all versions up to one |
//! | [`accept`] | accept_changes() and accept_all_changes() |
//! | [`interrupted_statement`] | mark_statement_done() and retry() |
//! | [`adopt`] | takes over the record of another tool |
//! | [`errors`] | errors about changes of the record |

mod accept;
pub mod adopt;
mod errors;
mod force;
mod interrupted_statement;
mod mark;
mod migration_ref;
mod record;

pub use accept::{accept_all_changes, accept_changes};
pub use force::{baseline, force};
pub use interrupted_statement::{mark_statement_done, retry};
pub use mark::{mark_applied, mark_pending};
pub use migration_ref::MigrationRef;
pub use record::RecordChange;

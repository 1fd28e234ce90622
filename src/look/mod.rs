//! What a person reads: calls and views that show and change nothing.
//!
//! Each call has a module of its own, which reads the store and the catalog and returns plain
//! values. The rows for SQL are made of them in `api::look`.
//!
//! | module | what it shows |
//! |---|---|
//! | [`plan`] | the steps that a run would take |
//! | [`status`] | the state of each migration |
//! | [`pending_reasons`] | why migrations are not applied: blocked, skipped, out of order |
//! | [`verify`] | whether the verify scripts of applied migrations still hold |

mod pending_reasons;
pub mod plan;
pub mod status;
pub mod verify;

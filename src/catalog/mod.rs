//! The server's catalog: all of our queries on it, except those about our own tables.
//!
//! Whatever belongs to users is looked up as the caller, by the one safe way
//! ([`crate::pg::caller::AsCaller`]). Facts about the session or the whole database that do not
//! depend on rights (`constraints`, `cursor`, `extension`, `procedure`) are read in a batch of
//! the store.
//!
//! | what | modules |
//! |---|---|
//! | what statements have made | [`index`], [`partition`], [`object`] |
//! | what a body meets in its session | [`constraints`], [`cursor`], [`defaults`], [`temporary`] |
//! | what a body refers to | [`extension`], [`procedure`] |
//! | who blocks a migration | [`blockers`] |
//! | tables that belong to users or other tools | [`backup`], [`foreign_record`], [`pg_cron`] |

pub mod backup;
pub mod blockers;
pub mod constraints;
pub mod cursor;
pub mod defaults;
mod errors;
pub mod extension;
pub mod foreign_record;
pub mod index;
pub mod object;
pub mod partition;
pub mod pg_cron;
pub mod procedure;
pub mod temporary;

//! The server's catalog, read as the caller, by the one safe way ([`crate::pg::caller`]).

pub mod backup;
pub mod blockers;
pub mod constraints;
pub mod cursor;
pub mod defaults;
pub mod extension;
pub mod foreign_record;
pub mod index;
pub mod pg_cron;
pub mod procedure;
pub mod temporary;

//! What a migration is and in which order migrations run.
//!
//! Plain Rust: nothing here knows pgrx or a server, so all of it is tested by
//! `cargo test --test pure` on any machine.

pub mod backup;
pub mod bundle;
pub mod checksum;
pub mod digest;
pub mod halt;
pub mod mask;
pub mod moment;
pub mod plan;
pub mod requirement;
pub mod room;
pub mod script;
pub mod search_path;
pub mod text;
pub mod version;
pub mod visible;

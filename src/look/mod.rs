//! What a person reads: the state of each migration, and whether verify scripts still hold.

pub mod plan;
pub mod status;
pub mod verify;

//! Changes of the record that run nothing: mark, force, baseline, accept and adopt.

pub mod adopt;
mod errors;
pub mod record;

//! Changes of the record that run nothing: mark, force, baseline, accept and adopt.

pub mod adopt;
pub mod record;

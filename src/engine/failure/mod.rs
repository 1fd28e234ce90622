//! Completes the error of a step.

pub mod hints;
pub mod lookup;

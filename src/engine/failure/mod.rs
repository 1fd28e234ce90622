//! Completes the error of a step with what the run and the database know about it.

mod complete;
mod explanation;
mod hints;
mod lookup;

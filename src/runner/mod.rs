//! Runs a plan.
//!
//! [`atomic`] is a run in one transaction; [`registration`] changes the registry under the
//! same lock. The other files are what they are made of.

pub mod atomic;
pub mod body;
pub mod check;
pub mod constraints;
pub mod entrance;
pub mod registration;
pub mod report;
pub mod run;

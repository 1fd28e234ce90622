//! Every SQL-callable function and nothing else: arguments in, one call, rows out.
//!
//! Each is declared by [`crate::pg::call::declare!`], which makes a struct of its arguments, and
//! is a Rust function of the same name that takes the struct.

mod arguments;

pub mod backup;
pub mod bundle;
pub mod guard;
pub mod look;
pub mod register;
pub mod repair;
pub mod run;
pub mod schedule;

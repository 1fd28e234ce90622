//! Everything that changes what a database knows of its migrations and projects.
//!
//! | module | what it does |
//! |---|---|
//! | [`registration`] | registers a migration: add() and add_repeatable() |
//! | [`validation`] | checks names, requirements and scripts before they are stored |
//! | [`loading`] | registers files: add_file(), add_files() and load() |
//! | [`merge`] | registers the parts of a migration that files hold |
//! | [`folder`], [`contained_path`] | read a folder on the server's machine, whatever links lead to |
//! | [`unset_variables`] | warns about placeholders without a value |
//! | [`removal`] | removes migrations |
//! | [`errors`], [`refused`] | errors about what is registered, and about files |
//! | [`bundle`] | exports and imports the registry of a project |
//! | [`configuration`] | settings and variables of projects |

pub mod bundle;
pub mod configuration;
mod contained_path;
pub mod errors;
mod folder;
pub mod loading;
mod merge;
mod refused;
pub mod registration;
pub mod removal;
mod unset_variables;
pub mod validation;

//! What is known: registered migrations, folders of files, bundles, and the configuration of
//! projects.

mod beneath;
pub mod bundle;
pub mod configuration;
pub mod errors;
mod folder;
pub mod loading;
mod refused;
pub mod registration;
mod unset_variables;

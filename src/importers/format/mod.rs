//! The formats in which other tools are configured, each read by a library or here, and bounded
//! in depth and number.

pub mod element;
pub mod properties;
pub mod settings;
mod xml;
mod yaml;

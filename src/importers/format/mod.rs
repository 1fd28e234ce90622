//! The formats of configuration files, with limits of depth and size.

mod element;
mod properties;
mod setting;
mod toml;
mod xml;
mod yaml;

pub use element::Element;
pub use setting::Setting;

use super::{File, Problem};

/// Reads a document in XML, YAML or JSON, by the ending of the file's name. None: it is empty.
///
/// Errors: it is invalid, or nested too deep.
pub fn document(file: &File) -> Result<Option<Element>, Problem> {
    match file.path.to_ascii_lowercase().ends_with(".xml") {
        true => xml::read(file),
        false => yaml::read(file),
    }
}

/// Reads settings from TOML or Java properties, by the ending of the file's name, in the order of
/// their lines. Error: the file is invalid.
pub fn settings(file: &File) -> Result<Vec<Setting>, Problem> {
    match file.path.ends_with(".toml") {
        true => toml::read(file),
        false => properties::read(file),
    }
}

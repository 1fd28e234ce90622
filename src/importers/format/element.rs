//! A document of nested elements with attributes, whichever format it is written in.

use super::super::{File, Problem};
use super::{xml, yaml};

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its name, without a namespace.
    pub name: String,
    /// The line at which it begins.
    pub line: usize,
    /// Its attributes: names and values.
    pub attributes: Vec<(String, String)>,
    /// The elements in it.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document in XML, YAML or JSON, by the file's ending. None: it is empty.
    ///
    /// Errors: it is not valid, or nested too deep.
    pub fn read(file: &File) -> Result<Option<Element>, Problem> {
        match file.path.to_ascii_lowercase().ends_with(".xml") {
            true => xml::read(file),
            false => yaml::read(file),
        }
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }
}

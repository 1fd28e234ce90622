//! A setting of a configuration file.

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key, after those of the tables around it, with points between.
    pub key: String,
    /// The value as text; a list has commas between its items.
    pub value: String,
    /// The line.
    pub line: usize,
}

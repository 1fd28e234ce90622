//! The elements of a changelog in XML, YAML or JSON: includes, and others, which are refused.

use super::super::format::Element;
use super::super::limits::MAX_PATH;
use super::super::{File, Notes, Problem};
use super::attributes::{SPECIFY_CONTEXTS, SPECIFY_LABELS};
use super::filter::Filter;
use super::formatted::property_ignored;

/// The name of the element that is a changelog.
const CHANGELOG: &str = "databaseChangeLog";

/// Attributes of an include, besides those that decide whether it is used.
const INCLUDE_ATTRIBUTES: [&str; 6] = [
    "file",
    "path",
    "relativeToChangelogFile",
    "errorIfMissing",
    "errorIfMissingOrEmpty",
    "endsWithFilter",
];

/// Attributes and elements of a changelog that do not matter if all changesets are formatted SQL.
const HARMLESS: [&str; 4] =
    ["logicalFilePath", "changeLogId", "changelogId", "objectQuotingStrategy"];

const REMOVE: &str = "Remove it, if the changes are right without it.";

/// The element of the changelog in a document. In YAML it is inside of another one.
pub fn changelog(root: Element) -> Option<Element> {
    match root.name == CHANGELOG {
        true => Some(root),
        false => root.children.into_iter().find(|element| element.name == CHANGELOG),
    }
}

/// An include.
pub struct Include<'e> {
    /// The path of a file or folder.
    pub path: &'e str,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The ending of files in the folder, in lower case.
    pub ending: Option<String>,
    /// Whether nothing may be there.
    pub may_be_missing: bool,
}

/// An element of a changelog.
pub enum Item<'e> {
    /// It includes files.
    Include(Include<'e>),
    /// It has been noted, or does not matter.
    Other,
    /// It is a changeset, after which nothing is read: there may be thousands.
    ChangeSet,
}

/// A changelog that is being read.
pub struct Reader<'f, 'a, 'n> {
    /// The file.
    pub file: &'f File<'a>,
    /// The contexts and labels of the run.
    pub filter: &'f Filter<'f>,
    /// Where problems are noted.
    pub notes: &'n mut Notes,
}

impl Reader<'_, '_, '_> {
    /// Notes a problem of an element.
    pub fn refuse(&mut self, element: &Element, message: impl Into<String>, hint: &str) {
        self.notes.refuse(Problem::at(self.file.path, element.line, message, hint));
    }

    /// Reads an element.
    pub fn item<'e>(&mut self, element: &'e Element) -> Item<'e> {
        match element.name.as_str() {
            "include" | "includeAll" => {
                return self.include(element).map_or(Item::Other, Item::Include);
            }
            "changeSet" => {
                let message = "a changeset that is not written in SQL is not read";
                self.refuse(element, message, "Write it as formatted SQL.");
                return Item::ChangeSet;
            }
            "preConditions" => {
                let hint = "Remove them, if the changes are to run on this database.";
                self.refuse(element, "preconditions are not supported", hint);
            }
            "property" => self.notes.ignore(self.file.path, property_ignored(element.line)),
            name if HARMLESS.contains(&name) => {}
            name => {
                let message = format!("{name:?} in a changelog is not supported");
                self.refuse(element, message, REMOVE);
            }
        }
        Item::Other
    }

    fn include<'e>(&mut self, element: &'e Element) -> Option<Include<'e>> {
        let is_folder = element.name == "includeAll";
        let name = if is_folder { "path" } else { "file" };
        let Some(path) = element.get(name).map(str::trim).filter(|path| !path.is_empty()) else {
            let message = format!("the {} has no {name}", element.name);
            self.refuse(element, message, "Specify what is to be included.");
            return None;
        };
        let is_false = |name: &&str| element.get(name).is_some_and(|value| value == "false");
        (path.len() <= MAX_PATH).then(|| Include {
            path,
            is_folder,
            ending: element.get("endsWithFilter").map(str::to_lowercase),
            may_be_missing: ["errorIfMissing", "errorIfMissingOrEmpty"].iter().any(is_false),
        })
    }

    /// Checks the attributes of an element, and returns the reason if what it includes is not run.
    /// `what` names the element in messages.
    pub fn reason_to_skip(&mut self, element: &Element, what: &str) -> Option<String> {
        let is_root = element.name == CHANGELOG;
        let mut reason = None;
        for (name, value) in &element.attributes {
            match self.attribute(name, value, is_root) {
                Ok(why) => reason = why.or(reason),
                Err(hint) => {
                    self.refuse(element, format!("{name:?} of {what} is not supported"), hint);
                }
            }
        }
        for inner in element.children.iter().filter(|_| !is_root) {
            let message = format!("{:?} of {what} is not supported", inner.name);
            self.refuse(inner, message, REMOVE);
        }
        reason
    }

    /// The reason not to run what is included, if it follows from an attribute. Error: the attribute
    /// is not supported; the HINT.
    fn attribute(
        &self,
        name: &str,
        value: &str,
        is_root: bool,
    ) -> Result<Option<String>, &'static str> {
        match name {
            "context" | "contextFilter" | "includeContext" => {
                match self.filter.has_context(value) {
                    Some(true) => Ok(None),
                    Some(false) if !is_root => {
                        Ok(Some(format!("the given contexts do not match {value}")))
                    }
                    _ => Err(SPECIFY_CONTEXTS),
                }
            }
            "labels" | "includeLabels" => match self.filter.has_labels(value) {
                Some(true) => Ok(None),
                Some(false) if !is_root => {
                    Ok(Some(format!("the given labels do not match {value}")))
                }
                _ => Err(SPECIFY_LABELS),
            },
            "ignore" if value == "false" => Ok(None),
            "ignore" if value == "true" && !is_root => {
                Ok(Some("it has ignore in the changelog".to_owned()))
            }
            name if is_root && HARMLESS.contains(&name) => Ok(None),
            name if !is_root && INCLUDE_ATTRIBUTES.contains(&name) => Ok(None),
            _ => Err(REMOVE),
        }
    }
}

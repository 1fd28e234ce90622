//! A project on its way from one database to another: everything that is registered, as
//! JSON, and nothing of what was applied.

use super::checksum::checksum;
use super::digest::Parts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of bundles that this version writes and reads.
pub const FORMAT: u32 = 1;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: u32,
    /// The project's name.
    pub project: String,
    /// The search_path of its migrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_path: Option<String>,
    /// error or allow.
    #[serde(default = "error")]
    pub out_of_order: String,
    /// How texts refer to variables.
    #[serde(default = "none")]
    pub placeholders: String,
    /// Further settings of its migrations.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The names of its variables. Their values may be secrets, and belong to a database.
    #[serde(default)]
    pub variables: Vec<String>,
    /// The names of those whose values are secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Its migrations, versions in their order, then repeatables.
    pub migrations: Vec<Migration>,
}

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Its version; without one it is a repeatable migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// SQL that applies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<String>,
    /// SQL that takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<String>,
    /// What must be applied before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// SQL that must hold before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<String>,
    /// SQL that must hold after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
    /// Whether it can run inside a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactional: Option<bool>,
    /// error, skip or mark.
    #[serde(default = "error")]
    pub on_fail: String,
    /// changed, before or after.
    #[serde(default = "changed")]
    pub moment: String,
    /// The digest of all that, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl Migration {
    /// The digest of what it holds, in hexadecimal digits.
    pub fn computed_digest(&self) -> String {
        let sum = |text: &Option<String>| text.as_deref().map(|text| checksum(text).to_vec());
        let parts = Parts {
            up: sum(&self.up),
            down: sum(&self.down),
            precondition: sum(&self.precondition),
            verify: sum(&self.verify),
            requires: self.requires.clone(),
            on_fail: self.on_fail.clone(),
            transactional: self.transactional,
            moment: self.moment.clone(),
        };
        hex(&parts.digest())
    }
}

fn error() -> String {
    "error".to_owned()
}

fn none() -> String {
    "none".to_owned()
}

fn changed() -> String {
    "changed".to_owned()
}

impl Bundle {
    /// Reads a bundle. Errors: why it is none, as a message continues.
    pub fn read(json: serde_json::Value) -> Result<Bundle, String> {
        // What a later version adds may have to be honoured, so its format is another one.
        match json.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(format!("its format is {format}, not {FORMAT}")),
            None => return Err("it has no format".to_owned()),
        }
        let bundle: Bundle = serde_json::from_value(json).map_err(|error| error.to_string())?;
        for migration in &bundle.migrations {
            if let Some(digest) = &migration.digest
                && *digest != migration.computed_digest()
            {
                let title = migration.version.as_ref().unwrap_or(&migration.name);
                return Err(format!("migration {title} does not have its digest"));
            }
        }
        Ok(bundle)
    }
}

/// A checksum as a bundle has it.
pub fn hex(sum: &[u8]) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_it_writes() {
        let one = Migration {
            version: Some("001".to_owned()),
            name: "a".to_owned(),
            up: Some("SELECT 1".to_owned()),
            down: None,
            requires: vec!["extension:x".to_owned()],
            precondition: None,
            verify: None,
            transactional: None,
            on_fail: error(),
            moment: changed(),
            digest: None,
        };
        let bundle = Bundle::read(json!({
            "format": 1, "project": "p", "settings": {"work_mem": "4MB"},
            "migrations": [
                {"version": "001", "name": "a", "up": "SELECT 1\n", "requires": ["extension:x"],
                 "digest": one.computed_digest()},
                {"name": "views", "up": "SELECT 2", "moment": "after", "transactional": false},
            ],
        }));
        assert!(bundle.is_ok(), "{bundle:?}");
        let again = bundle.clone().ok().and_then(|bundle| serde_json::to_value(bundle).ok());
        assert_eq!(again.map(Bundle::read), Some(bundle));
    }

    #[test]
    fn says_what_is_wrong() {
        for (json, why) in [
            (json!([]), "it has no format"),
            (json!({"format": 2}), "its format is 2, not 1"),
            (json!({"format": 1, "migrations": []}), "missing field `project`"),
            (
                json!({"format": 1, "project": "p", "migrations": [], "more": 1}),
                "unknown field `more`, expected one of",
            ),
            (
                json!({"format": 1, "project": "p",
                       "migrations": [{"version": "1", "name": "a", "up": "x", "digest": "00"}]}),
                "migration 1 does not have its digest",
            ),
        ] {
            let error = Bundle::read(json.clone()).err().unwrap_or_default();
            assert!(error.starts_with(why), "{json}: {error}");
        }
    }
}

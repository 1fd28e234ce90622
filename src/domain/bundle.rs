//! A project as JSON, to be copied to another database: everything that is registered, and nothing
//! of what was applied.

use super::digest::Parts;
use super::room;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The format of bundles that this version writes and reads.
pub const FORMAT: u32 = 1;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: u32,
    /// The project's name.
    #[serde(deserialize_with = "text")]
    pub project: String,
    /// The search_path of its migrations.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "option")]
    pub search_path: Option<String>,
    /// error or allow.
    #[serde(default = "error", deserialize_with = "text")]
    pub out_of_order: String,
    /// How texts refer to variables.
    #[serde(default = "none", deserialize_with = "text")]
    pub placeholders: String,
    /// Further settings of its migrations.
    #[serde(default, deserialize_with = "settings")]
    pub settings: BTreeMap<String, String>,
    /// The names of its variables. Their values may be secrets, and belong to a database.
    #[serde(default, deserialize_with = "texts")]
    pub variables: Vec<String>,
    /// The names of those whose values are secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Its migrations, versions in their order, then repeatables.
    #[serde(deserialize_with = "list")]
    pub migrations: Vec<Migration>,
}

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Its version; without one it is a repeatable migration.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "option")]
    pub version: Option<String>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// SQL that applies it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "option")]
    pub up: Option<String>,
    /// SQL that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "option")]
    pub down: Option<String>,
    /// What must be applied before.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "texts")]
    pub requires: Vec<String>,
    /// SQL that must hold before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "option")]
    pub precondition: Option<String>,
    /// SQL that must hold after.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "option")]
    pub verify: Option<String>,
    /// Whether it can run inside a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactional: Option<bool>,
    /// error, skip or mark.
    #[serde(default = "error", deserialize_with = "text")]
    pub on_fail: String,
    /// changed, before or after.
    #[serde(default = "changed", deserialize_with = "text")]
    pub moment: String,
    /// The digest of all that, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl Migration {
    /// The digest of what it holds, in hexadecimal digits.
    pub fn computed_digest(&self) -> String {
        let parts = Parts {
            requires: self.requires.clone(),
            on_fail: self.on_fail.clone(),
            transactional: self.transactional,
            moment: self.moment.clone(),
            ..Parts::of_texts([&self.up, &self.down, &self.precondition, &self.verify])
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

/// A text of any length.
#[derive(Deserialize)]
struct BundleText(#[serde(deserialize_with = "text")] String);

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    struct Owned;
    impl Visitor<'_> for Owned {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            super::halt::work(super::halt::STEP);
            super::halt::parts(text.as_bytes()).for_each(drop);
            Ok(room::owned(text))
        }
    }
    from.deserialize_str(Owned)
}

fn option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<BundleText>::deserialize(from)?.map(|BundleText(text)| text))
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    list(from).map(|all| all.into_iter().map(|BundleText(text)| text).collect())
}

/// A list of any length.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = from.next_element()? {
                room::push(&mut all, one);
            }
            Ok(all)
        }
    }
    from.deserialize_seq(List(PhantomData))
}

fn settings<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    const MOST: usize = 1000;
    struct Settings;
    impl<'de> Visitor<'de> for Settings {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut from: A,
        ) -> Result<Self::Value, A::Error> {
            let mut all = BTreeMap::new();
            while let Some((BundleText(name), BundleText(value))) = from.next_entry()? {
                all.insert(name, value);
                if all.len() > MOST {
                    return Err(A::Error::custom(format!("it has more than {MOST} settings")));
                }
            }
            Ok(all)
        }
    }
    from.deserialize_map(Settings)
}

/// What is read of a bundle first.
#[derive(Deserialize)]
struct Header {
    format: Option<u64>,
}

impl Bundle {
    /// Reads a bundle. Errors: why it is none, as a message continues.
    pub fn read(json: &str) -> Result<Bundle, String> {
        // The library makes a copy of a text with escapes, which grows by doubling.
        room::ensure(3 * json.len());
        // What a later version adds may have an effect, so its format has another number.
        match serde_json::from_str(json) {
            Ok(Header { format: Some(format) }) if format == u64::from(FORMAT) => {}
            Ok(Header { format: Some(format) }) => {
                return Err(format!("its format is {format}, not {FORMAT}"));
            }
            _ => return Err("it has no format".to_owned()),
        }
        let bundle: Bundle = serde_json::from_str(json).map_err(|error| {
            // The place is in the server's form of the text, which no user has written.
            let place = format!(" at line {} column {}", error.line(), error.column());
            error.to_string().replace(&place, "")
        })?;
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
        let read = |json: serde_json::Value| Bundle::read(&json.to_string());
        let bundle = read(json!({
            "format": 1, "project": "p", "settings": {"work_mem": "4MB"},
            "migrations": [
                {"version": "001", "name": "a", "up": "SELECT 1\n", "requires": ["extension:x"],
                 "digest": one.computed_digest()},
                {"name": "views", "up": "SELECT 2", "moment": "after", "transactional": false},
            ],
        }));
        assert!(bundle.is_ok(), "{bundle:?}");
        let again = bundle.clone().ok().and_then(|bundle| serde_json::to_value(bundle).ok());
        assert_eq!(again.map(read), Some(bundle));
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
            let error = Bundle::read(&json.to_string()).err().unwrap_or_default();
            assert!(error.starts_with(why), "{json}: {error}");
        }
    }
}

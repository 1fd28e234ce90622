//! The digest of a migration: one value for all parts of it that run or decide what runs.
//!
//! It is SHA-256 over the checksums of the texts and over the marks, each with a tag and its
//! length, so that different migrations have different bytes. The name is not a part, since it has
//! no effect.

use super::checksum::{ALGORITHM, checksum};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The parts of a digest: checksums of the texts, and the marks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// The checksum of the up.
    pub up: Option<Vec<u8>>,
    /// The checksum of the down.
    pub down: Option<Vec<u8>>,
    /// The checksum of the precondition.
    pub precondition: Option<Vec<u8>>,
    /// The checksum of the verify script.
    pub verify: Option<Vec<u8>>,
    /// What must be applied before.
    pub requires: Vec<String>,
    /// What a precondition that does not hold means.
    pub on_fail: String,
    /// Whether it can run inside a transaction. None: its statements decide.
    pub transactional: Option<bool>,
    /// When it runs, if it is a repeatable one.
    pub moment: String,
}

impl Parts {
    /// The parts of these texts, without marks: up, down, precondition and verify script. Each
    /// text is hashed.
    pub fn of_texts(texts: [&Option<String>; 4]) -> Parts {
        let [up, down, precondition, verify] =
            texts.map(|text| text.as_deref().map(|text| checksum(text).to_vec()));
        Parts { up, down, precondition, verify, ..Parts::default() }
    }

    /// The digest.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"migration");
        hash.update(ALGORITHM.to_be_bytes());
        for (tag, sum) in
            [(b'u', &self.up), (b'd', &self.down), (b'p', &self.precondition), (b'v', &self.verify)]
        {
            hash.update([tag, u8::from(sum.is_some())]);
            field(&mut hash, sum.as_deref().unwrap_or_default());
        }
        let requires = self.required();
        hash.update(b"r");
        hash.update((requires.len() as u64).to_be_bytes());
        requires.iter().for_each(|text| field(&mut hash, text.as_bytes()));
        hash.update(b"f");
        field(&mut hash, self.on_fail().as_bytes());
        hash.update([b't', self.transactional.map_or(2, u8::from)]);
        hash.update(b"m");
        field(&mut hash, self.moment.as_bytes());
        hash.finalize().into()
    }

    /// The requirements as a set, since neither order nor repetition has an effect.
    fn required(&self) -> BTreeSet<&str> {
        self.requires.iter().map(String::as_str).collect()
    }

    /// What a precondition that does not hold means. It has no effect without a precondition.
    fn on_fail(&self) -> &str {
        if self.precondition.is_some() { &self.on_fail } else { "" }
    }

    /// Which of these parts, as they were applied, have changed.
    pub fn changes(&self, now: &Parts) -> Changes {
        let mut changes = Changes::default();
        for (name, former, now) in [
            ("up", &self.up, &now.up),
            ("down", &self.down, &now.down),
            ("precondition", &self.precondition, &now.precondition),
            ("verify", &self.verify, &now.verify),
        ] {
            match former {
                former if former == now => {}
                None => changes.added.push(name),
                Some(_) => changes.replaced.push(name),
            }
        }
        for (name, differs) in [
            ("requires", self.required() != now.required()),
            ("on_fail", self.on_fail() != now.on_fail() && self.precondition.is_some()),
            ("transactional", self.transactional != now.transactional),
            ("moment", self.moment != now.moment),
        ] {
            if differs {
                changes.replaced.push(name);
            }
        }
        changes
    }
}

fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// The differences between the applied state of a migration and the registry, by the names of the
/// arguments of `add()`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// A part that was applied has changed or is gone.
    pub replaced: Vec<&'static str>,
    /// A text was added. What ran has not changed, so the migration is not modified. But the text
    /// does not run before it is accepted.
    pub added: Vec<&'static str>,
}

impl Changes {
    /// Whether a part that was applied has changed. If digests differ and no part does, a row was
    /// changed directly.
    pub fn is_modification(&self) -> bool {
        !self.replaced.is_empty() || self.added.is_empty()
    }

    /// All of it, for people.
    pub fn list(&self) -> String {
        let all: Vec<&str> = self.replaced.iter().chain(&self.added).copied().collect();
        if all.is_empty() { "digest".to_owned() } else { all.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::checksum::checksum;
    use super::*;

    fn sum(text: &str) -> Option<Vec<u8>> {
        Some(checksum(text).to_vec())
    }

    fn plain() -> Parts {
        Parts {
            up: sum("up"),
            on_fail: "error".to_owned(),
            moment: "changed".to_owned(),
            ..Parts::default()
        }
    }

    /// Each with one part that differs, or is in another place.
    fn others() -> Vec<Parts> {
        let requires = |all: &[&str]| Parts {
            requires: all.iter().map(|text| (*text).to_owned()).collect(),
            ..plain()
        };
        vec![
            Parts { up: None, ..plain() },
            Parts { up: sum("UP"), ..plain() },
            Parts { up: None, down: sum("up"), ..plain() },
            Parts { down: sum("up"), ..plain() },
            Parts { down: sum(""), ..plain() },
            Parts { precondition: sum("up"), ..plain() },
            Parts { verify: sum("up"), ..plain() },
            Parts { verify: Some(Vec::new()), ..plain() },
            Parts { precondition: sum("up"), on_fail: "skip".to_owned(), ..plain() },
            Parts { precondition: sum("up"), on_fail: String::new(), ..plain() },
            Parts { transactional: Some(false), ..plain() },
            Parts { transactional: Some(true), ..plain() },
            Parts { moment: "before".to_owned(), ..plain() },
            requires(&["1"]),
            requires(&["1", "2"]),
            requires(&["12"]),
            requires(&["1", "2", ""]),
            requires(&[""]),
        ]
    }

    #[test]
    fn each_part_counts() {
        let mut all = others();
        all.push(plain());
        let digests: std::collections::HashSet<[u8; 32]> = all.iter().map(Parts::digest).collect();
        assert_eq!(digests.len(), all.len());
    }

    #[test]
    fn on_fail_belongs_to_a_precondition() {
        let skips = Parts { on_fail: "skip".to_owned(), ..plain() };
        assert_eq!(plain().digest(), skips.digest());
        assert_eq!(plain().changes(&skips), Changes::default());
    }

    #[test]
    fn requirements_are_a_set() {
        let of = |all: &[&str]| {
            let requires = all.iter().map(|text| (*text).to_owned()).collect();
            Parts { requires, ..plain() }.digest()
        };
        assert_eq!(of(&["1", "2"]), of(&["2", "1", "2"]));
    }

    #[test]
    fn is_the_same_in_all_builds() {
        let hex: String = plain().digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b553e0fa2d283f5e25af3c33c84a2acbc1e4ea08ff430fc145ed8a88e2f02b34");
    }

    #[test]
    fn what_was_not_there_is_added() {
        let grown = Parts { down: sum("d"), verify: sum("v"), ..plain() };
        let expected = Changes { replaced: vec![], added: vec!["down", "verify"] };
        assert_eq!(plain().changes(&grown), expected);
        let expected = Changes { replaced: vec!["down", "verify"], added: vec![] };
        assert_eq!(grown.changes(&plain()), expected);
        assert_eq!(grown.changes(&grown), Changes::default());
        let skips = Parts { precondition: sum("p"), on_fail: "skip".to_owned(), ..plain() };
        let expected = Changes { replaced: vec![], added: vec!["precondition"] };
        assert_eq!(plain().changes(&skips), expected);
        let expected = Changes { replaced: vec!["precondition", "on_fail"], added: vec![] };
        assert_eq!(skips.changes(&plain()), expected);
    }
}

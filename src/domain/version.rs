//! Versions and their natural order.
//!
//! A version is text: `000001`, `20240131120000`, `1.10`, `V2`. Runs of digits compare
//! as numbers, and everything between them as bytes. [`Version::key`] has that order in its
//! bytes, so that an index of the database orders versions without a collation.

use super::visible::is_invisible;
use std::fmt;

/// The longest version that is accepted, in bytes. It bounds a run of digits to a
/// length that fits the key's length byte.
pub const MAX_LENGTH: usize = 200;

// Tokens of the key. The end of a key sorts before both, and a number sorts before
// text, so 1 < 1.1 < 1a.
const NUMBER: u8 = 1;
const TEXT: u8 = 2;
// Ends a text token. No version holds it: control characters are refused.
const TEXT_END: u8 = 0;
// Begins the key of a repeatable migration. No version's key begins with it.
const REPEATABLE: u8 = 0xff;

/// A valid version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: String,
    key: Vec<u8>,
}

/// Why a text isn't a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidVersion {
    /// The text is empty.
    Empty,
    /// The text is longer than [`MAX_LENGTH`] bytes.
    TooLong,
    /// The text starts or ends with white space.
    OuterSpace,
    /// The text holds this character, which no version may hold.
    Character(char),
}

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidVersion::Empty => write!(f, "It is empty."),
            InvalidVersion::TooLong => write!(f, "It is longer than {MAX_LENGTH} bytes."),
            InvalidVersion::OuterSpace => write!(f, "It starts or ends with white space."),
            InvalidVersion::Character(':') => {
                write!(f, "It holds a colon, which separates a project from a version.")
            }
            InvalidVersion::Character(c) => {
                write!(f, "It holds the character U+{:04X}, which cannot be seen.", *c as u32)
            }
        }
    }
}

impl Version {
    /// Checks a text and computes its key.
    pub fn parse(text: &str) -> Result<Version, InvalidVersion> {
        if text.is_empty() {
            return Err(InvalidVersion::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(InvalidVersion::TooLong);
        }
        if let Some(c) = text.chars().find(|c| *c == ':' || is_invisible(*c)) {
            return Err(InvalidVersion::Character(c));
        }
        if text.trim().len() != text.len() {
            return Err(InvalidVersion::OuterSpace);
        }
        Ok(Version { text: text.to_owned(), key: key(text) })
    }

    /// The version as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes with the order of versions. They are equal for versions that only differ in leading
    /// zeros of their numbers.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

/// The key of a repeatable migration, which has no version: above all versions, ordered
/// by name.
pub fn repeatable_key(name: &str) -> Vec<u8> {
    let mut key = vec![REPEATABLE];
    key.extend_from_slice(name.as_bytes());
    key
}

/// Whether a key is that of a repeatable migration.
pub fn is_repeatable(key: &[u8]) -> bool {
    key.first() == Some(&REPEATABLE)
}

/// The width of the first version of a project, as golang-migrate's.
const FIRST_WIDTH: usize = 6;

/// The version for the next migration: the last number of the highest version plus one, with
/// leading zeros to its width, or to the given width.
///
/// A timestamp (14 digits of the years 1900 to 2999) is followed by `now`, given in the
/// same form, or by itself plus one if the clock shows an earlier time. None: the version has no
/// number, or the next one would be too long.
pub fn next(highest: Option<&str>, width: Option<usize>, now: &str) -> Option<String> {
    let Some(highest) = highest else {
        return Some(format!("{:0>width$}", 1, width = width.unwrap_or(FIRST_WIDTH)));
    };
    let end = highest.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = highest[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + highest[at..].chars().next().map_or(1, char::len_utf8));
    let number = &highest[start..end];
    if number.len() == 14
        && highest.len() == 14
        && (number.starts_with("19") || number.starts_with('2'))
        && now > number
    {
        return Some(now.to_owned());
    }
    let number = format!("{:0>width$}", successor(number), width = width.unwrap_or(number.len()));
    let next = format!("{}{number}{}", &highest[..start], &highest[end..]);
    (next.len() <= MAX_LENGTH).then_some(next)
}

/// A decimal number of any length plus one, without leading zeros.
fn successor(number: &str) -> String {
    let mut digits: Vec<u8> = number.trim_start_matches('0').bytes().collect();
    let mut at = digits.len();
    while at > 0 && digits[at - 1] == b'9' {
        at -= 1;
        digits[at] = b'0';
    }
    match at {
        0 => digits.insert(0, b'1'),
        _ => digits[at - 1] += 1,
    }
    digits.into_iter().map(char::from).collect()
}

fn key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() + 8);
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let digits = first.is_ascii_digit();
        let end = rest.iter().position(|b| b.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if digits {
            let zeros = run.iter().take_while(|b| **b == b'0').count();
            let number = &run[zeros..];
            key.push(NUMBER);
            // A longer number without leading zeros is a greater one. MAX_LENGTH
            // keeps the length within a byte.
            key.push(number.len() as u8);
            key.extend_from_slice(number);
        } else {
            key.push(TEXT);
            key.extend_from_slice(run);
            key.push(TEXT_END);
        }
        rest = after;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    fn key_of(text: &str) -> Vec<u8> {
        Version::parse(text).map(|v| v.key().to_vec()).unwrap_or_default()
    }

    #[test]
    fn orders_naturally() {
        let ordered = [
            "0",
            "1",
            "1-hotfix",
            "1.1",
            "1.1.1",
            "1.2",
            "1.9",
            "1.10",
            "1a",
            "2",
            "10",
            "13.1",
            "100",
            "20240131",
            "20240131120000",
            "V1",
            "V2",
            "V10",
            "a",
            "b1",
            "é",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(key_of(a).cmp(&key_of(b)), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn leading_zeros_make_no_difference() {
        for (a, b) in [("1", "001"), ("1.01", "01.1"), ("0", "000"), ("V07", "V7")] {
            assert_eq!(key_of(a), key_of(b), "{a} and {b}");
        }
        for (a, b) in [("1", "1.0"), ("1.2", "1_2"), ("v1", "V1"), ("1", "10")] {
            assert_ne!(key_of(a), key_of(b), "{a} and {b}");
        }
    }

    #[test]
    fn counts_on() {
        let now = "20260102030405";
        for (highest, width, expected) in [
            (None, None, Some("000001")),
            (None, Some(3), Some("001")),
            (Some("013"), None, Some("014")),
            (Some("099"), None, Some("100")),
            (Some("9"), None, Some("10")),
            (Some("009"), Some(5), Some("00010")),
            (Some("1.9"), None, Some("1.10")),
            (Some("V07_é"), None, Some("V08_é")),
            (Some("é7"), None, Some("é8")),
            (Some("000"), None, Some("001")),
            (Some("20240131120000"), None, Some(now)),
            (Some("20990131120000"), None, Some("20990131120001")),
            (Some("90000000000000"), None, Some("90000000000001")),
            (Some("initial"), None, None),
            (Some("1"), Some(MAX_LENGTH + 1), None),
        ] {
            assert_eq!(next(highest, width, now).as_deref(), expected, "{highest:?} {width:?}");
        }
        let nines = "9".repeat(MAX_LENGTH);
        assert_eq!(next(Some(&nines), None, now), None);
    }

    #[test]
    fn repeatables_come_after_all_versions() {
        assert!(repeatable_key("a") > key_of("é999"));
        assert!(repeatable_key("a") < repeatable_key("b"));
        assert!(is_repeatable(&repeatable_key("a")) && !is_repeatable(&key_of("z")));
    }

    #[test]
    fn refuses_what_is_no_version() {
        for (text, why) in [
            ("", InvalidVersion::Empty),
            ("a:b", InvalidVersion::Character(':')),
            ("1\n", InvalidVersion::Character('\n')),
            ("1\u{85}2", InvalidVersion::Character('\u{85}')),
            ("1\u{202e}2", InvalidVersion::Character('\u{202e}')),
            ("1\u{200b}", InvalidVersion::Character('\u{200b}')),
            (" 1", InvalidVersion::OuterSpace),
            ("1\u{a0}", InvalidVersion::OuterSpace),
        ] {
            assert_eq!(Version::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(Version::parse(&"1".repeat(MAX_LENGTH + 1)), Err(InvalidVersion::TooLong));
        assert!(Version::parse(&"1".repeat(MAX_LENGTH)).is_ok());
        assert!(Version::parse("2024 final").is_ok());
    }

    /// A slow comparison by the definition, as a model for the key.
    fn compare(mut a: &str, mut b: &str) -> Ordering {
        fn token(s: &str) -> (&str, &str, bool) {
            let digits = s.starts_with(|c: char| c.is_ascii_digit());
            let end = s.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(s.len());
            (&s[..end], &s[end..], digits)
        }
        loop {
            match (a.is_empty(), b.is_empty()) {
                (true, true) => return Ordering::Equal,
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                _ => {}
            }
            let ((x, rest_a, x_number), (y, rest_b, y_number)) = (token(a), token(b));
            let order = match (x_number, y_number) {
                (true, true) => {
                    let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                    x.len().cmp(&y.len()).then_with(|| x.cmp(y))
                }
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => x.as_bytes().cmp(y.as_bytes()),
            };
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
        }
    }

    #[test]
    fn key_agrees_with_the_definition() {
        // A small linear congruential generator: the same versions in every run.
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |n: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % n
        };
        let alphabet: Vec<char> = "0012389..__-aVé".chars().collect();
        let versions: Vec<String> = (0..400)
            .map(|_| (0..1 + next(7)).map(|_| alphabet[next(alphabet.len())]).collect())
            .collect();
        for a in &versions {
            for b in &versions {
                assert_eq!(key_of(a).cmp(&key_of(b)), compare(a, b), "{a} and {b}");
            }
        }
    }
}

//! The checksum of a migration's text.
//!
//! The same file must give the same checksum on every way into the registry: psql's
//! backquotes drop the final newline, Windows checkouts have CRLF, some editors write a byte order
//! mark. So the text is normalised before it is hashed. The text is stored and run as it was given,
//! only without the mark.

use super::halt;
use super::script::origin;
use memchr::memmem;
use sha2::{Digest, Sha256};

/// Number of the algorithm below and of [`super::digest`], stored beside each checksum, so
/// that those of a later algorithm can be distinguished.
pub const ALGORITHM: i16 = 1;

/// A text without its leading byte order mark, which the server's parser refuses.
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// SHA-256 over the text without byte order mark, with CRLF read as LF, without white space at its
/// end, and without the comment that has its line in its file.
pub fn checksum(text: &str) -> [u8; 32] {
    let text = origin::split(without_bom(text)).1;
    let bytes = &text.as_bytes()[..end(text.as_bytes())];
    let mut hash = Sha256::new();
    // Leaving out the CR of each CRLF normalises without a second copy of the text.
    let mut hashed = 0;
    while let Some(at) = halt::search(bytes, hashed, 2, |part| memmem::find(part, b"\r\n")) {
        update(&mut hash, &bytes[hashed..at]);
        hashed = at + 1;
    }
    update(&mut hash, &bytes[hashed..]);
    hash.finalize().into()
}

/// Whether two texts have the same checksum.
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || checksum(a) == checksum(b)
}

/// Where a text ends without the white space at its end.
fn end(bytes: &[u8]) -> usize {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(halt::STRIDE);
        let last = bytes[start..end].iter().rposition(|b| !is_space(b));
        halt::work(end - start);
        match last {
            Some(last) => return start + last + 1,
            None => end = start,
        }
    }
    0
}

fn update(hash: &mut Sha256, bytes: &[u8]) {
    for part in halt::parts(bytes) {
        hash.update(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_plain_sha256_of_normal_text() {
        let hex: String = checksum("abc").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn ways_of_writing_one_file_agree() {
        let plain = checksum("CREATE TABLE t (\n  id int\n);");
        for same in [
            "CREATE TABLE t (\n  id int\n);\n",
            "CREATE TABLE t (\n  id int\n);\n\n",
            "CREATE TABLE t (\r\n  id int\r\n);\r\n",
            "\u{feff}CREATE TABLE t (\n  id int\n);",
            "\u{feff}CREATE TABLE t (\r\n  id int\r\n); \t\r\n",
        ] {
            assert_eq!(checksum(same), plain, "{same:?}");
        }
    }

    #[test]
    fn other_texts_differ() {
        let plain = checksum("SELECT 1;\nSELECT 2;");
        for other in [
            "SELECT 1; SELECT 2;",
            " SELECT 1;\nSELECT 2;",
            "SELECT 1;\rSELECT 2;",
            "SELECT 1; \nSELECT 2;",
            "",
        ] {
            assert_ne!(checksum(other), plain, "{other:?}");
        }
        assert_eq!(checksum(""), checksum("\n"));
    }

    #[test]
    fn the_place_in_a_file_makes_no_difference() {
        for text in ["SELECT 1;\nSELECT 2;", "-- pg_migrations: line 7"] {
            assert_eq!(checksum(&origin::marked(12, text.to_owned())), checksum(text));
        }
    }
}

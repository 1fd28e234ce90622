//! `atlas.sum`: a line with a hash for each file, of its name and text and those of all files before
//! it. The first line is a hash of these lines.

use super::super::section::lines;
use super::super::{File, Notes, Problem};
use super::directive;
use crate::domain::halt;
use sha2::{Digest, Sha256};

/// Compares `atlas.sum` with the files, which are given in the order of their names. The first
/// difference is a problem: it changes all hashes after it, too.
pub fn check(sum: &File, files: &[(File, &str)], notes: &mut Notes) {
    if let Err(problem) = compare(sum, files) {
        notes.refuse(problem);
    }
}

const HINT: &str = "Restore the files as they were, or recompute it: atlas migrate hash.";

fn compare(sum: &File, files: &[(File, &str)]) -> Result<(), Problem> {
    let wrong = |path: &str, message: String| Err(Problem::of(path, message, HINT));
    let mut entries =
        lines(sum.text).map(|line| line.text.trim_end()).filter(|line| !line.is_empty());
    let whole = entries.next().and_then(|line| line.strip_prefix("h1:"));
    let Some(whole) = whole else {
        return wrong(sum.path, "it does not begin with a hash".to_owned());
    };
    let mut hash = Sha256::new();
    let mut all = Sha256::new();
    for (file, name) in files {
        add(&mut hash, name);
        if is_excluded(file.text) {
            continue;
        }
        let line = entries.next().and_then(|line| line.rsplit_once(" h1:"));
        let expected = match line {
            Some((given, expected)) if given.trim_end() == *name => expected,
            Some((given, _)) if files.iter().all(|(_, name)| *name != given.trim_end()) => {
                let message = format!("it names {:?}, which is not there", given.trim_end());
                return wrong(sum.path, message);
            }
            _ => return wrong(file.path, format!("{} does not name it", sum.path)),
        };
        // A client that reads files by psql loses the line end at the end of the file.
        let mut whole = hash.clone();
        add(&mut whole, file.text);
        let mut ended = whole.clone();
        add(&mut ended, "\n");
        hash = match [whole, ended].into_iter().find(|hash| base64(hash) == expected) {
            Some(hash) => hash,
            None => {
                let message = format!("it differs from {}: the hashes are not equal", sum.path);
                return wrong(file.path, message);
            }
        };
        add(&mut all, name);
        add(&mut all, expected);
    }
    if let Some(line) = entries.next() {
        let name = line.split(" h1:").next().unwrap_or_default();
        return wrong(sum.path, format!("it names {name:?}, which is not there"));
    }
    match base64(&all) == whole {
        true => Ok(()),
        false => wrong(sum.path, "its first line is not the hash of the others".to_owned()),
    }
}

/// Whether the first line of a file excludes it from the hashes.
fn is_excluded(text: &str) -> bool {
    let first = directive::lines(text).next();
    first.is_some_and(|(line, directive)| line.number == 1 && directive == "sum ignore")
}

fn add(hash: &mut Sha256, text: &str) {
    for part in halt::parts(text.as_bytes()) {
        hash.update(part);
    }
}

fn base64(hash: &Sha256) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let hash = hash.clone().finalize();
    let mut text = String::new();
    for group in hash.chunks(3) {
        let bytes = [0, 1, 2].map(|n| u32::from(group.get(n).copied().unwrap_or_default()));
        let bits = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
        for n in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * n) & 63) as usize];
            text.push(if n > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

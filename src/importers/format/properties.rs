//! Java properties: `key=value`, `key: value` or `key value`, with escapes and continued lines.

use super::super::section::lines;
use super::super::{File, Problem};
use super::setting::Setting;
use crate::domain::halt;

/// Reads the settings of a file. Error: a Unicode escape is invalid. Java accepts everything else.
pub fn read(file: &File) -> Result<Vec<Setting>, Problem> {
    let mut settings = Vec::new();
    // A continued line, with the number of its first one.
    let mut open: Option<(String, usize)> = None;
    for line in lines(file.text) {
        let text = line.text.trim_start();
        let (mut whole, number) = match open.take() {
            Some(open) => open,
            None if text.is_empty() || text.starts_with(['#', '!']) => continue,
            None => (String::new(), line.number),
        };
        halt::work(text.len());
        let slashes = text.len() - text.trim_end_matches('\\').len();
        if slashes % 2 == 1 {
            whole.push_str(&text[..text.len() - 1]);
            open = Some((whole, number));
            continue;
        }
        whole.push_str(text);
        settings.push(setting(file, &whole, number)?);
    }
    if let Some((whole, number)) = open {
        settings.push(setting(file, &whole, number)?);
    }
    Ok(settings)
}

fn setting(file: &File, text: &str, line: usize) -> Result<Setting, Problem> {
    let mut is_escaped = false;
    let end = text.find(|c: char| {
        let ends = !is_escaped && (matches!(c, '=' | ':') || c.is_ascii_whitespace());
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    let (key, rest) = text.split_at(end.unwrap_or(text.len()));
    let blank = |c: char| c.is_ascii_whitespace();
    let rest = rest.trim_start_matches(blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(blank);
    let plain = |text: &str| {
        unescaped(text).ok_or_else(|| {
            let message = "\\u is not followed by four hexadecimal digits";
            Problem::at(file.path, line, message, "Write the character itself.")
        })
    };
    // For Java, spaces at the end belong to the value. Nobody means them.
    Ok(Setting { key: plain(key)?, value: plain(value.trim_end_matches(blank))?, line })
}

fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut units: Vec<u16> = Vec::new();
    let mut chars = text.chars();
    let flush = |units: &mut Vec<u16>, plain: &mut String| {
        plain.push_str(&String::from_utf16_lossy(units));
        units.clear();
    };
    while let Some(c) = chars.next() {
        if c != '\\' {
            flush(&mut units, &mut plain);
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let is_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                units.push(u16::from_str_radix(is_hex.then_some(digits.as_str())?, 16).ok()?);
                continue;
            }
            escaped => {
                flush(&mut units, &mut plain);
                plain.extend(match escaped {
                    Some('t') => Some('\t'),
                    Some('n') => Some('\n'),
                    Some('r') => Some('\r'),
                    Some('f') => Some('\u{c}'),
                    other => other,
                });
            }
        }
    }
    flush(&mut units, &mut plain);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_java_reads() {
        let text = "# a\n! b\n\n a = 1 \nb:2\nc 3\nd\\ e\\==x=y # z\n\
            f = one,\\\r\n    two,\\\n\n g=\\u00e9\\uD83D\\ude00\\t\\q\\\\\nh\ni=\\\\\nj=end\\";
        let read = read(&File { path: "x", text }).unwrap_or_default();
        let read: Vec<_> =
            read.iter().map(|s| (s.key.as_str(), s.value.as_str(), s.line)).collect();
        assert_eq!(
            read,
            [
                ("a", "1", 4),
                ("b", "2", 5),
                ("c", "3", 6),
                ("d e=", "x=y # z", 7),
                ("f", "one,two,", 8),
                ("g", "\u{e9}\u{1f600}\tq\\", 11),
                ("h", "", 12),
                ("i", "\\", 13),
                ("j", "end", 14),
            ]
        );
    }

    #[test]
    fn refuses_an_invalid_escape() {
        let read = read(&File { path: "x", text: "a=1\nb=\\u00g1" });
        assert_eq!(read.map_err(|problem| problem.line), Err(Some(2)));
    }
}

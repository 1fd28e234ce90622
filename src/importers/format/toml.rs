//! TOML.

use super::super::limits::{self, too_deep};
use super::super::{File, Problem};
use super::setting::Setting;
use crate::domain::halt;
use crate::domain::script::line_at;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads the settings of a file, in the order of their lines. Error: it is invalid.
pub fn read(file: &File) -> Result<Vec<Setting>, Problem> {
    let mut found = Vec::new();
    let table = table(file)?;
    // Tables that are not read yet, with the prefix of their keys.
    let mut open = vec![(String::new(), &table)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            halt::work(halt::STEP);
            let key = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => open.push((format!("{key}."), inner)),
                scalar => found.push((value.span(), key, text(scalar))),
            }
        }
    }
    found.sort_by_key(|(span, ..)| span.start);
    let (mut at, mut line) = (0, 1);
    let setting = |(span, key, value): (Range<usize>, String, String)| {
        line += line_at(&file.text[at..span.start], span.start - at) - 1;
        at = span.start;
        Setting { key, value, line }
    };
    Ok(found.into_iter().map(setting).collect())
}

fn table<'a>(file: &File<'a>) -> Result<DeTable<'a>, Problem> {
    let line = |span: Option<Range<usize>>| {
        let at = span.map_or(0, |span| span.start.min(file.text.len()));
        line_at(file.text, at)
    };
    halt::work(file.text.len());
    // The limit of the library assumes more stack.
    const DEPTH: usize = limits::MAX_DEPTH / 4;
    if let Some(at) = too_deep(file.text, &['[', '{'], &[']', '}'], DEPTH) {
        let message = format!("brackets are nested more than {DEPTH} deep");
        let hint = "Write it with less nesting.";
        return Err(Problem::at(file.path, line(Some(at..at)), message, hint));
    }
    DeTable::parse(file.text).map(Spanned::into_inner).map_err(|why| {
        let message = format!("it is not valid TOML: {}", why.message());
        Problem::at(file.path, line(why.span()), message, "Correct it.")
    })
}

/// A value as text. A list or table in a list is empty.
fn text(value: &DeValue) -> String {
    let scalar = |value: &DeValue| match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    };
    match value {
        DeValue::Array(list) => {
            let parts: Vec<String> = list.iter().map(|part| scalar(part.get_ref())).collect();
            parts.join(",")
        }
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_toml(text: &str) -> Result<Vec<(String, String, usize)>, Option<usize>> {
        let settings = read(&File { path: "x.toml", text }).map_err(|problem| problem.line)?;
        Ok(settings.into_iter().map(|s| (s.key, s.value, s.line)).collect())
    }

    #[test]
    fn reads_toml() {
        let text = "a = 'x # y' # z\n[flyway] # comment\n\"b c\" = [\n \"1,\", # one\n '2' ]\n\
            c.d = true\n[flyway.e]\nf = '''\n]'''\n[[g]]\nh = 1\n";
        let own = |all: &[(&str, &str, usize)]| -> Vec<(String, String, usize)> {
            all.iter().map(|(k, v, l)| (k.to_string(), v.to_string(), *l)).collect()
        };
        assert_eq!(
            read_toml(text),
            Ok(own(&[
                ("a", "x # y", 1),
                ("flyway.b c", "1,,2", 3),
                ("flyway.c.d", "true", 6),
                ("flyway.e.f", "]", 8),
                ("g", "", 10),
            ]))
        );
    }

    #[test]
    fn refuses_what_is_not_toml() {
        assert_eq!(read_toml("a = 1\nb = \n"), Err(Some(2)));
        assert_eq!(read_toml("a = 1\na = 2\n"), Err(Some(2)));
        assert_eq!(read_toml(&format!("a = {}", "[".repeat(1000))), Err(Some(1)));
        assert_eq!(read_toml(&format!("a{} = 1", ".a".repeat(1000))), Err(Some(1)));
    }
}

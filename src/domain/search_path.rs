//! The value of `search_path`: a list of schemas.

/// The schema of a session's temporary objects.
const TEMPORARY: &str = "pg_temp";

/// The list with the schema of temporary objects at its end, unless the list has it. The server
/// searches it first if the list doesn't have it.
pub fn with_temporary_last(path: &str) -> String {
    if names(path).iter().any(|name| name == TEMPORARY) {
        return path.to_owned();
    }
    match path.trim().is_empty() {
        true => TEMPORARY.to_owned(),
        false => format!("{path}, {TEMPORARY}"),
    }
}

/// The names of a list, as the server reads it: separated by commas, and in lower case unless they
/// are quoted.
fn names(path: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut is_quoted = false;
    for c in path.chars() {
        match (c, names.last_mut()) {
            // A doubled quote ends one and begins another. No name that is looked for has quotes.
            ('"', _) => is_quoted = !is_quoted,
            (',', _) if !is_quoted => names.push(String::new()),
            (c, Some(name)) if is_quoted => name.push(c),
            (c, Some(name)) if !c.is_ascii_whitespace() => name.push(c.to_ascii_lowercase()),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_objects_come_last() {
        for (path, expected) in [
            ("a, b", "a, b, pg_temp"),
            ("\"$user\", public", "\"$user\", public, pg_temp"),
            ("", "pg_temp"),
            ("\"\"", "\"\", pg_temp"),
            ("\"PG_TEMP\"", "\"PG_TEMP\", pg_temp"),
            ("\"a,pg_temp\"", "\"a,pg_temp\", pg_temp"),
            ("pg_temp_3, a", "pg_temp_3, a, pg_temp"),
        ] {
            assert_eq!(with_temporary_last(path), expected);
        }
        for path in ["pg_temp", "a,PG_TEMP ,b", "\"pg_temp\", a", " pg_temp , \"a\"\"b\""] {
            assert_eq!(with_temporary_last(path), path);
        }
    }
}

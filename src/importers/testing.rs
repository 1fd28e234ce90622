//! What the tests of all conventions need.

use super::{Convention, File, Options, Set, read};

pub fn files<'a>(given: &[(&'a str, &'a str)]) -> Vec<File<'a>> {
    given.iter().map(|(path, text)| File { path, text }).collect()
}

pub fn read_as(convention: Convention, given: &[(&str, &str)]) -> Set {
    match read(&files(given), Some(convention), &Options::default()) {
        Ok(set) => set,
        Err(problem) => {
            Set { convention, migrations: Vec::new(), ignored: Vec::new(), problems: vec![problem] }
        }
    }
}

/// Whose files they are found out to be, or why they aren't.
pub fn detected(given: &[(&str, &str)]) -> String {
    match read(&files(given), None, &Options::default()) {
        Ok(set) => set.convention.name().to_owned(),
        Err(problem) => problem.message,
    }
}

/// That a text is refused, for what is wrong in this line (0: in the file as a whole).
pub fn refused(text: &str, problems: &[super::Problem], line: usize, message: &str) {
    assert_eq!(problems[0].line.unwrap_or(0), line, "{text}");
    assert!(problems[0].message.contains(message), "{text}: {}", problems[0].message);
}

/// A line for each migration.
pub fn said(set: &Set) -> Vec<String> {
    let line = |found: &super::Found| {
        let parts: Vec<&str> =
            [("up", &found.up), ("down", &found.down), ("verify", &found.verify)]
                .into_iter()
                .filter_map(|(part, text)| text.as_ref().map(|_| part))
                .collect();
        let mut line = format!(
            "{} {} {}",
            found.version.as_deref().unwrap_or("-"),
            found.name,
            parts.join("+")
        );
        for required in &found.requires {
            line += &format!(" requires:{required}");
        }
        line += match found.transactional {
            None => "",
            Some(true) => " tx",
            Some(false) => " no-tx",
        };
        line
    };
    set.migrations.iter().map(line).collect()
}

//! Names of the form that most tools share: digits, an underscore, a name.

/// The part of a migration that a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The text that applies it.
    Up,
    /// The text that takes it back.
    Down,
}

impl Part {
    /// The argument of add() that it is.
    pub fn word(self) -> &'static str {
        match self {
            Part::Up => "up",
            Part::Down => "down",
        }
    }
}

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// The digits before the first underscore, as they are written.
    pub version: String,
    /// What stands between version and ending.
    pub name: String,
    /// Up, also for a file that is marked as neither.
    pub part: Part,
}

/// Reads the name of a file, of which the path may hold folders in the manner of
/// Unix or Windows. None: the name follows no convention that is known.
pub fn file_name(path: &str) -> Option<FileName> {
    let base = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = base.strip_suffix(".sql")?;
    let (stem, part) = if let Some(stem) = stem.strip_suffix(".down") {
        (stem, Part::Down)
    } else {
        (stem.strip_suffix(".up").unwrap_or(stem), Part::Up)
    };
    let (version, name) = stem.split_once('_')?;
    let numbered = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    (numbered && !name.is_empty()).then(|| FileName {
        version: version.to_owned(),
        name: name.to_owned(),
        part,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbered_files() {
        for (path, version, name, part) in [
            ("000001_init_schema.up.sql", "000001", "init_schema", Part::Up),
            ("000001_init_schema.down.sql", "000001", "init_schema", Part::Down),
            ("db/migrations/7_add.sql", "7", "add", Part::Up),
            ("C:\\app\\20240131120000_a b.sql", "20240131120000", "a b", Part::Up),
            ("1_up.sql", "1", "up", Part::Up),
            ("1_é.down.sql", "1", "é", Part::Down),
        ] {
            let expected = FileName { version: version.into(), name: name.into(), part };
            assert_eq!(file_name(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn knows_what_it_does_not_know() {
        for path in [
            "",
            "README.md",
            "init.sql",
            "1.sql",
            "1_.sql",
            "_x.sql",
            "x1_y.sql",
            "1_x.SQL",
            "1_x.sql/",
        ] {
            assert_eq!(file_name(path), None, "{path}");
        }
    }
}

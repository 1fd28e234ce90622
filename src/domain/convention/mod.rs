//! Reads the migration files of other tools as they are: which migrations they hold, and
//! what is said of them.
//!
//! Each tool has a file of its own here, which knows its names of files and the marks in
//! them. What a tool has and we don't honour is a [`Problem`], never passed over.

/// A file as it is at hand.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path within the folder, with `/` between its parts.
    pub path: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// A migration, as far as files tell of it: a part that they don't hold is None.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The version; None: a repeatable migration.
    pub version: Option<String>,
    /// What it does, for people.
    pub name: String,
    /// SQL that applies it. Lines are where they are in the file, so that an error names
    /// the file's own line: what comes before is replaced by empty lines.
    pub up: Option<String>,
    /// SQL that takes it back.
    pub down: Option<String>,
    /// SQL that must hold after.
    pub verify: Option<String>,
    /// What must be applied before, as add() has it.
    pub requires: Vec<String>,
    /// Whether it can run inside a transaction; None: as its statements show.
    pub transactional: Option<bool>,
    /// When a repeatable migration runs.
    pub moment: Moment,
    /// The files that it is made of.
    pub paths: Vec<String>,
}

/// When a repeatable migration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moment {
    /// When it has changed, after the versions.
    #[default]
    Changed,
    /// Before all others, in every run that has something to do.
    BeforeRun,
    /// After all others, in every run that has something to do.
    AfterRun,
}

impl Moment {
    /// By its name. None: there is none of this name.
    pub fn parse(name: &str) -> Option<Moment> {
        match name {
            "changed" => Some(Moment::Changed),
            "before" => Some(Moment::BeforeRun),
            "after" => Some(Moment::AfterRun),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Changed => "changed",
            Moment::BeforeRun => "before",
            Moment::AfterRun => "after",
        }
    }
}

/// Why files can't be taken as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong, as an error's message begins: in lower case, without a full stop.
    pub message: String,
    /// What to do, as a sentence.
    pub hint: String,
}

/// The part of a migration that a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

//! Names of the form that most tools share: digits, a separator, a name.

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
    /// The digits that it begins with, as they are written.
    pub version: String,
    /// What stands between version and ending; the version, if nothing does.
    pub name: String,
    /// Which part it holds by its name.
    pub part: Option<Part>,
}

/// What stands in a path before its last part, and that part.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A name without its ending, which may be written in capitals.
pub fn stem<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len())?;
    let (stem, rest) = name.split_at_checked(at)?;
    rest.eq_ignore_ascii_case(ending).then_some(stem)
}

/// Whether a path is that of a file of SQL.
pub fn is_sql(path: &str) -> bool {
    stem(path, ".sql").is_some()
}

/// What SQL is also named by, so that nothing is read of it.
const OTHER_SQL: [&str; 8] =
    [".psql", ".pgsql", ".plsql", ".plpgsql", ".ddl", ".dml", ".dcl", ".sqlx"];

/// Whether a path looks like that of SQL, but doesn't end in `.sql`, so that nothing is read
/// of it.
pub fn is_other_sql(path: &str) -> bool {
    let base = split(path).1.to_ascii_lowercase();
    OTHER_SQL.iter().any(|ending| base.ends_with(ending) || base.contains(&format!("{ending}.")))
        || base.contains(".sql~")
        || (base.contains(".sql.") && !base.ends_with(".sql.conf") && !base.ends_with(".sql"))
}

/// Whether a path is that of SQL by whichever ending.
pub fn is_any_sql(path: &str) -> bool {
    is_sql(path) || is_other_sql(path)
}

/// How files end that are for people or for other programs, whatever they begin with.
const NO_MIGRATIONS: [&str; 24] = [
    ".md",
    ".markdown",
    ".rst",
    ".adoc",
    ".html",
    ".htm",
    ".pdf",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".webp",
    ".ico",
    ".drawio",
    ".puml",
    ".json",
    ".csv",
    ".tsv",
    ".lock",
    ".log",
    ".map",
    ".d.ts",
    "_test.go",
];

/// Whether a file has the name of a migration, in whichever tool's way and with whatever ending:
/// a number or a time at its beginning, `V1`, `U1`, `B1`, `R__` or a callback of Flyway's, `.up` or `.down` before the
/// ending; or an ending of SQL other than `.sql`, which no tool reads. Such a file is either read
/// or an error.
pub fn is_migration(path: &str) -> bool {
    let base = split(path).1.to_ascii_lowercase();
    if is_other_sql(&base) {
        return true;
    }
    if NO_MIGRATIONS.iter().any(|ending| base.ends_with(ending)) {
        return false;
    }
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let versioned = base
        .strip_prefix(['v', 'u', 'b'])
        .is_some_and(|rest| digit(rest) && (is_sql(&base) || rest.contains('_')));
    digit(&base)
        || versioned
        || base.starts_with(if is_sql(&base) { "r__" } else { "r_" })
        || ["beforemigrate", "aftermigrate"].iter().any(|event| base.starts_with(event))
        || [".up.", ".down."].iter().any(|part| base.contains(part))
}

/// What is needed of a file to know what a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What is in it.
    Text,
    /// That it is there: code of another language, or what is packed, which may be a migration.
    Name,
    /// Nothing.
    Nothing,
}

const BESIDE: [&str; 9] = [
    "sqitch.plan",
    "sqitch.conf",
    "metadata.toml",
    "_journal.json",
    "flyway.conf",
    "flyway.toml",
    "flyway.user.toml",
    "liquibase.properties",
    "atlas.sum",
];
const CODE: [&str; 26] = [
    ".go", ".js", ".ts", ".cjs", ".mjs", ".cts", ".mts", ".java", ".kt", ".py", ".rs", ".rb",
    ".php", ".cs", ".ex", ".exs", ".groovy", ".scala", ".class", ".sh", ".bash", ".ps1", ".bat",
    ".xml", ".yaml", ".yml",
];
/// What is no text.
const PACKED: [&str; 9] = [".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz", ".dump"];

/// Whether a path is that of code in another language, which may be a migration.
pub fn is_code(path: &str) -> bool {
    CODE.iter().any(|ending| path.ends_with(ending)) && !is_changelog(split(path).1)
}

fn is_packed(base: &str) -> bool {
    let base = base.to_ascii_lowercase();
    PACKED.iter().any(|ending| base.ends_with(ending))
}

/// What is needed of the file of a path.
pub fn need(path: &str) -> Need {
    let base = split(path).1;
    if is_sql(base)
        || stem(base, ".sql.conf").is_some()
        || BESIDE.contains(&base)
        || is_changelog(base)
        || (is_migration(base) && !is_code(base) && !is_packed(base))
    {
        Need::Text
    } else if is_code(base) || is_migration(base) {
        Need::Name
    } else {
        Need::Nothing
    }
}

/// Whether a file of this name says in which order Liquibase runs others.
fn is_changelog(base: &str) -> bool {
    let base = base.to_ascii_lowercase();
    ["changelog", "master"].iter().any(|word| base.contains(word))
        && [".xml", ".yaml", ".yml", ".json"].iter().any(|ending| base.ends_with(ending))
}

/// Reads a file's name, without folders. None: it isn't SQL, or doesn't begin with digits
/// that end at `_`, `-` or the ending. A date with hyphens is one version: `2024-01-31-x`.
pub fn numbered(base: &str) -> Option<FileName> {
    let stem_of = |name, ending| stem(name, ending);
    let whole = stem_of(base, ".sql")?;
    let (rest, part) = if let Some(rest) = stem_of(whole, ".up") {
        (rest, Some(Part::Up))
    } else if let Some(rest) = stem_of(whole, ".down") {
        (rest, Some(Part::Down))
    } else {
        (whole, None)
    };
    let (version, name) = date(rest).or_else(|| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, name) = rest.split_at(end);
        let fits = !digits.is_empty() && (name.is_empty() || name.starts_with(['_', '-']));
        fits.then(|| (digits.to_owned(), name))
    })?;
    let name = name.trim_start_matches(['_', '-']);
    let name = if name.is_empty() { version.clone() } else { name.to_owned() };
    Some(FileName { version, name, part })
}

/// A date, with hyphens between year, month and day, as one number, and what follows.
fn date(text: &str) -> Option<(String, &str)> {
    let mut digits = String::new();
    let mut rest = text;
    for length in [4, 2, 2] {
        let group = rest.get(..length).filter(|group| group.bytes().all(|b| b.is_ascii_digit()))?;
        digits.push_str(group);
        rest = &rest[length..];
        if digits.len() < 8 {
            rest = rest.strip_prefix('-')?;
        }
    }
    if !rest.is_empty() && !rest.starts_with(['_', '-']) {
        return None;
    }
    // A time of the day, or a number within it.
    if let Some(more) = rest.strip_prefix('-') {
        let end = more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len());
        let after = &more[end..];
        if matches!(end, 4 | 6) && (after.is_empty() || after.starts_with(['_', '-'])) {
            digits.push_str(&more[..end]);
            rest = after;
        }
    }
    let plausible = digits.starts_with("19") || digits.starts_with("20");
    plausible.then_some((digits, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbered_names() {
        for (base, version, name, part) in [
            ("000001_init_schema.up.sql", "000001", "init_schema", Some(Part::Up)),
            ("000001_init_schema.down.sql", "000001", "init_schema", Some(Part::Down)),
            ("20240131120000_a b.sql", "20240131120000", "a b", None),
            ("0001-create-table.sql", "0001", "create-table", None),
            ("0001-2fa.sql", "0001", "2fa", None),
            ("1__x.SQL", "1", "x", None),
            ("1_x.UP.SQL", "1", "x", Some(Part::Up)),
            ("1_up.sql", "1", "up", None),
            ("1_é.down.sql", "1", "é", Some(Part::Down)),
            ("001.sql", "001", "001", None),
            ("001.up.sql", "001", "001", Some(Part::Up)),
            ("1_.sql", "1", "1", None),
            ("2024-01-31-create.sql", "20240131", "create", None),
            ("2024-01-31_2fa.sql", "20240131", "2fa", None),
            ("2024-01-31-120000_create.sql", "20240131120000", "create", None),
            ("2024-report.sql", "2024", "report", None),
        ] {
            let expected = FileName { version: version.into(), name: name.into(), part };
            assert_eq!(numbered(base), Some(expected), "{base}");
        }
    }

    #[test]
    fn knows_what_it_does_not_know() {
        for base in [
            "",
            "README.md",
            "init.sql",
            "_x.sql",
            "x1_y.sql",
            "1x.sql",
            "1.2_x.sql",
            "é",
            ".sql",
            "٣_x.sql",
        ] {
            assert_eq!(numbered(base), None, "{base}");
        }
    }

    #[test]
    fn knows_what_is_needed() {
        for (path, expected) in [
            ("a/1_x.SQL", Need::Text),
            ("V1__x.sql.conf", Need::Text),
            ("meta/_journal.json", Need::Text),
            ("meta/0000_snapshot.json", Need::Nothing),
            ("2_x.go", Need::Name),
            ("db/db.changelog-Master.YAML", Need::Text),
            ("changelog/x.xml", Need::Name),
            ("README.md", Need::Nothing),
            ("001_notes.md", Need::Nothing),
            ("logo.png", Need::Nothing),
            ("001_a.sql.sql", Need::Text),
            ("001_a.ddl", Need::Text),
            ("seed.pgsql", Need::Text),
            ("1_x.up.psql", Need::Text),
            ("1_x.sql.bak", Need::Text),
            ("V1__x.sql.j2", Need::Text),
            ("20240131_x", Need::Text),
            ("x.down.txt", Need::Text),
            ("1_x.sql.gz", Need::Name),
            ("1_x.rb", Need::Name),
        ] {
            assert_eq!(need(path), expected, "{path}");
        }
    }

    #[test]
    fn knows_names_of_migrations() {
        for (path, expected) in [
            ("m/1_a.sql", true),
            ("m/2024-01-31.SQL", true),
            ("V2_draft.sql", true),
            ("v1__a.sql", true),
            ("U1__a.sql", true),
            ("B1__a.sql", true),
            ("R__a.sql", true),
            ("r__a.pg", true),
            ("a.up.sql", true),
            ("1_a.rb", true),
            ("schema.ddl", true),
            ("a.sql~", true),
            ("afterMigrate__x.pg", true),
            ("seed.sql", false),
            ("up.sql", false),
            ("vendor.sql", false),
            ("v1.svg", false),
            ("1_a_test.go", false),
            ("0000_snapshot.json", false),
            ("1/notes.sql", false),
        ] {
            assert_eq!(is_migration(path), expected, "{path}");
        }
    }

    #[test]
    fn splits_paths() {
        assert_eq!(split("a/b/c"), ("a/b", "c"));
        assert_eq!(split("c"), ("", "c"));
        assert!(is_sql("a/b.Sql") && !is_sql("a.sq") && !is_sql("ésql"));
    }
}

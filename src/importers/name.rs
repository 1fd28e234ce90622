//! File names: of the form that most tools share (digits, a separator, a name), and of other kinds
//! of files.

use super::Part;
use super::path::base;

/// The parts of a numbered file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedName {
    /// The digits at the beginning, as they are written.
    pub version: String,
    /// The text between version and ending; if there is none, the version.
    pub name: String,
    /// The part of the migration, if the name has `.up` or `.down`.
    pub part: Option<Part>,
}

/// A name without an ending, in any case; None: it has another ending.
pub fn stem<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len())?;
    let (stem, rest) = name.split_at_checked(at)?;
    rest.eq_ignore_ascii_case(ending).then_some(stem)
}

/// Whether a file has the ending `.sql`, in any case.
pub fn is_sql(path: &str) -> bool {
    stem(path, ".sql").is_some()
}

/// Endings that SQL has besides `.sql`. Importers read such files only if they are configured so.
const OTHER_SQL: [&str; 8] =
    [".psql", ".pgsql", ".plsql", ".plpgsql", ".ddl", ".dml", ".dcl", ".sqlx"];

/// Whether a file holds SQL by its name, but does not end in `.sql`, so that no importer reads it unless
/// it is configured so.
pub fn is_other_sql(path: &str) -> bool {
    let name = base(path).to_ascii_lowercase();
    OTHER_SQL.iter().any(|ending| name.ends_with(ending) || name.contains(&format!("{ending}.")))
        || name.contains(".sql~")
        || (name.contains(".sql.") && !name.ends_with(".sql.conf") && !name.ends_with(".sql"))
}

/// Whether a file holds SQL by its name.
pub fn is_any_sql(path: &str) -> bool {
    is_sql(path) || is_other_sql(path)
}

/// Endings of files that are never migrations, whatever their names begin with.
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

/// Whether a file has the name of a migration of any tool, with any ending: it begins with a number,
/// a date, `V1`, `U1`, `B1`, `R__` or a callback of Flyway; it has `.up` or `.down` before the ending;
/// or it ends like SQL, but not in `.sql`. Such a file is either read or a problem.
pub fn is_migration(path: &str) -> bool {
    let name = base(path).to_ascii_lowercase();
    if is_other_sql(&name) {
        return true;
    }
    if NO_MIGRATIONS.iter().any(|ending| name.ends_with(ending)) {
        return false;
    }
    let is_versioned = name
        .strip_prefix(['v', 'u', 'b'])
        .is_some_and(|rest| begins_with_digit(rest) && (is_sql(&name) || rest.contains('_')));
    begins_with_digit(&name)
        || is_versioned
        || name.starts_with(if is_sql(&name) { "r__" } else { "r_" })
        || ["beforemigrate", "aftermigrate"].iter().any(|event| name.starts_with(event))
        || [".up.", ".down."].iter().any(|part| name.contains(part))
}

/// Whether a file has the name of a migration, and can be read as text.
pub fn is_readable_migration(path: &str) -> bool {
    is_sql(path) || (is_migration(path) && !is_code(path) && !is_packed(path))
}

/// Endings of programs, and of what may be one.
const CODE: [&str; 26] = [
    ".go", ".js", ".ts", ".cjs", ".mjs", ".cts", ".mts", ".java", ".kt", ".py", ".rs", ".rb",
    ".php", ".cs", ".ex", ".exs", ".groovy", ".scala", ".class", ".sh", ".bash", ".ps1", ".bat",
    ".xml", ".yaml", ".yml",
];
/// Endings of compressed files and archives.
const PACKED: [&str; 9] = [".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz", ".dump"];

/// Whether a file holds code in another language, which may be a migration.
pub fn is_code(path: &str) -> bool {
    CODE.iter().any(|ending| path.ends_with(ending))
}

fn is_packed(path: &str) -> bool {
    let name = base(path).to_ascii_lowercase();
    PACKED.iter().any(|ending| name.ends_with(ending))
}

/// The digits at the beginning of a name, and the rest.
pub fn split_digits(name: &str) -> (&str, &str) {
    name.split_at(name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len()))
}

/// Whether a name begins with a digit.
pub fn begins_with_digit(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

/// Parses a file name, without folders. None: it does not end in `.sql`, or does not begin with
/// digits that end at `_`, `-` or the ending. A date with hyphens is one version: `2024-01-31-x`.
pub fn numbered(base: &str) -> Option<NumberedName> {
    let whole = stem(base, ".sql")?;
    let (rest, part) = if let Some(rest) = stem(whole, ".up") {
        (rest, Some(Part::Up))
    } else if let Some(rest) = stem(whole, ".down") {
        (rest, Some(Part::Down))
    } else {
        (whole, None)
    };
    let (version, name) = date(rest).or_else(|| {
        let (digits, name) = split_digits(rest);
        let fits = !digits.is_empty() && (name.is_empty() || name.starts_with(['_', '-']));
        fits.then(|| (digits.to_owned(), name))
    })?;
    let name = name.trim_start_matches(['_', '-']);
    let name = if name.is_empty() { version.clone() } else { name.to_owned() };
    Some(NumberedName { version, name, part })
}

/// The digits of a date with hyphens between year, month and day, and the rest of the name.
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
    // The time of day, or a number within the day.
    if let Some(more) = rest.strip_prefix('-') {
        let (time, after) = split_digits(more);
        if matches!(time.len(), 4 | 6) && (after.is_empty() || after.starts_with(['_', '-'])) {
            digits.push_str(time);
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
            let expected = NumberedName { version: version.into(), name: name.into(), part };
            assert_eq!(numbered(base), Some(expected), "{base}");
        }
    }

    #[test]
    fn rejects_other_names() {
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
    fn recognises_names_of_migrations() {
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
    fn knows_endings() {
        assert!(is_sql("a/b.Sql") && !is_sql("a.sq") && !is_sql("ésql"));
    }
}

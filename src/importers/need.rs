//! Which files of a folder have to be read before its tool is known.

use super::IMPORTERS;
use super::name::{is_code, is_migration, is_readable_migration};
use super::path::base;

/// What has to be known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Its content.
    Text,
    /// That it exists: it is code in another language, or compressed, and may be a migration.
    Name,
    /// Nothing.
    Nothing,
}

/// What has to be known of the file with this path.
pub fn need(path: &str) -> Need {
    let base = base(path);
    if is_readable_migration(base)
        || IMPORTERS.iter().any(|importer| importer.reads_beside_sql(base))
    {
        Need::Text
    } else if is_code(base) || is_migration(base) {
        Need::Name
    } else {
        Need::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_by_name() {
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
}

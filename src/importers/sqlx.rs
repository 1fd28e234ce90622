//! sqlx: `V_name.sql`, or `V_name.up.sql` with `V_name.down.sql`, and `-- no-transaction` at the very
//! beginning.

use super::path::base;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};
use crate::domain::room;

const NO_TRANSACTION: &str = "-- no-transaction";

/// sqlx.
pub struct Sqlx;

impl Importer for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    /// One file must have the marker. Without it other tools read the files in the same way.
    fn claims(&self, files: &[File]) -> Claim {
        let has_marker = |file: &File| {
            split_name(base(file.path)).is_some() && file.text.starts_with(NO_TRANSACTION)
        };
        Claim::sure_if(files.iter().any(has_marker))
    }

    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let mut migrations = Vec::new();
        let is_own = |base: &str| split_name(base).is_some();
        for (file, base) in folder::single_folder(files, self.name(), notes, is_own)? {
            let Some((version, name)) = split_name(base) else { continue };
            if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
                notes.refuse(Problem::unknown_name(file.path));
                continue;
            }
            migrations.push(migration(&file, version, name));
        }
        Ok(folder::merge_parts(migrations))
    }
}

/// The parts of a name before and after the first underscore. sqlx ignores files without one.
fn split_name(base: &str) -> Option<(&str, &str)> {
    let (version, name) = base.split_once('_')?;
    name.ends_with(".sql").then_some((version, name))
}

fn migration(file: &File, version: &str, name: &str) -> ImportedMigration {
    let (name, is_down) = match name.strip_suffix(".down.sql") {
        Some(name) => (name, true),
        None => (name.trim_end_matches(".sql").trim_end_matches(".up"), false),
    };
    let text = Some(room::owned(file.text));
    let (up, down) = if is_down { (None, text) } else { (text, None) };
    let transactional = (up.is_some() && file.text.starts_with(NO_TRANSACTION)).then_some(false);
    ImportedMigration {
        version: Some(version.to_owned()),
        name: if name.is_empty() { version } else { name }.to_owned(),
        up,
        down,
        transactional,
        paths: vec![file.path.to_owned()],
        ..ImportedMigration::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};

    #[test]
    fn reads_both_kinds() {
        let all = [
            ("1_a.sql", "SELECT 1"),
            ("20240131120000_b c.up.sql", "-- no-transaction\nVACUUM"),
            ("20240131120000_b c.down.sql", "-- no-transaction\nVACUUM"),
            ("3_d.sql", " -- no-transaction\n"),
            ("seed.sql", ""),
        ];
        let set = read_as("sqlx", &all);
        assert_eq!(summary(&set), ["1 a up", "3 d up", "20240131120000 b c up+down no-tx"]);
        assert_eq!(set.ignored[0].0, "seed.sql");
        assert_eq!(detected(&all), "sqlx");
        assert_eq!(detected(&all[..1]), "numbered");
    }

    #[test]
    fn a_name_without_a_number_is_a_problem() {
        let set = read_as("sqlx", &[("1_a.sql", ""), ("seed_users.sql", "")]);
        assert_eq!(set.problems[0].path, "seed_users.sql");
    }
}

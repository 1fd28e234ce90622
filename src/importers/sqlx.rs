//! sqlx: `V_name.sql`, or `V_name.up.sql` with `V_name.down.sql`, and `-- no-transaction`
//! at the very beginning.

use super::name::split;
use super::{Claim, File, Found, Notes, Options, Problem, folder};
use crate::domain::room;

const TOOL: &str = "sqlx";
const MARK: &str = "-- no-transaction";

/// What stands before and behind the first underscore; sqlx ignores other files.
fn own(base: &str) -> Option<(&str, &str)> {
    let (version, name) = base.split_once('_')?;
    name.ends_with(".sql").then_some((version, name))
}

/// Whether files are its own: one has the mark. Without it they mean what they mean to
/// other tools with such names.
pub fn claims(files: &[File]) -> Claim {
    let marked = |file: &File| own(split(file.path).1).is_some() && file.text.starts_with(MARK);
    if files.iter().any(marked) { Claim::Sure } else { Claim::No }
}

/// Reads them.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut found = Vec::new();
    for (file, base) in folder::flat(files, TOOL, notes, |base| own(base).is_some())? {
        let Some((version, name)) = own(base) else { continue };
        if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
            notes.refuse(super::unknown_name(file.path));
            continue;
        }
        let (name, is_down) = match name.strip_suffix(".down.sql") {
            Some(name) => (name, true),
            None => (name.trim_end_matches(".sql").trim_end_matches(".up"), false),
        };
        let text = Some(room::owned(file.text));
        let (up, down) = if is_down { (None, text) } else { (text, None) };
        let transactional = (up.is_some() && file.text.starts_with(MARK)).then_some(false);
        found.push(Found {
            version: Some(version.to_owned()),
            name: if name.is_empty() { version } else { name }.to_owned(),
            up,
            down,
            transactional,
            paths: vec![file.path.to_owned()],
            ..Found::default()
        });
    }
    Ok(folder::join(found))
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, read_as, said};

    #[test]
    fn reads_both_kinds() {
        let all = [
            ("1_a.sql", "SELECT 1"),
            ("20240131120000_b c.up.sql", "-- no-transaction\nVACUUM"),
            ("20240131120000_b c.down.sql", "-- no-transaction\nVACUUM"),
            ("3_d.sql", " -- no-transaction\n"),
            ("seed.sql", ""),
        ];
        let set = read_as(Convention::Sqlx, &all);
        assert_eq!(said(&set), ["1 a up", "3 d up", "20240131120000 b c up+down no-tx"]);
        assert_eq!(set.ignored[0].0, "seed.sql");
        assert_eq!(detected(&all), "sqlx");
        assert_eq!(detected(&all[..1]), "numbered");
    }

    #[test]
    fn a_name_without_a_number_is_a_problem() {
        let set = read_as(Convention::Sqlx, &[("1_a.sql", ""), ("seed_users.sql", "")]);
        assert_eq!(set.problems[0].path, "seed_users.sql");
    }
}

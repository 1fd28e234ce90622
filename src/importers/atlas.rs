//! Atlas: `N_name.sql` in the order of their names, with `-- atlas:` directives, and `atlas.sum`,
//! which says what is in the files.

mod directive;
mod sum;

use super::name::split;
use super::section::holds;
use super::{Claim, Convention, File, Found, Notes, Options, Problem, folder};
use crate::domain::room;
use directive::Directives;

const TOOL: &str = "Atlas";
const SUM: &str = "atlas.sum";

/// The version and name of a file: what is before the first underscore, and the rest.
fn own(base: &str) -> Option<(&str, &str)> {
    let stem = base.strip_suffix(".sql")?;
    let (version, name) = stem.split_once('_').unwrap_or((stem, ""));
    Some((version, if name.is_empty() { version } else { name }))
}

/// Whether files are its own: `atlas.sum` is there, or a directive. It has that file for the
/// folders of other tools, too.
pub fn claims(files: &[File]) -> Claim {
    const OTHERS: [Convention; 5] = [
        Convention::Dbmate,
        Convention::Goose,
        Convention::Flyway,
        Convention::Liquibase,
        Convention::Drizzle,
    ];
    let is_numbered = |file: &File| {
        let base = split(file.path).1;
        own(base).is_some_and(|(version, _)| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_marked = |file: &File| {
        is_numbered(file)
            && holds(file.text, "atlas:")
            && directive::lines(file.text).any(|(line, _)| line.text.starts_with("--"))
    };
    let is_sum = |file: &File| split(file.path).1 == SUM;
    let of_pairs = |file: &File| file.path.ends_with(".up.sql") || file.path.ends_with(".down.sql");
    let shows = files.iter().any(|file| is_sum(file) || is_marked(file));
    let others = || OTHERS.iter().any(|other| other.claims(files) == Claim::Sure);
    match shows && files.iter().any(is_numbered) && !files.iter().any(of_pairs) && !others() {
        true => Claim::Sure,
        false => Claim::No,
    }
}

/// Reads them. A checkpoint sums up the files before it: where they are there, a new database is
/// built from them instead.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let mut sums = files.iter().filter(|file| split(file.path).1 == SUM);
    let sum = sums.next();
    if let (Some(one), Some(other)) = (sum, sums.next()) {
        return Err(folder::several(split(one.path).0, split(other.path).0));
    }
    let place = sum.map(|sum| split(sum.path).0);
    let (inside, outside): (Vec<File>, Vec<File>) =
        files.iter().partition(|file| place.is_none_or(|place| split(file.path).0 == place));
    for file in outside.iter().filter(|file| file.path.ends_with(".sql")) {
        notes.unread(file.path, format!("it is in a folder that {TOOL} does not read"));
    }
    let mut own = folder::flat(&inside, TOOL, notes, |base| own(base).is_some())?;
    own.sort_by_key(|(_, base)| *base);
    if let Some(sum) = sum {
        sum::check(sum, &own, notes);
        notes.ignore(sum.path, "it is read to check the files");
    }
    let mut found = Vec::new();
    for (file, base) in own {
        match migration(&file, base) {
            Ok((migration, is_checkpoint)) if !is_checkpoint || found.is_empty() => {
                found.push(migration);
            }
            Ok(_) => {
                let why = "the files that the checkpoint sums up are there, and a new database is built from them";
                notes.ignore(file.path, why);
            }
            Err(problem) => notes.refuse(problem),
        }
    }
    folder::keep_order(&mut found);
    Ok(found)
}

/// The migration of a file, and whether it is a checkpoint.
fn migration(file: &File, base: &str) -> Result<(Found, bool), Problem> {
    let Directives { in_transaction, is_checkpoint, delimiter } = Directives::of(file)?;
    let up = match delimiter {
        None => room::owned(file.text),
        Some((delimiter, line)) => directive::divided(file, &delimiter, line)?,
    };
    let (version, name) = own(base).unwrap_or((base, base));
    let found = Found {
        version: Some(version.to_owned()),
        name: name.to_owned(),
        up: Some(up),
        transactional: (!in_transaction).then_some(false),
        paths: vec![file.path.to_owned()],
        ..Found::default()
    };
    Ok((found, is_checkpoint))
}

#[cfg(test)]
mod tests;

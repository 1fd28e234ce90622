//! Atlas: `N_name.sql` in the order of the names, with `-- atlas:` directives, and `atlas.sum` with
//! hashes of the files.

mod directive;
mod sum;

use super::dbmate::Dbmate;
use super::drizzle::Drizzle;
use super::flyway::Flyway;
use super::goose::Goose;
use super::liquibase::Liquibase;
use super::name::begins_with_digit;
use super::path::{base, split};
use super::section::contains;
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Problem, folder};
use crate::domain::room;
use directive::Directives;

const TOOL: &str = "Atlas";
const SUM: &str = "atlas.sum";

/// Tools whose folders may have an `atlas.sum`, too.
const OTHERS: [&dyn Importer; 5] = [&Dbmate, &Goose, &Flyway, &Liquibase, &Drizzle];

/// Atlas.
pub struct Atlas;

impl Importer for Atlas {
    fn name(&self) -> &'static str {
        "atlas"
    }

    fn reads_beside_sql(&self, base: &str) -> bool {
        base == SUM
    }

    /// There must be `atlas.sum`, or a directive, and nothing of another tool.
    fn claims(&self, files: &[File]) -> Claim {
        let is_numbered = |file: &File| {
            parse_name(base(file.path)).is_some_and(|(version, _)| begins_with_digit(version))
        };
        let has_directive = |file: &File| {
            is_numbered(file)
                && contains(file.text, "atlas:")
                && directive::lines(file.text).any(|(line, _)| line.text.starts_with("--"))
        };
        let is_sum = |file: &File| base(file.path) == SUM;
        let is_of_pair =
            |file: &File| file.path.ends_with(".up.sql") || file.path.ends_with(".down.sql");
        let is_marked = files.iter().any(|file| is_sum(file) || has_directive(file));
        let is_of_other = || OTHERS.iter().any(|other| other.claims(files) == Claim::Sure);
        let is_own = is_marked
            && files.iter().any(is_numbered)
            && !files.iter().any(is_of_pair)
            && !is_of_other();
        Claim::sure_if(is_own)
    }

    /// A checkpoint replaces the files before it. If these are there, it is ignored, since a new
    /// database is built from them.
    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let (sum, inside) = beside_sum(files, notes)?;
        let is_own = |base: &str| parse_name(base).is_some();
        let mut own = folder::single_folder(&inside, TOOL, notes, is_own)?;
        own.sort_by_key(|(_, base)| *base);
        if let Some(sum) = sum {
            sum::check(sum, &own, notes);
            notes.ignore(sum.path, "it is only used to check the files");
        }
        let mut migrations = Vec::new();
        for (file, base) in own {
            match migration(&file, base) {
                Ok((migration, is_checkpoint)) if !is_checkpoint || migrations.is_empty() => {
                    migrations.push(migration);
                }
                Ok(_) => {
                    let why = "the files before the checkpoint are there, and a new database is built from them";
                    notes.ignore(file.path, why);
                }
                Err(problem) => notes.refuse(problem),
            }
        }
        folder::keep_order(&mut migrations);
        Ok(migrations)
    }
}

/// `atlas.sum`, if it is there, and the files in its folder. Error: there are several.
fn beside_sum<'f, 'a>(
    files: &'f [File<'a>],
    notes: &mut Notes,
) -> Result<(Option<&'f File<'a>>, Vec<File<'a>>), Problem> {
    let mut sums = files.iter().filter(|file| base(file.path) == SUM);
    let sum = sums.next();
    if let (Some(one), Some(other)) = (sum, sums.next()) {
        return Err(folder::several_folders(split(one.path).0, split(other.path).0));
    }
    let place = sum.map(|sum| split(sum.path).0);
    let (inside, outside): (Vec<File>, Vec<File>) =
        files.iter().partition(|file| place.is_none_or(|place| split(file.path).0 == place));
    for file in outside.iter().filter(|file| file.path.ends_with(".sql")) {
        notes.unread(file.path, format!("it is in a folder that {TOOL} does not read"));
    }
    Ok((sum, inside))
}

/// The version and name of a file: the parts before and after the first underscore.
fn parse_name(base: &str) -> Option<(&str, &str)> {
    let stem = base.strip_suffix(".sql")?;
    let (version, name) = stem.split_once('_').unwrap_or((stem, ""));
    Some((version, if name.is_empty() { version } else { name }))
}

/// The migration of a file, and whether it is a checkpoint.
fn migration(file: &File, base: &str) -> Result<(ImportedMigration, bool), Problem> {
    let Directives { in_transaction, is_checkpoint, delimiter } = Directives::read(file)?;
    let up = match delimiter {
        None => room::owned(file.text),
        Some((delimiter, line)) => directive::with_semicolons(file, &delimiter, line)?,
    };
    let (version, name) = parse_name(base).unwrap_or((base, base));
    let migration = ImportedMigration {
        version: Some(version.to_owned()),
        name: name.to_owned(),
        up: Some(up),
        transactional: (!in_transaction).then_some(false),
        paths: vec![file.path.to_owned()],
        ..ImportedMigration::default()
    };
    Ok((migration, is_checkpoint))
}

#[cfg(test)]
mod tests;

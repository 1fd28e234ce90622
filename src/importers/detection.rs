//! Detects which tool's files a folder holds.

use super::name::is_sql;
use super::reading::Reading;
use super::{Claim, File, IMPORTERS, Importer, Options, Problem};

/// Reads files by the importer that claims them. If several claim them with the same certainty,
/// all of these read them: where the results are equal, it makes no difference which is taken.
///
/// Errors: none claims them; several do, and read them differently; the importer cannot go on.
pub fn detect(files: &[File], options: &Options) -> Result<Reading, Problem> {
    let claims: Vec<(&'static dyn Importer, Claim)> =
        IMPORTERS.iter().map(|importer| (*importer, importer.claims(files))).collect();
    let best = claims.iter().map(|(_, claim)| *claim).max().unwrap_or(Claim::No);
    if best == Claim::No {
        let file = files.iter().find(|file| is_sql(file.path)).or(files.first());
        return Err(Problem::unknown_name(file.map_or("", |file| file.path)));
    }
    let candidates: Vec<&'static dyn Importer> =
        claims.iter().filter(|(_, claim)| *claim == best).map(|(importer, _)| *importer).collect();
    if let [only] = candidates[..] {
        return Reading::of(only, files, options);
    }
    let mut first: Option<Reading> = None;
    let mut failed = None;
    for importer in &candidates {
        match Reading::of(*importer, files, options) {
            Err(problem) => failed = failed.or(Some(problem)),
            Ok(reading) => match &first {
                None => first = Some(reading),
                Some(first) if first.migrations == reading.migrations => {}
                Some(_) => return Err(ambiguous(&candidates)),
            },
        }
    }
    match (first, failed) {
        (Some(reading), None) => Ok(reading),
        (None, Some(problem)) => Err(problem),
        _ => Err(ambiguous(&candidates)),
    }
}

fn ambiguous(candidates: &[&'static dyn Importer]) -> Problem {
    let names: Vec<&str> = candidates.iter().map(|importer| importer.name()).collect();
    let hints: Vec<String> = names.iter().map(|name| format!("convention => '{name}'")).collect();
    Problem::of(
        "",
        format!("the files could be those of {}", names.join(" or ")),
        format!("Specify one: {}.", hints.join(" or ")),
    )
}

//! Not read yet.

use super::{Claim, File, Found, Notes, Options, Problem};

/// The options that it knows.
pub const OPTIONS: &[&str] = &[];

/// Whether files are its own.
pub fn claims(_files: &[File]) -> Claim {
    Claim::No
}

/// Reads them. What it neither reads nor notes as passed over is noted by the caller.
pub fn read(
    _files: &[File],
    _options: &Options,
    _notes: &mut Notes,
) -> Result<Vec<Found>, Problem> {
    Err(Problem::of("", "files of this convention are not read yet", "Use add() for each."))
}

//! A folder of files on the server's machine.

use super::registration::{File, Outcome, Registration};
use crate::domain::convention::{self, Part};
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::pg::{identity, message};
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// A text of the server, with what is made of it on the way, has to stay below 1 GB.
const LARGEST: u64 = 256 << 20;

/// A file of a folder that was registered.
pub struct Loaded {
    /// The file's name.
    pub file: String,
    /// Its version.
    pub version: String,
    /// The name in it.
    pub name: String,
    /// Which part of a migration it holds.
    pub part: Part,
    /// What was done.
    pub outcome: Outcome,
}

/// Registers all files of a folder whose names end in `.sql`; others are none of ours.
/// All of them, or none.
///
/// Errors: the caller may not read files of the server (42501); the folder can't be read
/// (58P01 and others); files were refused, of which the DETAIL has each with its reason
/// (the SQLSTATE of the first one); see [`Registration::of`].
pub fn load(directory: &str, project: &str, replace: bool) -> Result<Vec<Loaded>> {
    if !identity::may_read_server_files() {
        return Err(Error::MayNotReadFiles);
    }
    let mut files = Vec::new();
    let mut refused = Vec::new();
    for name in names(directory)? {
        match read(directory, &name) {
            Ok(file) => files.push((name, file)),
            Err(error) => refused.push((name, Box::new(error))),
        }
    }
    if files.is_empty() && refused.is_empty() {
        message::notice(&format!("nothing to do: \"{directory}\" holds no .sql files"));
        return Ok(Vec::new());
    }
    let mut parts: HashMap<(Vec<u8>, bool), String> = HashMap::new();
    for (name, file) in &files {
        let part = (file.version.key().to_vec(), file.part == Part::Up);
        if let Some(other) = parts.insert(part, name.clone()) {
            let mut files = [other, name.clone()];
            files.sort();
            refused.push((name.clone(), Box::new(Error::SamePart { files })));
        }
    }
    // The up first, whose name is the migration's.
    files.sort_by(|(_, a), (_, b)| {
        a.version
            .key()
            .cmp(b.version.key())
            .then((a.part == Part::Down).cmp(&(b.part == Part::Down)))
    });
    let loaded = Registration::of("migrations.load()", project, |registration| {
        let mut loaded = Vec::new();
        for (name, file) in files {
            let (version, title, part) =
                (file.version.text().to_owned(), file.name.clone(), file.part);
            match registration.put_part(file, replace) {
                Ok(outcome) => {
                    loaded.push(Loaded { file: name, version, name: title, part, outcome });
                }
                Err(error @ (Error::AlreadyRegistered { .. } | Error::VersionClash { .. })) => {
                    refused.push((name, Box::new(error)));
                }
                Err(error) => return Err(error),
            }
        }
        if refused.is_empty() {
            return Ok(loaded);
        }
        refused.sort_by(|(a, _), (b, _)| a.cmp(b));
        Err(Error::FilesRefused { directory: directory.to_owned(), files: refused })
    })?;
    Ok(loaded)
}

/// The names of the folder's files, those that end in `.sql`.
fn names(directory: &str) -> Result<Vec<String>> {
    let failed = |why| Error::File { path: directory.to_owned(), why };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A folder, or what would never end to be read, is no file.
        let is_file = entry.path().metadata().is_ok_and(|metadata| metadata.is_file());
        if name.ends_with(".sql") && !name.starts_with('.') && is_file {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read(directory: &str, name: &str) -> Result<File> {
    let unknown = || Error::UnknownFileName(name.to_owned());
    let file = convention::file_name(name).ok_or_else(unknown)?;
    let version = Version::parse(&file.version)
        .map_err(|why| Error::InvalidVersion { version: file.version.clone(), why })?;
    if file.name.trim().is_empty() || file.name.chars().any(char::is_control) {
        return Err(unknown());
    }
    let path = Path::new(directory).join(name);
    let failed = |why| Error::File { path: path.to_string_lossy().into_owned(), why };
    let invalid = |why: &str| failed(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
    if path.metadata().map_err(failed)?.len() > LARGEST {
        return Err(invalid("it is larger than 256 MB"));
    }
    let bytes = std::fs::read(&path).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not in UTF-8"))?;
    if text.contains('\0') {
        return Err(invalid("it holds a NUL byte"));
    }
    Ok(File { version, name: file.name, part: file.part, text })
}

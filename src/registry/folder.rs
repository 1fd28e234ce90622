//! The files of a folder on the server's machine.

use super::contained_path::{FileId, Folder, FolderEntry, Target};
use super::refused::Refusal;
use crate::domain::{halt, room};
use crate::error::{Error, Result};
use crate::importers::{Need, need};
use crate::pg::{interrupt, message};
use pgrx::PgSqlErrorCode as Code;
use std::collections::HashSet;
use std::ffi::CStr;
use std::io::{self, Read};

/// The maximum size of a file. A value of the server has at most 1 GB, and some texts grow
/// while they are prepared.
const MAX_SIZE: u64 = 512 << 20;

/// The maximum depth of nested folders.
const MAX_DEPTH: usize = 64;

/// A file: its path within the folder, and its content if that is needed.
pub type FileText = (String, String);

/// Reads the files of a folder and its subfolders that conventions may need, without hidden ones.
/// Returns them with those that are refused: files with the name of a migration that cannot be
/// read.
///
/// A link is followed if its target is a regular file or a folder that is contained in the folder.
/// That is needed for volumes of Kubernetes, which consist of links to hidden folders. No folder is
/// read twice.
///
/// Errors: a folder cannot be read (58P01 and others).
pub fn read(directory: &str) -> Result<(Vec<FileText>, Vec<Refusal>)> {
    let root = Folder::open(directory).map_err(|why| failed(directory.to_owned(), why))?;
    let mut reader = FolderReader {
        directory,
        seen: HashSet::from([root.id]),
        root,
        files: Vec::new(),
        refused: Vec::new(),
        links: Vec::new(),
    };
    reader.folder(None, &[], 0)?;
    // Links that are found in linked folders are ignored: one may lead to its own folder.
    let mut links = std::mem::take(&mut reader.links);
    links.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (mut path, folder) in links {
        if reader.seen.insert(folder.id) {
            path.push(b'/');
            reader.folder(Some(&folder), &path, 0)?;
        }
    }
    let FolderReader { mut files, refused, .. } = reader;
    files.sort();
    Ok((files, refused))
}

/// Reads a folder and its subfolders.
struct FolderReader<'a> {
    directory: &'a str,
    root: Folder,
    // The folders that were read already.
    seen: HashSet<FileId>,
    files: Vec<FileText>,
    refused: Vec<Refusal>,
    // Links to folders, with their paths.
    links: Vec<(Vec<u8>, Folder)>,
}

impl FolderReader<'_> {
    /// Reads the entries of a folder (None: the root). `prefix` is its path with a slash.
    fn folder(&mut self, folder: Option<&Folder>, prefix: &[u8], depth: usize) -> Result<()> {
        let path = |prefix: &[u8]| self.path(&String::from_utf8_lossy(prefix));
        if depth > MAX_DEPTH {
            let why = format!("folders are nested more than {MAX_DEPTH} deep");
            return Err(failed(path(prefix), unusable(why)));
        }
        let names = folder.unwrap_or(&self.root).names();
        for name in names.map_err(|why| failed(path(prefix), why))? {
            let mut path = prefix.to_vec();
            path.extend(name.to_bytes());
            match folder.unwrap_or(&self.root).entry(&name) {
                Ok(FolderEntry::Target(Target::Folder(inner))) => {
                    if self.seen.insert(inner.id) {
                        path.push(b'/');
                        self.folder(Some(&inner), &path, depth + 1)?;
                    }
                }
                Ok(FolderEntry::Target(Target::File(folder, name))) => {
                    self.file(path, &folder, &name)
                }
                Ok(FolderEntry::Target(Target::Other)) => self.refuse(path, not_a_file()),
                Ok(FolderEntry::Link) => {
                    let target = folder.unwrap_or(&self.root).resolve(&name);
                    self.link(path, target);
                }
                // It was deleted meanwhile.
                Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => self.refuse(path, why),
            }
        }
        Ok(())
    }

    fn link(&mut self, path: Vec<u8>, target: io::Result<Target>) {
        let leads_out = || unusable("it is a link that leads out of the folder");
        match target {
            Ok(Target::Folder(folder)) => match folder.is_within(&self.root) {
                Ok(true) => self.links.push((path, folder)),
                _ => {
                    let path = self.path(&String::from_utf8_lossy(&path));
                    message::notice(&format!(
                        "\"{path}\" is ignored: it is a link that leads out of the folder"
                    ));
                }
            },
            Ok(Target::File(folder, name)) => match folder.is_within(&self.root) {
                Ok(true) => self.file(path, &folder, &name),
                Ok(false) => self.refuse(path, leads_out()),
                Err(why) => self.refuse(path, why),
            },
            Ok(Target::Other) => self.refuse(path, not_a_file()),
            Err(_) => self.refuse(path, unusable("it is a link that leads nowhere")),
        }
    }

    /// Reads a file, if it is needed.
    fn file(&mut self, path: Vec<u8>, folder: &Folder, name: &CStr) {
        let needed = need(&String::from_utf8_lossy(&path));
        if needed == Need::Nothing {
            return;
        }
        let Ok(text) = String::from_utf8(path.clone()) else {
            return self.refuse(path, unusable("its name is not in UTF-8"));
        };
        match needed {
            Need::Text => match content(folder, name) {
                Ok(content) => self.files.push((text, content)),
                Err(Some(why)) => self.refuse(path, why),
                Err(None) => {
                    self.refused.push(Refusal::for_error(text, interrupt::out_of_memory()))
                }
            },
            _ => self.files.push((text, String::new())),
        }
    }

    /// Refuses a file that cannot be read, if its content would be needed.
    fn refuse(&mut self, path: Vec<u8>, why: io::Error) {
        let path = String::from_utf8_lossy(&path).into_owned();
        if need(&path) == Need::Text {
            let error = failed(self.path(&path), why);
            self.refused.push(Refusal::for_error(path, error));
        }
    }

    fn path(&self, path: &str) -> String {
        match path {
            "" => self.directory.to_owned(),
            path => format!("{}/{path}", self.directory.trim_end_matches('/')),
        }
    }
}

/// The content of a file. Errors: why it cannot be read; None: there is not enough memory.
fn content(folder: &Folder, name: &CStr) -> std::result::Result<String, Option<io::Error>> {
    let file = folder.file(name).map_err(Some)?;
    let size = file.metadata().map_err(Some)?.len();
    let invalid = |why: &str| Some(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
    let too_large = || invalid("it is larger than 512 MB");
    if size > MAX_SIZE {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize + 1).map_err(|_| None)?;
    let mut part = vec![0; halt::STRIDE];
    // The file may have grown since.
    let mut file = file.take(MAX_SIZE + 1);
    loop {
        let count = match file.read(&mut part) {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) => break,
            read => read.map_err(Some)?,
        };
        halt::work(count);
        room::extend(&mut bytes, &part[..count]);
    }
    if bytes.len() as u64 > MAX_SIZE {
        return Err(too_large());
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not in UTF-8"))?;
    match text.contains('\0') {
        true => Err(invalid("it holds a NUL byte")),
        false => Ok(text),
    }
}

/// A folder or file of the server cannot be read (58030, or what the error of the system means).
fn failed(path: String, why: io::Error) -> Error {
    let code = match why.kind() {
        io::ErrorKind::NotFound => Code::ERRCODE_UNDEFINED_FILE,
        io::ErrorKind::PermissionDenied => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        io::ErrorKind::InvalidData => Code::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
        io::ErrorKind::InvalidInput => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        _ => Code::ERRCODE_IO_ERROR,
    };
    // Without the number that the system has for it.
    let why = why.to_string();
    let why = why.rfind(" (os error ").map_or(why.as_str(), |at| &why[..at]);
    Error::new(code, format!("cannot read \"{path}\": {why}"))
        .hint("Give a path on the server's machine that the operating-system user of PostgreSQL may read.")
}

fn unusable(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.into())
}

fn not_a_file() -> io::Error {
    unusable("it is not a regular file")
}

//! The files of a folder on the server's machine.

use crate::domain::convention::{Need, need};
use crate::domain::{halt, room};
use crate::error::{Error, Result};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A text of the server, with what is made of it on the way, has to stay below 1 GB.
const LARGEST: u64 = 512 << 20;

/// A file: its path within the folder, and what is in it, as far as that is needed.
pub type Named = (String, String);

/// Files that can't be taken, each with the reason.
pub type Refused = Vec<(String, Box<Error>)>;

/// Reads the files of a folder and of those below it that may have to do with migrations.
/// Hidden ones aren't among them, and links to folders aren't followed. Errors: a folder
/// can't be read (58P01 and others).
pub fn read(directory: &str) -> Result<(Vec<Named>, Refused)> {
    let mut files = Vec::new();
    let mut refused = Vec::new();
    for (name, path) in paths(Path::new(directory))? {
        if need(&name) == Need::Name {
            files.push((name, String::new()));
            continue;
        }
        match text(&path) {
            Ok(text) => files.push((name, text)),
            Err(error) => refused.push((name, Box::new(error))),
        }
    }
    Ok((files, refused))
}

/// Of each file that is needed: its path within the folder, and where it is. In the order
/// of their paths.
fn paths(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), root.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        let failed = |why| Error::File { path: folder.to_string_lossy().into_owned(), why };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push((format!("{path}/"), entry.path()));
            // What would never end to be read is no file.
            } else if need(&path) != Need::Nothing
                && entry.path().metadata().is_ok_and(|metadata| metadata.is_file())
            {
                found.push((path, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What is in a file. One that grows meanwhile is read as far as it is allowed to be.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?.take(LARGEST + 1);
    let mut bytes = room::list(file.get_ref().metadata()?.len().min(LARGEST) as usize);
    let mut part = vec![0; halt::STRIDE];
    loop {
        let count = match file.read(&mut part) {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => 0,
            Ok(0) => return Ok(bytes),
            read => read?,
        };
        halt::work(count);
        room::extend(&mut bytes, &part[..count]);
    }
}

fn text(path: &Path) -> Result<String> {
    let failed = |why| Error::File { path: path.to_string_lossy().into_owned(), why };
    let invalid = |why: &str| failed(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
    if path.metadata().map_err(failed)?.len() > LARGEST {
        return Err(invalid("it is larger than 512 MB"));
    }
    let bytes = bytes(path).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not in UTF-8"))?;
    if text.contains('\0') {
        return Err(invalid("it holds a NUL byte"));
    }
    Ok(text)
}

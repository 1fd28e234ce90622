//! Opening files that are contained in a folder, whatever links lead to them.
//!
//! Others may replace files and folders by links at any time. So nothing is opened by a path of
//! more than one part, and the system follows no link: its target is read and resolved part by
//! part. The result is contained in a folder if its parents lead to that folder.

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// How many links a path may contain, as on Linux.
const MAX_LINKS: usize = 40;

/// Flags that open a folder to resolve paths in it. On Linux it need not be readable.
#[cfg(target_os = "linux")]
const TRAVERSE: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const TRAVERSE: OFlags = OFlags::RDONLY;

/// The device and the inode, which identify a folder or file.
pub type FileId = (u64, u64);

/// An open folder.
pub struct Folder {
    fd: OwnedFd,
    /// Which folder it is.
    pub id: FileId,
}

/// What a name refers to.
pub enum Target {
    /// A folder.
    Folder(Folder),
    /// A regular file: the folder that contains it, and its name there.
    File(Folder, CString),
    /// A device, a pipe or a socket.
    Other,
}

/// An entry of a folder.
pub enum FolderEntry {
    /// A folder or file.
    Target(Target),
    /// A link, to be followed with [`Folder::resolve`].
    Link,
}

impl Folder {
    /// Opens a folder by any path. Errors: those of the operating system.
    pub fn open(path: &str) -> io::Result<Folder> {
        Folder::of(openat(
            CWD,
            path,
            OFlags::DIRECTORY | OFlags::CLOEXEC | TRAVERSE,
            Mode::empty(),
        )?)
    }

    fn of(fd: OwnedFd) -> io::Result<Folder> {
        let stat = fstat(&fd)?;
        Ok(Folder { fd, id: (stat.st_dev as u64, stat.st_ino as u64) })
    }

    /// The names in the folder, without hidden ones. Errors: those of the operating system.
    pub fn names(&self) -> io::Result<Vec<CString>> {
        let mut names = Vec::new();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        for entry in Dir::new(openat(&self.fd, c".", flags, Mode::empty())?)? {
            let name = entry?.file_name().to_owned();
            if !name.to_bytes().starts_with(b".") {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The entry with this name. Errors: those of the operating system.
    pub fn entry(&self, name: &CStr) -> io::Result<FolderEntry> {
        Ok(match self.kind(name)? {
            FileType::Symlink => FolderEntry::Link,
            FileType::Directory => FolderEntry::Target(Target::Folder(self.enter(name)?)),
            FileType::RegularFile => {
                FolderEntry::Target(Target::File(self.duplicate()?, name.to_owned()))
            }
            _ => FolderEntry::Target(Target::Other),
        })
    }

    /// The final target of a link. Errors: those of the operating system; there are too many links.
    pub fn resolve(&self, link: &CStr) -> io::Result<Target> {
        let mut at = self.duplicate()?;
        // The rest of the path, the next part last.
        let mut rest = vec![link.to_bytes().to_vec()];
        let mut links = 0;
        while let Some(part) = rest.pop() {
            let name = CString::new(part)?;
            match name.to_bytes() {
                b"" | b"." => continue,
                b".." => {
                    at = at.enter(c"..")?;
                    continue;
                }
                _ => {}
            }
            match at.kind(&name)? {
                FileType::Symlink => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    let path = readlinkat(&at.fd, &name, Vec::new())?;
                    if path.to_bytes().starts_with(b"/") {
                        at = Folder::open("/")?;
                    }
                    rest.extend(path.to_bytes().split(|b| *b == b'/').rev().map(<[u8]>::to_vec));
                }
                FileType::Directory => at = at.enter(&name)?,
                _ if rest.iter().any(|part| !part.is_empty()) => return Err(Errno::NOTDIR.into()),
                FileType::RegularFile => return Ok(Target::File(at, name)),
                _ => return Ok(Target::Other),
            }
        }
        Ok(Target::Folder(at))
    }

    /// Whether this is the folder `root`, or is contained in it. Errors: those of the operating
    /// system.
    pub fn is_within(&self, root: &Folder) -> io::Result<bool> {
        let mut at = self.duplicate()?;
        loop {
            if at.id == root.id {
                return Ok(true);
            }
            let above = at.enter(c"..")?;
            if above.id == at.id {
                return Ok(false);
            }
            at = above;
        }
    }

    /// Opens a regular file of the folder. Errors: those of the operating system; the name does
    /// not refer to a regular file any more.
    pub fn file(&self, name: &CStr) -> io::Result<File> {
        // NONBLOCK: it may be a pipe by now, and opening it must not wait for a writer.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::empty())?;
        match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
            FileType::RegularFile => Ok(File::from(fd)),
            _ => Err(Errno::LOOP.into()),
        }
    }

    fn kind(&self, name: &CStr) -> io::Result<FileType> {
        let stat = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode))
    }

    fn enter(&self, name: &CStr) -> io::Result<Folder> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | TRAVERSE;
        Folder::of(openat(&self.fd, name, flags, Mode::empty())?)
    }

    fn duplicate(&self) -> io::Result<Folder> {
        Ok(Folder { fd: self.fd.as_fd().try_clone_to_owned()?, id: self.id })
    }
}

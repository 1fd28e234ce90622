//! Finding what is below a folder, whatever links lead to it.
//!
//! Others may put links in place of files and folders while we look, so nothing is opened
//! by a path of more than one part, and no link is followed but by reading where it leads.
//! What is found in the end counts as below if going up from there comes to the folder.

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// How many links may lead on from one, as on Linux.
const LINKS: usize = 40;

/// Of folders, what only lets them be passed: they need not be readable.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = OFlags::RDONLY;

/// A file system and a number in it, which is what a folder or file is.
pub type Identity = (u64, u64);

/// A folder, open.
pub struct Folder {
    fd: OwnedFd,
    /// Which one it is.
    pub identity: Identity,
}

/// What a name leads to.
pub enum Target {
    /// A folder.
    Folder(Folder),
    /// A regular file: the folder that it is in, and its name there.
    File(Folder, CString),
    /// A device, a pipe or a socket.
    Other,
}

/// What a folder has under a name.
pub enum Entry {
    /// This.
    Target(Target),
    /// A link, to be followed with [`Folder::resolve`].
    Link,
}

impl Folder {
    /// Opens a folder by any path. Errors: the system's.
    pub fn open(path: &str) -> io::Result<Folder> {
        Folder::of(openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC | PASS, Mode::empty())?)
    }

    fn of(fd: OwnedFd) -> io::Result<Folder> {
        let stat = fstat(&fd)?;
        Ok(Folder { fd, identity: (stat.st_dev as u64, stat.st_ino as u64) })
    }

    /// The names of all that is in it, but for hidden ones. Errors: the system's.
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

    /// What is there under a name. Errors: the system's.
    pub fn entry(&self, name: &CStr) -> io::Result<Entry> {
        Ok(match self.kind(name)? {
            FileType::Symlink => Entry::Link,
            FileType::Directory => Entry::Target(Target::Folder(self.enter(name)?)),
            FileType::RegularFile => Entry::Target(Target::File(self.again()?, name.to_owned())),
            _ => Entry::Target(Target::Other),
        })
    }

    /// What a link leads to in the end. Errors: the system's; it leads to itself.
    pub fn resolve(&self, link: &CStr) -> io::Result<Target> {
        let mut at = self.again()?;
        // What is left of the path, the next part last.
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
                    if links > LINKS {
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

    /// Whether it is this one, or a folder below it. Errors: the system's.
    pub fn is_within(&self, root: &Folder) -> io::Result<bool> {
        let mut at = self.again()?;
        loop {
            if at.identity == root.identity {
                return Ok(true);
            }
            let above = at.enter(c"..")?;
            if above.identity == at.identity {
                return Ok(false);
            }
            at = above;
        }
    }

    /// Opens a regular file that is in it. Errors: the system's; it isn't one any more.
    pub fn file(&self, name: &CStr) -> io::Result<File> {
        // Should it be a pipe by now, nobody is waited for.
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
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | PASS;
        Folder::of(openat(&self.fd, name, flags, Mode::empty())?)
    }

    fn again(&self) -> io::Result<Folder> {
        Ok(Folder { fd: self.fd.as_fd().try_clone_to_owned()?, identity: self.identity })
    }
}

//! Paths within the folder that is read, with `/` between their parts.

/// The folder of a path, and the file's name.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The file's name in a path.
pub fn base(path: &str) -> &str {
    split(path).1
}

/// How deep a file is in folders.
pub fn depth(path: &str) -> usize {
    path.matches('/').count()
}

/// A path as importers see it, which a client on Windows may write with backslashes.
pub fn normal(path: &str) -> String {
    let path = if path.contains('/') { path.to_owned() } else { path.replace('\\', "/") };
    path.trim_start_matches("./").to_owned()
}

/// A path that is relative to a folder, without `.`, `..` and empty parts. One that leads out of
/// the folder that is read is taken from that folder.
pub fn join(folder: &str, path: &str) -> String {
    joined(folder, path).0
}

/// A path as [`join`] returns it. None: it leads out of the folder that is read.
pub fn join_within(folder: &str, path: &str) -> Option<String> {
    let (joined, leads_out) = joined(folder, path);
    (!leads_out).then_some(joined)
}

/// The joined path, and whether it leads out of the folder that is read.
fn joined(folder: &str, path: &str) -> (String, bool) {
    let mut parts: Vec<&str> = Vec::new();
    let mut leads_out = false;
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => leads_out |= parts.pop().is_none(),
            part => parts.push(part),
        }
    }
    (parts.join("/"), leads_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_paths() {
        assert_eq!(split("a/b/c"), ("a/b", "c"));
        assert_eq!(split("c"), ("", "c"));
        assert_eq!(base("a/b/c"), "c");
    }

    #[test]
    fn joins_paths() {
        assert_eq!(join("", "."), "");
        assert_eq!(join("a", "./b//c/"), "a/b/c");
        assert_eq!(join("a/b", "../../../c"), "c");
        assert_eq!(join_within("a/b", "../../../c"), None);
        assert_eq!(join_within("a/b", "../../c").as_deref(), Some("c"));
    }
}

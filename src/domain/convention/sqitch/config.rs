//! Where Sqitch's configuration says that plan and scripts are.

use super::super::File;
use super::super::section::lines;
use std::collections::HashMap;

/// Where plan and scripts are, within the folder that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The plan.
    pub plan: String,
    /// The folder of the scripts that apply.
    pub deploy: String,
    /// The folder of those that take back.
    pub revert: String,
    /// The folder of those that verify.
    pub verify: String,
    /// What the names of scripts end with, after a point.
    pub extension: String,
}

/// What is said of an engine that isn't PostgreSQL's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherEngine {
    /// Its name.
    pub name: String,
    /// The line that says it.
    pub line: usize,
}

/// A configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Values and lines by section and key, as in `engine.pg.top_dir`.
    values: HashMap<String, (String, usize)>,
}

impl Config {
    /// Reads the text of a `sqitch.conf`.
    pub fn read(file: &File) -> Config {
        let mut values = HashMap::new();
        let mut section = String::new();
        for line in lines(file.text) {
            let text = line.text.trim();
            if text.starts_with(['#', ';']) {
                continue;
            }
            if let Some(header) = text.strip_prefix('[') {
                let header = header.split(']').next().unwrap_or_default();
                let (name, part) = header.split_once('"').unwrap_or((header, ""));
                section = name.trim().to_ascii_lowercase();
                let part = part.trim_end_matches('"');
                if !part.is_empty() {
                    section = format!("{section}.{part}");
                }
                continue;
            }
            if let Some((key, value)) = text.split_once('=') {
                let key = format!("{section}.{}", key.trim().to_ascii_lowercase());
                values.insert(key, (plain(value.trim()), line.number));
            }
        }
        Config { values }
    }

    /// The engine, if it is only another one than PostgreSQL's that is configured.
    pub fn other_engine(&self) -> Option<OtherEngine> {
        let (name, line) = self.values.get("core.engine")?;
        let is_pg = name == "pg" || self.values.keys().any(|key| key.starts_with("engine.pg."));
        (!is_pg).then(|| OtherEngine { name: name.clone(), line: *line })
    }

    fn get(&self, key: &str) -> Option<&str> {
        let value = |key: &str| self.values.get(key).map(|(value, _)| value.as_str());
        let target = value("engine.pg.target").or_else(|| value("core.target"));
        target
            .and_then(|target| value(&format!("target.{target}.{key}")))
            .or_else(|| value(&format!("engine.pg.{key}")))
            .or_else(|| value(&format!("core.{key}")))
            .filter(|value| !value.is_empty())
    }

    /// Where it says that plan and scripts are; it stands in the folder `at` itself.
    pub fn layout(&self, at: &str) -> Layout {
        let top = join(at, self.get("top_dir").unwrap_or("."));
        let folder = |name: &str| match self.get(&format!("{name}_dir")) {
            Some(folder) => join(at, folder),
            None => join(&top, name),
        };
        Layout {
            plan: match self.get("plan_file") {
                Some(plan) => join(at, plan),
                None => join(&top, "sqitch.plan"),
            },
            deploy: folder("deploy"),
            revert: folder("revert"),
            verify: folder("verify"),
            extension: self.get("extension").unwrap_or("sql").to_owned(),
        }
    }
}

/// A value without quotes and comment.
fn plain(value: &str) -> String {
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
        None => value.split([';', '#']).next().unwrap_or_default().trim_end().to_owned(),
    }
}

/// A path within a folder, with no parts that say nothing. The empty one is the folder
/// that is read.
pub fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::read(&File { path: "sqitch.conf", text })
    }

    #[test]
    fn knows_where_things_are() {
        let layout = |text: &str| {
            let Layout { plan, deploy, revert, verify, extension } = config(text).layout("db");
            [plan, deploy, revert, verify, extension].join(" ")
        };
        for (text, expected) in [
            ("", "db/sqitch.plan db/deploy db/revert db/verify sql"),
            (
                "[core]\r\n\tengine = pg ; yes\r\n\t# top_dir = no\r\n\ttop_dir = ./sql/\r\n",
                "db/sql/sqitch.plan db/sql/deploy db/sql/revert db/sql/verify sql",
            ),
            (
                "[Core]\nTop_Dir=a\nplan_file = \"my plan\"\n[engine \"pg\"]\ntop_dir=pg\nextension = ddl\n\
                 revert_dir=../undo # x",
                "db/my plan db/pg/deploy undo db/pg/verify ddl",
            ),
            (
                "[core]\ntarget = dev\n[target \"dev\"]\n  uri = db:pg:x\n  top_dir = t",
                "db/t/sqitch.plan db/t/deploy db/t/revert db/t/verify sql",
            ),
        ] {
            assert_eq!(layout(text), expected, "{text}");
        }
    }

    #[test]
    fn notices_another_engine() {
        let engine = |text: &str| config(text).other_engine().map(|other| (other.name, other.line));
        assert_eq!(engine("[core]\nengine = sqlite"), Some(("sqlite".to_owned(), 2)));
        assert_eq!(engine("[core]\nengine = sqlite\n[engine \"pg\"]\ntarget = x"), None);
        assert_eq!(engine("[core]\n# engine ="), None);
    }

    #[test]
    fn joins_paths() {
        assert_eq!(join("", "."), "");
        assert_eq!(join("a", "./b//c/"), "a/b/c");
        assert_eq!(join("a/b", "../../../c"), "c");
    }
}

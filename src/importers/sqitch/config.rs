//! Where Sqitch's configuration says that plan and scripts are.

use super::super::File;
use super::super::section::lines;
use crate::domain::halt;
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
        let mut set = |whole: &str, line: usize| {
            let text = header(whole.trim(), &mut section);
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            let key = key.trim().to_ascii_lowercase();
            if !key.is_empty() && !key.starts_with(['#', ';']) {
                values.insert(format!("{section}.{key}"), (plain(value.trim()), line));
            }
        };
        // A line that goes on, with the number of its first one.
        let mut open: Option<(String, usize)> = None;
        for line in lines(file.text) {
            let (mut whole, number) = open.take().unwrap_or((String::new(), line.number));
            let goes_on = is_continued(&whole, line.text);
            whole.push_str(if goes_on { &line.text[..line.text.len() - 1] } else { line.text });
            match goes_on {
                true => open = Some((whole, number)),
                false => set(&whole, number),
            }
        }
        if let Some((whole, number)) = open {
            set(&whole, number);
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

/// Whether a line ends with a backslash that means that the next one belongs to it: in none of
/// comments, and not if it is escaped itself.
fn is_continued(before: &str, line: &str) -> bool {
    let slashes = line.len() - line.trim_end_matches('\\').len();
    slashes % 2 == 1 && Value::of(before).and(line).ends_outside_of_comment
}

/// Reads the name of a section at the beginning of a line, and gives what is after it.
fn header<'a>(text: &'a str, section: &mut String) -> &'a str {
    let Some(inner) = text.strip_prefix('[') else { return text };
    let (mut quoted, mut escaped) = (false, false);
    let mut name = String::new();
    for (at, c) in inner.char_indices() {
        match c {
            c if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => {
                *section = name;
                return inner[at + 1..].trim_start();
            }
            // The name is in any case, and a point is before its part.
            c if c.is_whitespace() && !quoted => {
                if !name.is_empty() && !name.ends_with('.') {
                    name.push('.');
                }
            }
            c if quoted => name.push(c),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    *section = name;
    ""
}

/// A value that is read letter by letter.
#[derive(Default)]
struct Value {
    text: String,
    /// The length without white space at its end that isn't quoted.
    length: usize,
    quoted: bool,
    escaped: bool,
    ends_outside_of_comment: bool,
}

impl Value {
    fn of(text: &str) -> Value {
        Value { ends_outside_of_comment: true, ..Value::default() }.and(text)
    }

    fn and(mut self, text: &str) -> Value {
        if !self.ends_outside_of_comment {
            return self;
        }
        for c in text.chars() {
            halt::work(1);
            match c {
                c if self.escaped => {
                    self.escaped = false;
                    self.text.push(match c {
                        'n' => '\n',
                        't' => '\t',
                        'b' => '\u{8}',
                        c => c,
                    });
                    self.length = self.text.len();
                }
                '\\' => self.escaped = true,
                '"' => {
                    self.quoted = !self.quoted;
                    self.length = self.text.len();
                }
                '#' | ';' if !self.quoted => {
                    self.ends_outside_of_comment = false;
                    return self;
                }
                c => {
                    self.text.push(c);
                    if self.quoted || !c.is_whitespace() {
                        self.length = self.text.len();
                    }
                }
            }
        }
        self
    }
}

/// A value without quotes and comment.
fn plain(value: &str) -> String {
    let mut value = Value::of(value);
    value.text.truncate(value.length);
    value.text
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
            (
                "[core]\ntop_dir = a\\\nb # x \\\nplan_file = \"x # \\\"y\" ; z\n[engine \"pg\"] revert_dir = \\\\r\\\\\nverify_dir=v",
                "db/x # \"y db/ab/deploy db/\\r\\ db/v sql",
            ),
            (
                "# [core] \\\n[core \"x]\"] top_dir = no\n[core]\ntop_dir\ndeploy_dir = d\\\n",
                "db/sqitch.plan db/d db/revert db/verify sql",
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

//! Sqitch's configuration, as far as it has the locations of plan and scripts.

use super::super::File;
use super::super::path::join;
use super::super::section::lines;
use crate::domain::halt;
use std::collections::HashMap;

/// The paths of plan and scripts, within the folder that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The plan.
    pub plan: String,
    /// The folder of the scripts that apply a change.
    pub deploy: String,
    /// The folder of the scripts that revert it.
    pub revert: String,
    /// The folder of the scripts that verify it.
    pub verify: String,
    /// The ending of scripts, without the point.
    pub extension: String,
}

/// An engine other than PostgreSQL's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherEngine {
    /// The name.
    pub name: String,
    /// The line that sets it.
    pub line: usize,
}

/// A configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Values and lines by section and key, such as `engine.pg.top_dir`.
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
        // A continued line, with the number of its first one.
        let mut open: Option<(String, usize)> = None;
        for line in lines(file.text) {
            let (mut whole, number) = open.take().unwrap_or((String::new(), line.number));
            let continues = is_continued(&whole, line.text);
            whole.push_str(if continues { &line.text[..line.text.len() - 1] } else { line.text });
            match continues {
                true => open = Some((whole, number)),
                false => set(&whole, number),
            }
        }
        if let Some((whole, number)) = open {
            set(&whole, number);
        }
        Config { values }
    }

    /// The engine, unless that of PostgreSQL is configured.
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

    /// The paths of plan and scripts. The configuration file is in the folder `at`.
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

/// Whether the next line continues a line: it ends with a backslash that is neither escaped nor in a
/// comment.
fn is_continued(before: &str, line: &str) -> bool {
    let slashes = line.len() - line.trim_end_matches('\\').len();
    slashes % 2 == 1 && Value::of(before).and(line).ends_outside_of_comment
}

/// Reads the name of a section at the beginning of a line, and returns the rest.
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
            // The case of the name does not matter; a point separates the quoted part.
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

/// A value that is read character by character.
#[derive(Default)]
struct Value {
    text: String,
    /// The length without unquoted white space at the end.
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

/// A value without quotes and comments.
fn plain(value: &str) -> String {
    let mut value = Value::of(value);
    value.text.truncate(value.length);
    value.text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::read(&File { path: "sqitch.conf", text })
    }

    #[test]
    fn finds_plan_and_scripts() {
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
    fn detects_another_engine() {
        let engine = |text: &str| config(text).other_engine().map(|other| (other.name, other.line));
        assert_eq!(engine("[core]\nengine = sqlite"), Some(("sqlite".to_owned(), 2)));
        assert_eq!(engine("[core]\nengine = sqlite\n[engine \"pg\"]\ntarget = x"), None);
        assert_eq!(engine("[core]\n# engine ="), None);
    }
}

//! The settings of one script, in a file beside it.

use super::super::format::Setting;
use super::super::path::base;
use super::super::section::contains;
use super::super::{File, Notes, Problem};
use super::config::settings;
use super::keys::{boolean, is_utf8};
use super::naming::Naming;
use std::collections::HashMap;

/// The settings of one script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Whether it runs inside a transaction.
    pub in_transaction: Option<bool>,
    /// The line that disables its placeholders.
    pub keeps_placeholders: Option<usize>,
    /// Whether it is not run at all.
    pub is_off: bool,
}

/// The settings of all scripts that have some, by the paths of the scripts.
pub struct Scripts<'a> {
    scripts: HashMap<&'a str, (&'a str, Script)>,
}

impl<'a> Scripts<'a> {
    /// Reads the settings among files that are sorted by their paths.
    pub fn read(files: &[&'a File<'a>], naming: &Naming, notes: &mut Notes) -> Scripts<'a> {
        let mut scripts = HashMap::new();
        for file in files {
            let Some(path) = file.path.strip_suffix(".conf") else { continue };
            if naming.stem(base(path)).is_none() {
                continue;
            }
            if files.binary_search_by_key(&path, |file| file.path).is_ok() {
                scripts.insert(path, (file.path, Script::read(file, notes)));
            } else {
                notes.ignore(file.path, "its script is not there");
            }
        }
        Scripts { scripts }
    }

    /// The settings of a script, and the file that has them. None: the script is not run, which is
    /// noted.
    pub fn of(&self, file: &File, notes: &mut Notes) -> Option<(Option<&'a str>, Script)> {
        let Some((at, script)) = self.scripts.get(file.path) else {
            return Some((None, Script::default()));
        };
        if script.is_off {
            notes.ignore(file.path, "shouldExecute is false in the file beside it");
            return None;
        }
        if let (Some(line), true) = (script.keeps_placeholders, contains(file.text, "${")) {
            let message = "placeholderReplacement=false is not supported for a single script";
            let hint =
                "Load the script into a project without placeholders, and remove the setting.";
            notes.refuse(Problem::at(at, line, message, hint));
        }
        Some((Some(at), script.clone()))
    }
}

impl Script {
    /// Reads the file beside a script.
    pub fn read(file: &File, notes: &mut Notes) -> Script {
        let mut script = Script::default();
        for setting in settings(file, notes) {
            if let Err((message, hint)) = script.set(&setting) {
                notes.refuse(Problem::at(file.path, setting.line, message, hint));
            }
        }
        script
    }

    /// Applies a setting. Error: message and HINT.
    fn set(&mut self, setting: &Setting) -> Result<(), (String, &'static str)> {
        const HINT: &str = "Write true or false.";
        let Setting { key, value, line } = setting;
        match key.as_str() {
            "executeInTransaction" => {
                self.in_transaction = Some(boolean(key, value).map_err(|why| (why, HINT))?);
            }
            "placeholderReplacement" => {
                let is_on = boolean(key, value).map_err(|why| (why, HINT))?;
                self.keeps_placeholders = (!is_on).then_some(*line);
            }
            "shouldExecute" => {
                let message = "shouldExecute is a condition, which is not evaluated";
                let hint = "Write true or false, or leave the script out where it must not run.";
                self.is_off = !boolean(key, value).map_err(|_| (message.to_owned(), hint))?;
            }
            "encoding" if is_utf8(value) => {}
            "encoding" => {
                let hint = "Write the script in UTF-8, and remove the setting.";
                return Err((format!("the script's encoding is {value}, not UTF-8"), hint));
            }
            _ => {
                let hint = "Remove it from the file, if the script is right without it.";
                return Err((format!("setting {key} of a script is not supported"), hint));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_settings_of_a_script() {
        for (text, expected, problems) in [
            ("", Script::default(), 0),
            (
                "executeInTransaction=false",
                Script { in_transaction: Some(false), ..Script::default() },
                0,
            ),
            (
                "# x\r\n executeInTransaction = True \r\nencoding=UTF-8\n",
                Script { in_transaction: Some(true), ..Script::default() },
                0,
            ),
            ("shouldExecute=false", Script { is_off: true, ..Script::default() }, 0),
            ("shouldExecute=true", Script::default(), 0),
            ("shouldExecute=${env}==prod", Script::default(), 1),
            (
                "\nplaceholderReplacement=false",
                Script { keeps_placeholders: Some(2), ..Script::default() },
                0,
            ),
            ("encoding=ISO-8859-1\nexecuteInTransaction=no\nother=1", Script::default(), 3),
        ] {
            let mut notes = Notes::default();
            let file = File { path: "V1__x.sql.conf", text };
            assert_eq!(Script::read(&file, &mut notes), expected, "{text}");
            assert_eq!(notes.problems.len(), problems, "{text}");
        }
    }
}

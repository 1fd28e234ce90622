//! Flyway's configuration files, as far as they say something of migrations.

use super::super::limits::{self, depth};
use super::super::section::lines;
use super::super::{File, Notes, Options, Problem};
use super::naming::{Naming, list};
use std::collections::HashMap;

/// What is configured for all scripts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// How they are named.
    pub naming: Naming,
    /// Whether they run inside a transaction, where they don't say it themselves.
    pub in_transaction: Option<bool>,
}

/// What is configured for one script, in a file beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Whether it runs inside a transaction.
    pub in_transaction: Option<bool>,
    /// Whether its placeholders stay as they are.
    pub keeps_placeholders: Option<usize>,
    /// Whether it isn't run at all.
    pub is_off: bool,
}

/// Whether a file configures Flyway.
pub fn is_config(path: &str) -> bool {
    matches!(base(path), "flyway.conf" | "flyway.toml" | "flyway.user.toml")
}

/// The part of a path that is the file's name.
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Config {
    /// Reads the configuration that stands in files, of which the outermost counts, and then
    /// in options.
    pub fn read(files: &[File], options: &Options, notes: &mut Notes) -> Result<Config, Problem> {
        let mut config = Config::default();
        let mut files: Vec<&File> = files.iter().filter(|file| is_config(file.path)).collect();
        files.sort_by_key(|file| (file.path.matches('/').count(), file.path));
        let mut seen: HashMap<&'static str, (String, &str)> = HashMap::new();
        for file in files {
            let mut rest: Vec<String> = Vec::new();
            for Setting { key, value, line } in settings(file, notes) {
                let Some((known, option)) = known(&key) else {
                    rest.push(key);
                    continue;
                };
                match seen.get(known) {
                    None => {}
                    Some((former, _)) if *former == value => continue,
                    // An option decides it anyway.
                    Some(_) if option.is_some_and(|option| options.get(option).is_some()) => {
                        continue;
                    }
                    Some((_, other)) => {
                        let message = format!("it sets {known} in another way than {other}");
                        let hint = "Load the folder of one of them, or leave one of them out.";
                        notes.refuse(Problem::at(file.path, line, message, hint));
                        continue;
                    }
                }
                if let Err(message) = config.set(known, &value) {
                    let hint = "Correct it as Flyway would have it.";
                    notes.refuse(Problem::at(file.path, line, message, hint));
                }
                seen.insert(known, (value, file.path));
            }
            notes.pass_over(file.path, said(&rest));
        }
        config.naming.configure(options)?;
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let naming = &mut self.naming;
        let place = match key {
            "executeInTransaction" => {
                self.in_transaction = Some(boolean(key, value)?);
                return Ok(());
            }
            "sqlMigrationSuffixes" => {
                naming.suffixes = list(value)?;
                return Ok(());
            }
            "sqlMigrationSeparator" => &mut naming.separator,
            "undoSqlMigrationPrefix" => &mut naming.undo,
            "repeatableSqlMigrationPrefix" => &mut naming.repeatable,
            "baselineMigrationPrefix" => &mut naming.baseline,
            _ => &mut naming.prefix,
        };
        *place = value.to_owned();
        Ok(())
    }
}

/// A setting that is honoured, with the option that decides it, too.
fn known(key: &str) -> Option<(&'static str, Option<&'static str>)> {
    [
        ("sqlMigrationPrefix", Some("prefix")),
        ("sqlMigrationSeparator", Some("separator")),
        ("sqlMigrationSuffixes", Some("suffixes")),
        ("undoSqlMigrationPrefix", Some("undo_prefix")),
        ("repeatableSqlMigrationPrefix", Some("repeatable_prefix")),
        ("baselineMigrationPrefix", Some("baseline_prefix")),
        ("executeInTransaction", None),
    ]
    .into_iter()
    .find(|(known, _)| *known == key)
}

fn said(rest: &[String]) -> String {
    const SHOWN: usize = 8;
    if rest.is_empty() {
        return "it says how files are named, and is read for that".to_owned();
    }
    let more = if rest.len() > SHOWN { " and others" } else { "" };
    let shown = &rest[..rest.len().min(SHOWN)];
    format!("it is read for names of files alone, so not for {}{more}", shown.join(", "))
}

impl Script {
    /// Reads the file beside a script.
    pub fn read(file: &File, notes: &mut Notes) -> Script {
        let mut script = Script::default();
        for Setting { key, value, line } in settings(file, notes) {
            let mut refuse = |message: String, hint: &str| {
                notes.refuse(Problem::at(file.path, line, message, hint));
            };
            match key.as_str() {
                "executeInTransaction" => match boolean(&key, &value) {
                    Ok(value) => script.in_transaction = Some(value),
                    Err(message) => refuse(message, "Write true or false."),
                },
                "placeholderReplacement" => match boolean(&key, &value) {
                    Ok(value) => script.keeps_placeholders = (!value).then_some(line),
                    Err(message) => refuse(message, "Write true or false."),
                },
                "shouldExecute" => match boolean(&key, &value) {
                    Ok(value) => script.is_off = !value,
                    Err(_) => refuse(
                        "shouldExecute is a condition, which is not evaluated".to_owned(),
                        "Write true or false, or leave the script out where it must not run.",
                    ),
                },
                "encoding" if is_utf8(&value) => {}
                "encoding" => refuse(
                    format!("the script's encoding is {value}, not UTF-8"),
                    "Write the script in UTF-8, and take the setting out.",
                ),
                _ => refuse(
                    format!("setting {key} of a script is not honoured"),
                    "Take it out of the file, if the script is right without it.",
                ),
            }
        }
        script
    }
}

/// Names of encodings of which UTF-8 holds all texts.
fn is_utf8(encoding: &str) -> bool {
    let plain: String = encoding.chars().filter(char::is_ascii_alphanumeric).collect();
    ["utf8", "usascii", "ascii"].iter().any(|name| plain.eq_ignore_ascii_case(name))
}

fn boolean(key: &str, value: &str) -> Result<bool, String> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(format!("{key} is neither true nor false")),
    }
}

struct Setting {
    /// Without the `flyway.` before it.
    key: String,
    value: String,
    line: usize,
}

/// The settings in a file of properties, or of TOML with its sections.
fn settings(file: &File, notes: &mut Notes) -> Vec<Setting> {
    let toml = file.path.ends_with(".toml");
    let mut section = String::new();
    let mut settings: Vec<Setting> = Vec::new();
    let mut list_is_open = false;
    for line in lines(file.text) {
        let text = line.text.trim();
        if text.is_empty() || text.starts_with('#') || (!toml && text.starts_with('!')) {
            continue;
        }
        if list_is_open {
            if let Some(setting) = settings.last_mut() {
                setting.value.push_str(text);
            }
            list_is_open = !text.contains(']');
            continue;
        }
        if toml && text.starts_with('[') {
            if is_deep(text) {
                notes.refuse(too_deep(file, line.number));
            }
            section = text.trim_matches(['[', ']']).trim().to_owned() + ".";
            continue;
        }
        let Some((key, value)) = text.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim());
        let key = if toml { format!("{section}{}", key.trim_matches('"')) } else { key.to_owned() };
        let key = key.strip_prefix("flyway.").map(str::to_owned).unwrap_or(key);
        list_is_open = toml && value.starts_with('[') && !value.contains(']');
        settings.push(Setting { key, value: value.to_owned(), line: line.number });
    }
    if toml {
        for setting in &mut settings {
            if is_deep(&setting.value) {
                notes.refuse(too_deep(file, setting.line));
            }
            setting.value = plain(&setting.value);
        }
    }
    settings
}

fn is_deep(text: &str) -> bool {
    depth(text, &['[', '{', '('], &[']', '}', ')']) > limits::DEPTH
}

fn too_deep(file: &File, line: usize) -> Problem {
    let message = format!("brackets are nested more than {} deep", limits::DEPTH);
    Problem::at(file.path, line, message, "Write it as Flyway would have it.")
}

/// A value of TOML without quotes and comment; a list with commas between.
fn plain(value: &str) -> String {
    if let Some(list) = value.strip_prefix('[') {
        let list = list.split(']').next().unwrap_or_default();
        // A list in the list is none of names.
        return list.split(',').map(|part| unquoted(part.trim())).collect::<Vec<_>>().join(",");
    }
    unquoted(value)
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or_default().to_owned();
        }
    }
    value.split('#').next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(files: &[(&str, &str)], options: &[(&str, &str)]) -> (Option<Config>, Notes) {
        let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
        let options = options.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let mut notes = Notes::default();
        (Config::read(&files, &options, &mut notes).ok(), notes)
    }

    #[test]
    fn reads_properties_and_toml() {
        let conf = "# names\r\nflyway.sqlMigrationPrefix=\r\n flyway.sqlMigrationSeparator = _ \n\
            flyway.sqlMigrationSuffixes=.sql,.pg\nflyway.url=jdbc:x?a=b\nflyway.executeInTransaction=FALSE";
        let toml = "[environments.dev]\nurl = \"x\"\n[flyway]\nsqlMigrationPrefix = '' # none\n\
            sqlMigrationSeparator = \"_\"\nsqlMigrationSuffixes = [\n  \".sql\",\n  '.pg' ]\n\
            executeInTransaction = false\n[flyway.placeholders]\nx = 1";
        let naming = Naming {
            prefix: String::new(),
            separator: "_".to_owned(),
            suffixes: vec![".sql".to_owned(), ".pg".to_owned()],
            ..Naming::default()
        };
        let expected = Some(Config { naming, in_transaction: Some(false) });
        for (path, text, why) in [
            ("db/flyway.conf", conf, "it is read for names of files alone, so not for url"),
            (
                "flyway.toml",
                toml,
                "it is read for names of files alone, so not for environments.dev.url, placeholders.x",
            ),
        ] {
            let (config, notes) = config(&[(path, text)], &[]);
            assert_eq!(config, expected, "{path}");
            assert_eq!(notes.problems, []);
            assert_eq!(notes.passed_over, [(path.to_owned(), why.to_owned())]);
        }
    }

    #[test]
    fn options_come_first() {
        let a = ("flyway.conf", "flyway.sqlMigrationPrefix=a");
        let b = ("b/flyway.conf", "flyway.sqlMigrationPrefix=b");
        let (read, notes) = config(&[a, b], &[("prefix", "c")]);
        assert_eq!(read.map(|config| config.naming.prefix), Some("c".to_owned()));
        assert_eq!(notes.problems, []);
        let (read, notes) = config(&[b, a], &[]);
        assert_eq!(read.map(|config| config.naming.prefix), Some("a".to_owned()));
        assert_eq!(notes.problems.len(), 1);
        assert_eq!(config(&[a, a], &[]).1.problems, []);
        assert_eq!(config(&[], &[("separator", "")]).0, None);
    }

    #[test]
    fn reads_what_is_said_of_a_script() {
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

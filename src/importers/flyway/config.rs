//! Flyway's configuration files, as far as they say something of migrations.

use super::super::format::settings::{self, Setting};
use super::super::glob::Patterns;
use super::super::{File, Notes, Options, Problem, name};
use super::keys::{self, Role};
use super::naming::{Naming, list};
use std::collections::HashMap;

/// What is configured for all scripts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// How they are named.
    pub naming: Naming,
    /// Whether they run inside a transaction, where they don't say it themselves.
    pub in_transaction: Option<bool>,
    /// The folders that hold them. None: all do.
    pub locations: Option<Patterns>,
}

/// What the user has besides, which counts more.
const USERS: &str = "flyway.user.toml";

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
        // Of two in a folder the user's own counts more.
        let is_users = |file: &File| base(file.path) == USERS;
        files.sort_by_key(|f| (f.path.matches('/').count(), name::split(f.path).0, !is_users(f)));
        let mut seen: HashMap<&'static str, (String, &str)> = HashMap::new();
        for file in files {
            let mut rest: Vec<String> = Vec::new();
            for Setting { key, value, line } in settings(file, notes) {
                let (known, option) = match keys::role(&key, &value) {
                    Role::Honoured(known, option) => (known, option),
                    Role::Harmless => {
                        rest.push(key);
                        continue;
                    }
                    Role::Refused(hint) => {
                        let message = format!("{key} is not honoured");
                        notes.refuse(Problem::at(file.path, line, message, hint));
                        continue;
                    }
                };
                let is_user = |path: &str| base(path) == USERS;
                match seen.get(known) {
                    None => {}
                    Some((former, _)) if *former == value => continue,
                    // An option decides it anyway.
                    Some(_) if option.is_some_and(|option| options.get(option).is_some()) => {
                        continue;
                    }
                    Some((_, other)) if is_user(other) && !is_user(file.path) => continue,
                    Some((_, other)) => {
                        let message = format!("it sets {known} in another way than {other}");
                        let hint = "Load the folder of one of them, or leave one of them out.";
                        notes.refuse(Problem::at(file.path, line, message, hint));
                        continue;
                    }
                }
                if let Err(message) = config.set(known, &value, file.path) {
                    let hint = "Correct it, or leave the file out: options => '{\"ignore\": \"flyway.*\"}'.";
                    notes.refuse(Problem::at(file.path, line, message, hint));
                }
                seen.insert(known, (value, file.path));
            }
            notes.ignore(file.path, said(&rest));
        }
        config.naming.configure(options)?;
        Ok(config)
    }

    /// Whether a script is in one of the locations; true if none is in them, since these are
    /// places elsewhere then.
    pub fn locate<'a>(&self, files: &mut Vec<&'a File<'a>>) -> Vec<&'a File<'a>> {
        let Some(locations) = &self.locations else { return Vec::new() };
        let is_inside = |file: &&File| locations.cover(file.path);
        if !files.iter().any(is_inside) {
            return Vec::new();
        }
        let (inside, outside) = std::mem::take(files).into_iter().partition(is_inside);
        *files = inside;
        outside
    }

    fn set(&mut self, key: &str, value: &str, path: &str) -> Result<(), String> {
        // Flyway puts variables of the environment in their places.
        if value.contains("${") {
            return Err(format!("{key} has a variable of the environment, which is not known"));
        }
        let naming = &mut self.naming;
        let place = match key {
            "locations" => {
                self.locations = Some(locations(name::split(path).0, value)?);
                return Ok(());
            }
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

/// The patterns of the folders in which scripts are, from that of the configuration on. Error:
/// they are not in folders.
fn locations(folder: &str, value: &str) -> Result<Patterns, String> {
    let mut patterns = Vec::new();
    for location in value.split(',').map(str::trim).filter(|location| !location.is_empty()) {
        let path = match location.split_once(':') {
            Some(("filesystem" | "classpath", path)) => path,
            Some((kind, _)) => return Err(format!("a location of {kind} is not read")),
            None => location,
        };
        let path = path.trim_start_matches("./").trim_matches('/');
        let parts = [folder, path].into_iter().filter(|part| !part.is_empty() && *part != ".");
        let parts: Vec<&str> = parts.chain(["**"]).collect();
        patterns.push(parts.join("/"));
    }
    Patterns::read(&patterns.join(","))
}

fn said(rest: &[String]) -> String {
    const SHOWN: usize = 8;
    if rest.is_empty() {
        return "it says how files are named, and is read for that".to_owned();
    }
    let more = if rest.len() > SHOWN { " and others" } else { "" };
    let shown = &rest[..rest.len().min(SHOWN)];
    format!("it is read for names and places of files alone, so not for {}{more}", shown.join(", "))
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
pub fn is_utf8(encoding: &str) -> bool {
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

/// The settings in a file, without the `flyway.` before their keys. What is wrong is noted.
fn settings(file: &File, notes: &mut Notes) -> Vec<Setting> {
    let settings = settings::read(file).unwrap_or_else(|problem| {
        notes.refuse(problem);
        Vec::new()
    });
    let plain = |mut setting: Setting| {
        if let Some(key) = setting.key.strip_prefix("flyway.") {
            setting.key = key.to_owned();
        }
        setting
    };
    settings.into_iter().map(plain).collect()
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
        let expected = Some(Config { naming, in_transaction: Some(false), locations: None });
        for (path, text, why) in [
            (
                "db/flyway.conf",
                conf,
                "it is read for names and places of files alone, so not for url",
            ),
            (
                "flyway.toml",
                toml,
                "it is read for names and places of files alone, so not for environments.dev.url, placeholders.x",
            ),
        ] {
            let (config, notes) = config(&[(path, text)], &[]);
            assert_eq!(config, expected, "{path}");
            assert_eq!(notes.problems, []);
            assert_eq!(notes.ignored, [(path.to_owned(), why.to_owned())]);
        }
    }

    #[test]
    fn reads_the_formats_as_they_are() {
        for (path, text) in [
            ("flyway.toml", "[flyway] # comment\nsqlMigrationPrefix = \"M\" # [x]\n"),
            ("flyway.toml", "flyway.sqlMigrationPrefix = 'M'\n"),
            ("flyway.toml", "flyway = { sqlMigrationPrefix = \"\\u004d\" }\n"),
            ("flyway.user.toml", "[\"flyway\"]\nsqlMigrationPrefix=\"\"\"M\"\"\"\n"),
            ("flyway.conf", "flyway.sqlMigrationPrefix: M\n"),
            ("flyway.conf", "flyway.sqlMigrationPrefix \\\n   \\u004d"),
        ] {
            let (read, notes) = config(&[(path, text)], &[]);
            assert_eq!(read.map(|read| read.naming.prefix).as_deref(), Some("M"), "{text}");
            assert_eq!(notes.problems, [], "{text}");
        }
        let (_, notes) = config(&[("flyway.toml", "[flyway]\nsqlMigrationPrefix = M\n")], &[]);
        assert_eq!(notes.problems[0].line, Some(2));
    }

    #[test]
    fn what_the_user_has_counts_more() {
        let toml =
            ("flyway.toml", "[flyway]\nsqlMigrationPrefix = 'A'\nsqlMigrationSeparator = '-'");
        let users = ("flyway.user.toml", "[flyway]\nsqlMigrationPrefix = 'B'");
        let (read, notes) = config(&[toml, users], &[]);
        let naming = read.map(|config| config.naming).unwrap_or_default();
        assert_eq!((naming.prefix.as_str(), naming.separator.as_str()), ("B", "-"));
        assert_eq!(notes.problems, []);
    }

    #[test]
    fn refuses_what_decides_otherwise() {
        for (setting, is_refused) in [
            ("target=5", true),
            ("target=latest", false),
            ("cherryPick=1", true),
            ("skipExecutingMigrations=true", true),
            ("initSql=SET ROLE x", true),
            ("defaultSchema=app", true),
            ("schemas=public", false),
            ("callbacks=com.x", true),
            ("callbackLocations=filesystem:x", true),
            ("placeholderPrefix=#[", true),
            ("placeholderPrefix=${", false),
            ("encoding=ISO-8859-1", true),
            ("locations=s3:x", true),
            ("locations=filesystem:${HOME}/x", true),
            ("executeInTransaction=x", true),
            ("environments.dev.flyway.locations=x", true),
            ("ignoreMigrationPatterns=*:missing", false),
            ("mixed=true", false),
            ("group=true", false),
            ("placeholders.x=1", false),
            ("outOfOrder=false", false),
            ("url=jdbc:x", false),
        ] {
            let text = format!("\nflyway.{setting}\n");
            let (_, notes) = config(&[("flyway.conf", &text)], &[]);
            let lines: Vec<_> = notes.problems.iter().map(|problem| problem.line).collect();
            let expected = if is_refused { vec![Some(2)] } else { vec![] };
            assert_eq!(lines, expected, "{setting}: {:?}", notes.problems);
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

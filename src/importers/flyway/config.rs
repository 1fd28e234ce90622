//! Flyway's configuration files, as far as they decide which migrations run and how.

use super::super::format::{self, Setting};
use super::super::glob::Patterns;
use super::super::path::{base, depth, split};
use super::super::{File, Notes, Options, Problem};
use super::keys::{self, Role, boolean};
use super::naming::{Naming, list};
use std::collections::HashMap;

/// The configuration of all scripts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// How they are named.
    pub naming: Naming,
    /// Whether they run inside a transaction, unless their own settings differ.
    pub in_transaction: Option<bool>,
    /// The folders that hold them. None: all do.
    pub locations: Option<Patterns>,
}

/// The user's own file, which takes precedence.
const USERS: &str = "flyway.user.toml";

/// Whether a file configures Flyway.
pub fn is_config(path: &str) -> bool {
    matches!(base(path), "flyway.conf" | "flyway.toml" | USERS)
}

/// The supported settings so far, with the files that set them.
type Seen<'a> = HashMap<&'static str, (String, &'a str)>;

impl Config {
    /// Reads the configuration files, and then the options. The outermost file takes precedence.
    pub fn read(files: &[File], options: &Options, notes: &mut Notes) -> Result<Config, Problem> {
        let mut config = Config::default();
        let mut files: Vec<&File> = files.iter().filter(|file| is_config(file.path)).collect();
        files.sort_by_key(|file| (depth(file.path), split(file.path).0, base(file.path) != USERS));
        let mut seen = Seen::new();
        for file in files {
            let mut unused: Vec<String> = Vec::new();
            for Setting { key, value, line } in settings(file, notes) {
                let refused = match keys::role(&key, &value) {
                    Role::Harmless => {
                        unused.push(key);
                        continue;
                    }
                    Role::Refused(hint) => Err((format!("{key} is not supported"), hint)),
                    Role::Supported(name, option) => {
                        let is_option = option.is_some_and(|name| options.get(name).is_some());
                        config.set_once(name, value, file.path, is_option, &mut seen)
                    }
                };
                if let Err((message, hint)) = refused {
                    notes.refuse(Problem::at(file.path, line, message, hint));
                }
            }
            notes.ignore(file.path, why_ignored(&unused));
        }
        config.naming.configure(options)?;
        Ok(config)
    }

    /// Applies a setting unless it has been set before. `is_option`: an option decides it.
    ///
    /// Error: message and HINT.
    fn set_once<'a>(
        &mut self,
        name: &'static str,
        value: String,
        path: &'a str,
        is_option: bool,
        seen: &mut Seen<'a>,
    ) -> Result<(), (String, &'static str)> {
        let is_users = |path: &str| base(path) == USERS;
        match seen.get(name) {
            None => {}
            Some((former, _)) if *former == value => return Ok(()),
            Some(_) if is_option => return Ok(()),
            Some((_, other)) if is_users(other) && !is_users(path) => return Ok(()),
            Some((_, other)) => {
                let hint = "Load the folder of one of them, or leave one of them out.";
                return Err((format!("it sets {name} to another value than {other}"), hint));
            }
        }
        let hint = "Correct it, or leave the file out: options => '{\"ignore\": \"flyway.*\"}'.";
        let set = self.set(name, &value, path).map_err(|message| (message, hint));
        seen.insert(name, (value, path));
        set
    }

    fn set(&mut self, key: &str, value: &str, path: &str) -> Result<(), String> {
        // Flyway replaces environment variables.
        if value.contains("${") {
            return Err(format!("{key} has an environment variable, whose value is not known"));
        }
        let naming = &mut self.naming;
        let place = match key {
            "locations" => {
                self.locations = Some(locations(split(path).0, value)?);
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

    /// Removes and returns the files that are in none of the locations. If no file is in one, the
    /// locations are outside of the folder, and all files are kept.
    pub fn remove_outside_of_locations<'a>(
        &self,
        files: &mut Vec<&'a File<'a>>,
    ) -> Vec<&'a File<'a>> {
        let Some(locations) = &self.locations else { return Vec::new() };
        let is_inside = |file: &&File| locations.cover(file.path);
        if !files.iter().any(is_inside) {
            return Vec::new();
        }
        let (inside, outside) = std::mem::take(files).into_iter().partition(is_inside);
        *files = inside;
        outside
    }
}

/// The patterns of the folders with scripts, relative to the folder of the configuration. Error: a
/// location is not a folder.
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

/// The reason why a configuration file is no migration, with the settings that are not used.
fn why_ignored(unused: &[String]) -> String {
    const SHOWN: usize = 8;
    if unused.is_empty() {
        return "it is read for the names of files".to_owned();
    }
    let more = if unused.len() > SHOWN { " and others" } else { "" };
    let shown = unused[..unused.len().min(SHOWN)].join(", ");
    format!("it is only read for names and locations of files, not for {shown}{more}")
}

/// The settings in a file, without the prefix `flyway.` of their keys. A problem is noted.
pub fn settings(file: &File, notes: &mut Notes) -> Vec<Setting> {
    let settings = format::settings(file).unwrap_or_else(|problem| {
        notes.refuse(problem);
        Vec::new()
    });
    let without_prefix = |mut setting: Setting| {
        if let Some(key) = setting.key.strip_prefix("flyway.") {
            setting.key = key.to_owned();
        }
        setting
    };
    settings.into_iter().map(without_prefix).collect()
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
                "it is only read for names and locations of files, not for url",
            ),
            (
                "flyway.toml",
                toml,
                "it is only read for names and locations of files, not for environments.dev.url, placeholders.x",
            ),
        ] {
            let (config, notes) = config(&[(path, text)], &[]);
            assert_eq!(config, expected, "{path}");
            assert_eq!(notes.problems, []);
            assert_eq!(notes.ignored, [(path.to_owned(), why.to_owned())]);
        }
    }

    #[test]
    fn reads_all_forms_of_the_formats() {
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
    fn settings_of_the_user_take_precedence() {
        let toml =
            ("flyway.toml", "[flyway]\nsqlMigrationPrefix = 'A'\nsqlMigrationSeparator = '-'");
        let users = ("flyway.user.toml", "[flyway]\nsqlMigrationPrefix = 'B'");
        let (read, notes) = config(&[toml, users], &[]);
        let naming = read.map(|config| config.naming).unwrap_or_default();
        assert_eq!((naming.prefix.as_str(), naming.separator.as_str()), ("B", "-"));
        assert_eq!(notes.problems, []);
    }

    #[test]
    fn refuses_settings_that_decide_what_runs() {
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
    fn options_take_precedence() {
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
}

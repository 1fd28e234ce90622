//! `liquibase.properties`, as far as it decides which changesets run.

use super::super::format;
use super::super::path::{base, depth};
use super::super::{File, Notes, Problem};

/// The configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The changelog with which Liquibase begins, and the problem if it does not exist.
    pub changelog: Option<(String, Problem)>,
    /// The contexts of a run.
    pub contexts: Option<String>,
    /// The labels of a run.
    pub labels: Option<String>,
}

/// Settings that decide what runs, and are not supported.
const REFUSED: [&str; 5] = ["count", "tag", "todate", "shouldrun", "defaultschemaname"];

impl Config {
    /// Reads the outermost file. Error: it is invalid.
    pub fn read(files: &[File], notes: &mut Notes) -> Result<Config, Problem> {
        let mut config = Config::default();
        let is_one = |file: &&File| base(file.path) == "liquibase.properties";
        let mut found: Vec<&File> = files.iter().filter(is_one).collect();
        found.sort_by_key(|file| (depth(file.path), file.path));
        let mut found = found.into_iter();
        let Some(file) = found.next() else { return Ok(config) };
        for other in found {
            notes.ignore(other.path, format!("{} is read instead", file.path));
        }
        for setting in format::settings(file)? {
            let name = plain(&setting.key);
            let value = || setting.value.clone();
            let refuse =
                |message: String, hint: &str| Problem::at(file.path, setting.line, message, hint);
            match name.as_str() {
                "changelogfile" => {
                    let message = format!("it names {}, which is not in the folder", value());
                    let hint = "Load the folder that holds all changelogs, or leave this file out by the option ignore.";
                    config.changelog = Some((value(), refuse(message, hint)));
                }
                "contexts" | "contextfilter" => config.contexts = Some(value()),
                "labels" | "labelfilter" => config.labels = Some(value()),
                "defaultschemaname" if setting.value == "public" => {}
                "shouldrun" if setting.value == "true" => {}
                name if REFUSED.contains(&name) => {
                    let hint = "Use a setting of the project instead, such as its search_path, and leave the file out: options => '{\"ignore\": \"liquibase.properties\"}'.";
                    notes.refuse(refuse(format!("{} is not supported", setting.key), hint));
                }
                _ => {}
            }
        }
        notes.ignore(file.path, "it is only read for the changelog, contexts and labels");
        Ok(config)
    }
}

/// The canonical spelling of a name.
fn plain(key: &str) -> String {
    let key = key.strip_prefix("liquibase.").unwrap_or(key);
    let key = key.strip_prefix("command.").unwrap_or(key);
    let key = key.strip_prefix("update.").unwrap_or(key);
    key.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_settings() {
        let mut notes = Notes::default();
        let text = "# contexts: no\nchangeLogFile: db/\\\n  main.xml\nliquibase.command.label-filter=a\n\
            contexts=x\nurl=jdbc:x\n";
        let files = [
            File { path: "a/liquibase.properties", text: "contexts=y" },
            File { path: "liquibase.properties", text },
        ];
        let config = Config::read(&files, &mut notes).unwrap_or_default();
        assert_eq!(config.changelog.map(|(path, _)| path).as_deref(), Some("db/main.xml"));
        assert_eq!(config.contexts.as_deref(), Some("x"));
        assert_eq!(config.labels.as_deref(), Some("a"));
        assert_eq!((notes.ignored.len(), notes.problems.len()), (2, 0));
    }

    #[test]
    fn refuses_what_is_not_supported() {
        for (text, problems) in [
            ("defaultSchemaName=app", 1),
            ("liquibase.command.defaultSchemaName: public", 0),
            ("liquibase.shouldRun=false", 1),
            ("update.toDate=x", 1),
        ] {
            let mut notes = Notes::default();
            let files = [File { path: "liquibase.properties", text }];
            assert!(Config::read(&files, &mut notes).is_ok());
            assert_eq!(notes.problems.len(), problems, "{text}");
        }
    }
}

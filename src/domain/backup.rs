//! Backups of tables: their names and comments.
//!
//! A backup's comment is its only record. So a dump has it, too, and it is dropped with the table.

use sha2::{Digest, Sha256};

/// The schema of all backups.
pub const SCHEMA: &str = "migrations_backup";

/// The first line of each backup's comment.
pub const MARK: &str = "backup made by pg_migrations";

/// The server's limit for names, in bytes.
const LIMIT: usize = 63;

/// The migration that keeps a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// Its project.
    pub project: String,
    /// Its version; None: a repeatable migration.
    pub version: Option<String>,
    /// Its name.
    pub name: String,
    /// Which of its texts: `up` or `down`.
    pub direction: &'static str,
}

impl Keeper {
    fn suffix(&self) -> String {
        let version = self.version.as_deref().unwrap_or(&self.name);
        let down = if self.direction == "down" { "_down" } else { "" };
        format!("__{}_{version}{down}", self.project)
    }

    /// The names that a backup of a table may have, the best one first.
    pub fn names(&self, schema: &str, table: &str) -> [String; 3] {
        let suffix = self.suffix();
        let mut hash = Sha256::new();
        for part in [schema, table, suffix.as_str()] {
            hash.update(part);
            hash.update([0]);
        }
        let hash: String = hash.finalize()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let qualified = format!("{schema}_{table}");
        [
            fit(table, &suffix, &hash),
            fit(&qualified, &suffix, &hash),
            cut_to_fit(&qualified, &suffix, &hash),
        ]
    }

    /// The lines of a comment that name the table and the migration. `table` is SQL, with its
    /// schema. Backups with the same lines are versions of one backup.
    pub fn identity(&self, table: &str) -> String {
        let (table, project) = (line(table), line(&self.project));
        let migration = match &self.version {
            Some(version) => format!("version: {}", line(version)),
            None => format!("name: {}", line(&self.name)),
        };
        let direction = self.direction;
        format!("{MARK}\ntable: {table}\nproject: {project}\ndirection: {direction}\n{migration}\n")
    }

    /// The whole comment.
    pub fn comment(&self, table: &str, rows: u64, at: &str, by: &str) -> String {
        let mut comment = self.identity(table);
        if self.version.is_some() {
            comment.push_str(&format!("name: {}\n", line(&self.name)));
        }
        comment.push_str(&format!("rows: {rows}\nkept at: {at}\nkept by: {}", line(by)));
        comment
    }
}

/// The name of a backup that was renamed for a newer one, for n from 2.
pub fn aside(name: &str, n: usize) -> String {
    let number = format!("_{n}");
    format!("{}{number}", cut(name, LIMIT - number.len()))
}

/// The beginning of the names of all backups that were renamed for this one.
pub fn stem(name: &str) -> &str {
    cut(name, LIMIT - 20)
}

/// The name for a backup that is renamed now, as the newest one.
pub fn newest_aside(name: &str, there: &[String]) -> String {
    let number = |other: &String| {
        let n: u32 = other.rsplit_once('_')?.1.parse().ok()?;
        (aside(name, n as usize) == *other).then_some(n as usize)
    };
    aside(name, there.iter().filter_map(number).max().unwrap_or(1).max(1) + 1)
}

/// A value in one line.
fn line(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() })
        .collect()
}

fn fit(table: &str, suffix: &str, hash: &str) -> String {
    let whole = format!("{table}{suffix}");
    if whole.len() <= LIMIT { whole } else { cut_to_fit(table, suffix, hash) }
}

/// Each part keeps at least half of the length, and the hash makes such names different.
fn cut_to_fit(table: &str, suffix: &str, hash: &str) -> String {
    let room = LIMIT - 1 - hash.len();
    let table = cut(table, room.saturating_sub(suffix.len()).max(room / 2));
    format!("{table}{}_{hash}", cut(suffix, room - table.len()))
}

/// The beginning of a text, of at most this many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(project: &str, version: &str, direction: &'static str) -> Keeper {
        Keeper {
            project: project.to_owned(),
            version: Some(version.to_owned()),
            name: "fix".to_owned(),
            direction,
        }
    }

    #[test]
    fn a_name_says_table_project_and_version() {
        let [plain, qualified, _] = keeper("default", "002", "up").names("public", "users");
        assert_eq!(plain, "users__default_002");
        assert_eq!(qualified, "public_users__default_002");
        let [down, ..] = keeper("default", "002", "down").names("public", "users");
        assert_eq!(down, "users__default_002_down");
        let repeatable = Keeper { version: None, ..keeper("default", "", "up") };
        assert_eq!(repeatable.names("public", "users")[0], "users__default_fix");
    }

    #[test]
    fn long_names_are_cut_and_stay_unique() {
        let long = "t".repeat(63);
        for (project, version) in [("default", "002"), (&*"p".repeat(200), &*"9".repeat(200))] {
            let here = keeper(project, version, "up").names("public", &long);
            let there = keeper(project, version, "up").names("other", &long);
            for name in here.iter().chain(&there) {
                assert!(name.len() <= 63, "{name}");
            }
            assert_ne!(here[0], there[0]);
            assert!(here[0].starts_with("tttttttttttttttttttttttttt"), "{}", here[0]);
            assert!(here[0].contains("__"), "{}", here[0]);
        }
        let [short, ..] = keeper("default", "002", "up").names("public", &long);
        assert!(short.contains("__default_002_"), "{short}");
    }

    #[test]
    fn names_are_cut_between_characters() {
        for n in 20..63 {
            let table = format!("{}{}", "x".repeat(n % 3), "\u{e9}".repeat(n / 2));
            for name in keeper("default", "002", "up").names("public", &table) {
                assert!(name.len() <= 63);
                assert!(aside(&name, 12).len() <= 63);
                assert!(aside(&name, 12).ends_with("_12"));
            }
        }
        assert_eq!(aside("users__default_002", 2), "users__default_002_2");
    }

    #[test]
    fn the_newest_one_aside_has_the_highest_number() {
        let newest = |name: &str, there: &[&str]| {
            let there: Vec<String> = there.iter().map(|name| name.to_string()).collect();
            assert!(there.iter().all(|name_there| name_there.starts_with(stem(name))));
            newest_aside(name, &there)
        };
        assert_eq!(newest("users__default_1", &[]), "users__default_1_2");
        let there = ["users__default_1", "users__default_1_2", "users__default_1_10"];
        assert_eq!(newest("users__default_1", &there), "users__default_1_11");
        let others = [
            "users__default_12_7",
            "users__default_1_down",
            "users__default_1_down_3",
            "users__default_1_007",
            "users__default_1_99999999999999999999",
            "users__default_1_",
            "users__default_1_-1",
            "users__default_1_0",
        ];
        assert_eq!(newest("users__default_1", &others), "users__default_1_2");
        let long = "t".repeat(63);
        let (ninth, tenth) = (aside(&long, 9), aside(&long, 10));
        assert_eq!(newest(&long, &[&long, &ninth]), tenth);
        assert_eq!(newest(&long, &[&long, &ninth, &tenth]), aside(&long, 11));
    }

    #[test]
    fn a_comment_has_a_line_for_each_thing() {
        let kept = |keeper: Keeper| keeper.comment("public.\"a\nb\"", 3, "2024-01-31", "deployer");
        assert_eq!(
            kept(keeper("default", "002", "up")),
            "backup made by pg_migrations\ntable: public.\"a\\nb\"\nproject: default\ndirection: up\nversion: 002\nname: fix\nrows: 3\nkept at: 2024-01-31\nkept by: deployer"
        );
        let repeatable = Keeper { version: None, ..keeper("default", "", "up") };
        assert_eq!(
            kept(repeatable),
            "backup made by pg_migrations\ntable: public.\"a\\nb\"\nproject: default\ndirection: up\nname: fix\nrows: 3\nkept at: 2024-01-31\nkept by: deployer"
        );
    }
}

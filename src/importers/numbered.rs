//! Files with a number or a time before the name, as Supabase and many small tools have them:
//! `N_name.sql`, `N-name.sql`, with or without `.up` and `.down`.

use super::name::{NumberedName, begins_with_digit, is_code, is_sql, numbered};
use super::path::{base, split};
use super::section::{Line, contains, cut, head, lines};
use super::{Claim, File, ImportedMigration, Importer, Notes, Options, Part, Problem, folder};
use crate::domain::script::skip_blank;
use crate::domain::{halt, room};

/// Numbered files of no particular tool.
pub struct Numbered;

impl Importer for Numbered {
    fn name(&self) -> &'static str {
        "numbered"
    }

    /// One file must have such a name.
    fn claims(&self, files: &[File]) -> Claim {
        let is_own = |file: &File| numbered(base(file.path)).is_some();
        if files.iter().any(is_own) { Claim::Possible } else { Claim::No }
    }

    fn read(
        &self,
        files: &[File],
        _options: &Options,
        notes: &mut Notes,
    ) -> Result<Vec<ImportedMigration>, Problem> {
        let is_own = |base: &str| numbered(base).is_some();
        let own = folder::single_folder(files, self.name(), notes, is_own)?;
        let place = own.first().map(|(file, _)| split(file.path).0);
        refuse_others(files, place, notes);
        let is_terns = own.iter().any(|(file, _)| has_tern_marker(file.text));
        let mut migrations = Vec::new();
        for (file, base) in own {
            let Some(name) = numbered(base) else { continue };
            let read = match template(&file, is_terns) {
                Some(problem) => Err(problem),
                None => migration(&file, name),
            };
            migrations.extend(notes.take(read));
        }
        Ok(folder::merge_parts(migrations))
    }
}

/// Refuses other files in the folder: SQL with other names, since what it is for is not known, and
/// numbered code, since several tools with such names run code, too.
fn refuse_others(files: &[File], place: Option<&str>, notes: &mut Notes) {
    for file in files.iter().filter(|file| is_sql(file.path)) {
        let (folder, base) = split(file.path);
        if place.is_none_or(|place| place == folder) && numbered(base).is_none() {
            notes.refuse(Problem::unknown_name(file.path));
        }
    }
    for file in files {
        let (folder, base) = split(file.path);
        if folder == place.unwrap_or_default() && is_code(base) && begins_with_digit(base) {
            notes.refuse(Problem::of(
                file.path,
                "a migration in another language cannot run inside the server",
                "Write it in SQL, with the same number, or move it away.",
            ));
        }
    }
}

fn migration(file: &File, name: NumberedName) -> Result<ImportedMigration, Problem> {
    let (up, down) = match name.part {
        Some(Part::Up) => (Some(room::owned(file.text)), None),
        Some(Part::Down) => (None, Some(room::owned(file.text))),
        None => sections(file)?,
    };
    let transactional = (up.is_some() && forbids_transaction(file.text)).then_some(false);
    Ok(ImportedMigration {
        version: Some(name.version),
        name: name.name,
        up,
        down,
        transactional,
        paths: vec![file.path.to_owned()],
        ..ImportedMigration::default()
    })
}

/// tern's marker between up and down.
const DIVIDER: &str = "---- create above / drop below ----";

/// tern's marker for a file that runs without a transaction.
const NO_TRANSACTION: &str = "---- tern: disable-tx ----";

fn has_tern_marker(text: &str) -> bool {
    (contains(text, DIVIDER) || contains(text, NO_TRANSACTION))
        && lines(text).any(|line| [DIVIDER, NO_TRANSACTION].contains(&line.text.trim()))
}

/// The problem that a file has a template, `{{ ... }}`, which tern replaces and we do not. In files
/// of other tools two braces are part of a literal unless template syntax follows.
fn template(file: &File, is_terns: bool) -> Option<Problem> {
    const OPEN: &str = "{{";
    if !contains(file.text, OPEN) {
        return None;
    }
    let line = lines(file.text).find(|line| {
        let mut parts = line.text.split(OPEN);
        parts.next();
        halt::counted(parts).any(|inner| is_terns || is_template(inner))
    })?;
    let message = "a template begins here, {{, which is not replaced";
    let hint = "Write its value; or write ${name} and set it by set_variable(), in a project with placeholders.";
    Some(Problem::at(file.path, line.number, message, hint))
}

/// Whether the text after two braces is a template: a name after a point or a dollar sign, or a
/// keyword.
fn is_template(inner: &str) -> bool {
    const KEYWORDS: [&str; 10] =
        ["template", "if", "else", "range", "with", "end", "define", "block", "printf", "env"];
    let Some((inner, _)) = inner.split_once("}}") else { return false };
    let inner = inner.trim_start_matches('-').trim();
    let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = inner.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    inner.strip_prefix(['.', '$']).is_some_and(is_name)
        || inner.starts_with("/*")
        || KEYWORDS.contains(&word)
}

/// Markers of other tools for a down in the same file, each with the tool. As a whole, such a file
/// would undo itself.
const DOWN_MARKERS: [(&str, &str); 8] = [
    ("+goose down", "goose"),
    ("migrate:down", "dbmate"),
    ("down migration", "node-pg-migrate"),
    ("+migrate down", "sql-migrate"),
    ("+micrate down", "micrate"),
    ("rambler down", "rambler"),
    ("//@undo", "MyBatis Migrations"),
    ("!downs", "Play"),
];

/// The up and the down of a file without `.up` and `.down` in its name.
fn sections(file: &File) -> Result<(Option<String>, Option<String>), Problem> {
    let mut divider: Option<Line> = None;
    let mut only_comments_follow = false;
    for line in lines(file.text).filter(|line| line.text.trim_start().starts_with("--")) {
        if line.text.trim() == DIVIDER {
            divider.get_or_insert(line);
            continue;
        }
        let comment = head(line.text.trim().trim_start_matches(['-', ' ', '\t']));
        let comment = comment.to_ascii_lowercase();
        let marker = DOWN_MARKERS.iter().find(|(marker, _)| comment.starts_with(marker));
        if let (Some((_, tool)), false) = (marker, only_comments_follow) {
            // A note, or a down that is commented out, undoes nothing.
            only_comments_follow = skip_blank(file.text, line.end) == file.text.len();
            if !only_comments_follow {
                return Err(foreign_down(file, line.number, tool));
            }
        }
    }
    Ok(match divider {
        None => (Some(room::owned(file.text)), None),
        Some(line) => {
            let down = line.end..file.text.len();
            (Some(room::owned(&file.text[..line.start])), Some(cut(file.text, &[down])))
        }
    })
}

/// The problem that a marker of another tool begins a down.
fn foreign_down(file: &File, line: usize, tool: &str) -> Problem {
    let hint = match super::by_name(tool) {
        Some(_) => format!("Specify that tool: convention => '{tool}'."),
        None => "Move the down into a file of its own, N_name.down.sql.".to_owned(),
    };
    let message = format!("a down begins here, by a marker of {tool}");
    Problem::at(file.path, line, message, hint)
}

/// Whether a comment before the first statement disables the transaction, as
/// `-- postgres-migrations disable-transaction` does.
fn forbids_transaction(text: &str) -> bool {
    lines(text)
        .map(|line| line.text.trim())
        .take_while(|line| line.is_empty() || line.starts_with("--"))
        .any(|line| {
            let words = head(line).trim_matches(['-', ' ', '\t']);
            let words = words.to_ascii_lowercase().replace(' ', "-");
            // There may be the name of a tool before it.
            let is_marker = |end: &str| {
                words.strip_suffix(end).is_some_and(|tool| {
                    tool.is_empty()
                        || (tool.ends_with(['-', ':'])
                            && tool.matches('-').count() <= 3
                            && tool.len() < 30)
                })
            };
            ["disable-transaction", "no-transaction", "disable-tx"].into_iter().any(is_marker)
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{detected, read_as, summary};
    use super::*;

    #[test]
    fn reads_supabase_and_plain_names() {
        let all = [
            ("supabase/migrations/20240131120000_remote_schema.sql", "SELECT 1"),
            ("supabase/migrations/20240201120000_.sql", ""),
            (
                "supabase/migrations/003-old name.sql",
                "-- postgres-migrations disable-transaction\nSELECT 1",
            ),
            ("supabase/seed/x.sql", "x"),
        ];
        let set = read_as("numbered", &all);
        assert_eq!(
            summary(&set),
            [
                "003 old name up no-tx",
                "20240131120000 remote_schema up",
                "20240201120000 20240201120000 up"
            ]
        );
        assert_eq!(set.ignored[0].0, "supabase/seed/x.sql");
        assert_eq!(detected(&all), "numbered");
    }

    #[test]
    fn joins_pairs_with_single_files() {
        let set =
            read_as("numbered", &[("1_a.sql", "a"), ("1_a.down.sql", "b"), ("2_c.up.sql", "c")]);
        assert_eq!(summary(&set), ["1 a up+down", "2 c up"]);
    }

    #[test]
    fn divides_files_as_tern_does() {
        let text = "create table a ();\n\n---- create above / drop below ----\n\ndrop table a;\n";
        let set = read_as("numbered", &[("001_a.sql", text)]);
        assert_eq!(set.migrations[0].up.as_deref(), Some("create table a ();\n\n"));
        assert_eq!(
            set.migrations[0].down.as_deref(),
            Some("-- pg_migrations: line 4\n\ndrop table a;\n")
        );
    }

    #[test]
    fn refuses_templates() {
        let tern = ("001_a.sql", "SELECT 1;\n---- create above / drop below ----\nSELECT 2;\n");
        for (text, is_refused) in [
            ("SELECT 1;\n{{ template \"shared/v1.sql\" . }}", true),
            ("\nCREATE TABLE {{.prefix}}_a ();", true),
            ("\n{{if .x}}SELECT 1;{{end}}", true),
            ("\n{{- /* a */ -}}", true),
            ("\nSELECT '{{.5,1},{2,3}}';", false),
            ("\nSELECT '{{1,2},{3,4}}'::int[];", false),
            ("\nSELECT '{{name}}';", false),
        ] {
            let expected = if is_refused { vec![Some(2)] } else { vec![] };
            let lines = |all: &[(&str, &str)]| -> Vec<Option<usize>> {
                read_as("numbered", all).problems.iter().map(|p| p.line).collect()
            };
            assert_eq!(lines(&[("002_b.sql", text)]), expected, "{text}");
            // tern itself takes all of them for templates.
            assert_eq!(lines(&[tern, ("002_b.sql", text)]), [Some(2)], "{text}");
        }
        let message = &read_as("numbered", &[("1_a.sql", "{{.x}}")]).problems[0].message;
        assert_eq!(message, "a template begins here, {{, which is not replaced");
    }

    #[test]
    fn refuses_what_would_undo_itself() {
        for (text, tool) in [
            ("-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;", "sql-migrate"),
            ("SELECT 1;\n\n--//@UNDO\nSELECT 2;", "MyBatis"),
            ("-- migrate:up\n\n-- migrate:down\nSELECT 2;", "dbmate"),
        ] {
            let set = read_as("numbered", &[("001_a.sql", text)]);
            assert_eq!(set.problems.len(), 1, "{text}");
            assert_eq!(set.problems[0].line, Some(3), "{text}");
            assert!(set.problems[0].message.contains(tool), "{text}");
        }
    }

    #[test]
    fn tells_markers_from_prose() {
        for (text, expected) in [
            ("-- no-transaction\nSELECT 1", true),
            ("-- pg-sql-migrate: DISABLE TRANSACTION\nSELECT 1", true),
            ("\n-- a note\n---- tern: disable-tx ----\n", true),
            ("-- this one should better be run where there is no transaction", false),
            ("-- disable-transaction is what we would need", false),
            ("SELECT 1;\n-- no-transaction", false),
        ] {
            assert_eq!(forbids_transaction(text), expected, "{text}");
        }
    }

    #[test]
    fn other_names_are_problems() {
        let all = [("1_a.sql", ""), ("seed.sql", ""), ("2_b.js", ""), ("lib.js", "")];
        let problems = read_as("numbered", &all).problems;
        let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "file name \"seed.sql\" is not that of a migration",
                "a migration in another language cannot run inside the server"
            ]
        );
    }
}

//! Files with a number or time before the name, as Supabase and many small tools have
//! them: `N_name.sql`, `N-name.sql`, with or without `.up` and `.down`.

use super::name::{FileName, is_code, is_sql, numbered, split};
use super::section::{Line, cut, head, holds, lines};
use super::{Claim, File, Found, Notes, Options, Part, Problem, folder};
use crate::domain::script::skip_blank;
use crate::domain::{halt, room};

/// Whether files are its own: such a name is there.
pub fn claims(files: &[File]) -> Claim {
    if files.iter().any(|file| numbered(split(file.path).1).is_some()) {
        Claim::Possible
    } else {
        Claim::No
    }
}

/// Reads them. SQL beside them of another name is a problem, since nobody knows what would
/// be left out with it.
pub fn read(files: &[File], _options: &Options, notes: &mut Notes) -> Result<Vec<Found>, Problem> {
    let is_own = |base: &str| numbered(base).is_some();
    let own = folder::flat(files, "numbered", notes, is_own)?;
    let place = own.first().map_or("", |(file, _)| split(file.path).0);
    for file in files.iter().filter(|file| is_sql(file.path)) {
        let (folder, base) = split(file.path);
        if (folder == place || own.is_empty()) && !is_own(base) {
            notes.refuse(super::unknown_name(file.path));
        }
    }
    // Several tools with such names know other languages, too.
    let begins = |base: &str| base.starts_with(|c: char| c.is_ascii_digit());
    let is_foreign = |file: &&File| is_code(file.path) && begins(split(file.path).1);
    for file in files.iter().filter(is_foreign).filter(|file| split(file.path).0 == place) {
        notes.refuse(Problem::of(
            file.path,
            "a migration in another language cannot run inside the server",
            "Write it in SQL, with the same number, or move it away.",
        ));
    }
    let is_terns = own.iter().any(|(file, _)| is_terns(file.text));
    let mut found = Vec::new();
    for (file, base) in own {
        let Some(name) = numbered(base) else { continue };
        if let Some(problem) = template(&file, is_terns) {
            notes.refuse(problem);
            continue;
        }
        match migration(&file, name) {
            Ok(migration) => found.push(migration),
            Err(problem) => notes.refuse(problem),
        }
    }
    Ok(folder::join(found))
}

fn migration(file: &File, name: FileName) -> Result<Found, Problem> {
    let (up, down) = match name.part {
        Some(Part::Up) => (Some(room::owned(file.text)), None),
        Some(Part::Down) => (None, Some(room::owned(file.text))),
        None => sections(file)?,
    };
    let transactional = (up.is_some() && forbids_transaction(file.text)).then_some(false);
    Ok(Found {
        version: Some(name.version),
        name: name.name,
        up,
        down,
        transactional,
        paths: vec![file.path.to_owned()],
        ..Found::default()
    })
}

/// The line by which tern divides a file.
const DIVIDER: &str = "---- create above / drop below ----";

/// The line by which tern runs a file without a transaction.
const WITHOUT: &str = "---- tern: disable-tx ----";

/// Whether a text has a mark of tern.
fn is_terns(text: &str) -> bool {
    (holds(text, DIVIDER) || holds(text, WITHOUT))
        && lines(text).any(|line| [DIVIDER, WITHOUT].contains(&line.text.trim()))
}

/// That a text has a template in it, `{{ ... }}`, which tern fills in and nobody does here. In
/// files of other tools two braces are part of a literal, unless a template's words follow.
fn template(file: &File, is_terns: bool) -> Option<Problem> {
    const OPEN: &str = "{{";
    if !holds(file.text, OPEN) {
        return None;
    }
    let line = lines(file.text).find(|line| {
        let mut parts = line.text.split(OPEN);
        parts.next();
        halt::counted(parts).any(|inner| is_terns || is_template(inner))
    })?;
    let message = "a template begins here, {{, which is not filled in";
    let hint = "Write its value; or write ${name} and set it by set_variable(), in a project with placeholders.";
    Some(Problem::at(file.path, line.number, message, hint))
}

/// Whether what is after two braces is the inside of a template: a value with a point or a dollar
/// before its name, or a word of the language.
fn is_template(inner: &str) -> bool {
    const WORDS: [&str; 10] =
        ["template", "if", "else", "range", "with", "end", "define", "block", "printf", "env"];
    let Some((inner, _)) = inner.split_once("}}") else { return false };
    let inner = inner.trim_start_matches('-').trim();
    let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = inner.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    inner.strip_prefix(['.', '$']).is_some_and(is_name)
        || inner.starts_with("/*")
        || WORDS.contains(&word)
}

/// Marks of a down in the same file, each with the tool that has it: applied as it stands,
/// such a file would take back at once what it has made.
const FOREIGN: [(&str, &str); 8] = [
    ("+goose down", "goose"),
    ("migrate:down", "dbmate"),
    ("down migration", "node-pg-migrate"),
    ("+migrate down", "sql-migrate"),
    ("+micrate down", "micrate"),
    ("rambler down", "rambler"),
    ("//@undo", "MyBatis Migrations"),
    ("!downs", "Play"),
];

fn sections(file: &File) -> Result<(Option<String>, Option<String>), Problem> {
    let mut divider: Option<Line> = None;
    // All that follows is comments.
    let mut commented_out = false;
    for line in lines(file.text).filter(|line| line.text.trim_start().starts_with("--")) {
        if line.text.trim() == DIVIDER {
            divider.get_or_insert(line);
            continue;
        }
        let comment = head(line.text.trim().trim_start_matches(['-', ' ', '\t']));
        let comment = comment.to_ascii_lowercase();
        // A note to people, or a down that is commented out, takes nothing back.
        let is_last = || skip_blank(file.text, line.end) == file.text.len();
        if let Some((_, tool)) = FOREIGN.iter().find(|(mark, _)| comment.starts_with(mark))
            && !commented_out
        {
            commented_out = is_last();
            if commented_out {
                continue;
            }
            let known = super::Convention::parse(tool);
            let hint = match known {
                Some(_) => format!("Read the files as those of that tool: convention => '{tool}'."),
                None => "Put the down into a file of its own, N_name.down.sql.".to_owned(),
            };
            let message = format!("a down begins here by a mark of {tool}");
            return Err(Problem::at(file.path, line.number, message, hint));
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

/// Whether a comment before the first statement says that there is to be no transaction,
/// as in `-- postgres-migrations disable-transaction`.
pub fn forbids_transaction(text: &str) -> bool {
    lines(text)
        .map(|line| line.text.trim())
        .take_while(|line| line.is_empty() || line.starts_with("--"))
        .any(|line| {
            let mark =
                head(line).trim_matches(['-', ' ', '\t']).to_ascii_lowercase().replace(' ', "-");
            // A mark has the name of a tool before it, if anything.
            let is_mark = |end: &str| {
                mark.strip_suffix(end).is_some_and(|tool| {
                    tool.is_empty()
                        || (tool.ends_with(['-', ':'])
                            && tool.matches('-').count() <= 3
                            && tool.len() < 30)
                })
            };
            ["disable-transaction", "no-transaction", "disable-tx"].into_iter().any(is_mark)
        })
}

#[cfg(test)]
mod tests {
    use super::super::Convention;
    use super::super::testing::{detected, read_as, said};
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
        let set = read_as(Convention::Numbered, &all);
        assert_eq!(
            said(&set),
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
        let set = read_as(
            Convention::Numbered,
            &[("1_a.sql", "a"), ("1_a.down.sql", "b"), ("2_c.up.sql", "c")],
        );
        assert_eq!(said(&set), ["1 a up+down", "2 c up"]);
    }

    #[test]
    fn divides_files_as_tern_does() {
        let text = "create table a ();\n\n---- create above / drop below ----\n\ndrop table a;\n";
        let set = read_as(Convention::Numbered, &[("001_a.sql", text)]);
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
                read_as(Convention::Numbered, all).problems.iter().map(|p| p.line).collect()
            };
            assert_eq!(lines(&[("002_b.sql", text)]), expected, "{text}");
            // tern itself takes all of them for templates.
            assert_eq!(lines(&[tern, ("002_b.sql", text)]), [Some(2)], "{text}");
        }
        let message = &read_as(Convention::Numbered, &[("1_a.sql", "{{.x}}")]).problems[0].message;
        assert_eq!(message, "a template begins here, {{, which is not filled in");
    }

    #[test]
    fn refuses_what_would_undo_itself() {
        for (text, tool) in [
            ("-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;", "sql-migrate"),
            ("SELECT 1;\n\n--//@UNDO\nSELECT 2;", "MyBatis"),
            ("-- migrate:up\n\n-- migrate:down\nSELECT 2;", "dbmate"),
        ] {
            let set = read_as(Convention::Numbered, &[("001_a.sql", text)]);
            assert_eq!(set.problems.len(), 1, "{text}");
            assert_eq!(set.problems[0].line, Some(3), "{text}");
            assert!(set.problems[0].message.contains(tool), "{text}");
        }
    }

    #[test]
    fn knows_marks_from_prose() {
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
        let problems = read_as(Convention::Numbered, &all).problems;
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

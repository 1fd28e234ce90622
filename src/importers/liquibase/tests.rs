use super::*;

fn read_all(files: &[(&str, &str)]) -> (Vec<ImportedMigration>, Notes) {
    let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
    let mut notes = Notes::default();
    (Liquibase.read(&files, &Options::default(), &mut notes).unwrap_or_default(), notes)
}

/// A file of formatted SQL with changesets.
fn log(changesets: &[&str]) -> String {
    let mut text = "--liquibase formatted sql\n".to_owned();
    for head in changesets {
        text += &format!("--changeset {head}\nSELECT 1;\n");
    }
    text
}

fn shown(found: &[ImportedMigration]) -> Vec<String> {
    let show = |found: &ImportedMigration| {
        let version = found.version.as_deref().unwrap_or("-");
        let requires = found.requires.join(",");
        format!("{version} {} [{requires}]", found.name)
    };
    found.iter().map(show).collect()
}

#[test]
fn versions_are_path_and_position() {
    let a = log(&["bob:1", "bob:2 dbms:h2", "eve:create users"]);
    let b = log(&["bob:1", "bob:2 runInTransaction:false"]);
    let (found, notes) = read_all(&[("x/b.SQL", &b), ("a.sql", &a), ("README.md", "")]);
    assert_eq!(
        shown(&found),
        ["a.1 bob:1 []", "a.3 eve:create []", "x/b.1 bob:1 []", "x/b.2 bob:2 []"]
    );
    let transactional: Vec<_> = found.iter().map(|found| found.transactional).collect();
    assert_eq!(transactional, [None, None, None, Some(false)]);
    assert_eq!(notes.problems, []);
    let why = "changeset bob:2 is skipped: it has dbms:h2".to_owned();
    assert_eq!(notes.ignored, [("a.sql".to_owned(), why)]);
}

#[test]
fn what_runs_again_is_repeatable() {
    let text = "--liquibase formatted sql\n--changeset a:v runOnChange:true\nSELECT 1;\n\
        --rollback SELECT 2;\n--changeset a:g runAlways:true runOnChange:true\nSELECT 3;\n--changeset a:t\nSELECT 4;";
    let (found, notes) = read_all(&[("v.sql", text)]);
    assert_eq!(shown(&found), ["- v.sql 0001 a:v []", "- v.sql 0002 a:g []", "v.3 a:t []"]);
    assert_eq!((found[0].moment, found[1].moment), (Moment::Changed, Moment::AfterRun));
    assert_eq!(found[0].down, None);
    assert_eq!(notes.problems, []);
    assert_eq!(notes.ignored.len(), 1);
}

#[test]
fn keeps_the_order_of_the_tool() {
    let one = log(&["a:1", "a:2"]);
    let (found, _) =
        read_all(&[("1_x.sql", &one), ("10_x.sql", &one), ("2_x.sql", &one), ("9.sql", &one)]);
    assert_eq!(
        shown(&found),
        [
            "10_x.1 a:1 []",
            "10_x.2 a:2 []",
            "1_x.1 a:1 [10_x.2]",
            "1_x.2 a:2 [1_x.1]",
            "2_x.1 a:1 [1_x.2]",
            "2_x.2 a:2 [2_x.1]",
            "9.1 a:1 [2_x.2]",
            "9.2 a:2 [9.1]",
        ]
    );
    let master = "databaseChangeLog:\n- include: {file: b.sql}\n- include: {file: a.sql}";
    let again = log(&["a:1 runOnChange:true"]);
    let (found, notes) = read_all(&[("m.yml", master), ("a.sql", &again), ("b.sql", &again)]);
    assert_eq!(shown(&found), ["- b.sql 0001 a:1 []", "- a.sql 0001 a:1 []"]);
    assert_eq!(notes.problems.len(), 1);
}

#[test]
fn a_logical_path_replaces_the_path() {
    let text = "--liquibase formatted sql logicalFilePath:classpath:old/name.sql\n--changeset a:1\nx\n\
        --changeset a:2 logicalFilePath:other\ny";
    let (found, _) = read_all(&[("new/name.sql", text)]);
    assert_eq!(shown(&found), ["old/name.1 a:1 []", "other.2 a:2 []"]);
}

#[test]
fn refuses_what_is_wrong() {
    let twice = log(&["a:1", "b:1", "a:1"]);
    let (_, notes) = read_all(&[("a.sql", &twice), ("b.sql", "SELECT 1"), ("c.sql", " \n")]);
    let problems: Vec<_> =
        notes.problems.iter().map(|p| (p.path.as_str(), p.line, p.message.as_str())).collect();
    assert_eq!(
        problems,
        [
            ("a.sql", Some(6), "changeset a:1 already exists in a.sql, line 2"),
            ("b.sql", None, "the file does not begin with --liquibase formatted sql"),
        ]
    );
    assert_eq!(notes.ignored, [("c.sql".to_owned(), "it is empty".to_owned())]);
}

#[test]
fn claims_by_the_first_line() {
    let claim = |path: &str, text: &str| Liquibase.claims(&[File { path, text }]);
    assert_eq!(claim("a.sql", &log(&[])), Claim::Sure);
    assert_eq!(claim("a.sql", "SELECT 1"), Claim::No);
    assert_eq!(claim("a.md", &log(&[])), Claim::No);
}

#[test]
fn is_detected_by_a_changelog_alone() {
    let master = "databaseChangeLog:\n  - include:\n      file: changes/create.sql\n";
    let folder =
        [("db.changelog-master.yaml", master), ("changes/create.sql", "CREATE TABLE a ();")];
    let files = folder.map(|(path, text)| File { path, text });
    assert_eq!(Liquibase.claims(&files), Claim::Sure);
    let (found, notes) = read_all(&folder);
    assert!(found.is_empty() && notes.problems.len() == 1);
    let message = &notes.problems[0].message;
    assert!(message.contains("--liquibase formatted sql"), "{message}");
}

use super::super::testing::options;
use super::*;

fn files<'a>(paths: &[&'a str]) -> Vec<File<'a>> {
    paths.iter().map(|path| File { path, text: path }).collect()
}

fn read_all(files: &[File], given: &[(&str, &str)]) -> (Vec<ImportedMigration>, Notes) {
    let mut notes = Notes::default();
    let found = Flyway.read(files, &options(given), &mut notes).unwrap_or_default();
    (found, notes)
}

/// Versions and names, with the paths they come from.
fn shown(found: &[ImportedMigration]) -> Vec<String> {
    let show = |found: &ImportedMigration| {
        let version = found.version.as_deref().unwrap_or("-");
        format!("{version} {}: {}", found.name, found.paths.join(" "))
    };
    found.iter().map(show).collect()
}

#[test]
fn reads_folders_as_one() {
    let files = files(&[
        "README.md",
        "b/V1_10__ten.sql",
        "a/V1_2__two_things.sql",
        "a/U1.2__whatever.sql",
        "V2.sql",
        "R__b.sql",
        "x/R__A_view.sql",
        "afterMigrate.sql",
        "afterMigrate__a.sql",
        "beforeMigrate.sql",
        "V1_x.sql",
    ]);
    let (found, notes) = read_all(&files, &[]);
    assert_eq!(
        shown(&found),
        [
            "- beforeMigrate: beforeMigrate.sql",
            "1.2 two things: a/V1_2__two_things.sql a/U1.2__whatever.sql",
            "1.10 ten: b/V1_10__ten.sql",
            "2 V2: V2.sql",
            "- A view: x/R__A_view.sql",
            "- b: R__b.sql",
            "- afterMigrate: afterMigrate.sql",
            "- afterMigrate a: afterMigrate__a.sql",
        ]
    );
    assert_eq!(found[1].up.as_deref(), Some("a/V1_2__two_things.sql"));
    assert_eq!(found[1].down.as_deref(), Some("a/U1.2__whatever.sql"));
    let moments: Vec<Moment> = found.iter().map(|found| found.moment).collect();
    use Moment::*;
    assert_eq!(
        moments,
        [BeforeRun, Changed, Changed, Changed, Changed, Changed, AfterRun, AfterRun]
    );
    assert_eq!(notes.problems, []);
    let why = "Flyway does not see a version in \"1_x\"".to_owned();
    assert_eq!(notes.unread, [("V1_x.sql".to_owned(), why)]);
}

#[test]
fn refuses_what_is_given_twice() {
    for (paths, message) in [
        (["a/V1__x.sql", "b/V001__y.sql"], "a/V1__x.sql and b/V001__y.sql both apply version 1"),
        (["V1__x.sql", "V1_0__y.sql"], "V1_0__y.sql and V1__x.sql both apply version 1.0"),
        (["a/U1__x.sql", "b/U1__x.sql"], "a/U1__x.sql and b/U1__x.sql both undo version 1"),
        (["a/B1__x.sql", "b/B1__x.sql"], "a/B1__x.sql and b/B1__x.sql both replace version 1"),
    ] {
        let (_, notes) = read_all(&files(&paths), &[]);
        let messages: Vec<&str> = notes.problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(messages, [message]);
    }
}

#[test]
fn refuses_callbacks_and_programs() {
    for (path, message) in [
        ("beforeEachMigrate.sql", "callback beforeEachMigrate is not supported"),
        ("afterClean__x.sql", "callback afterClean is not supported"),
        ("afterMigrateError.sql", "callback afterMigrateError is not supported"),
        ("db/V3__fill.java", "a migration that is a program cannot run inside the server"),
        ("R__fill.py", "a migration that is a program cannot run inside the server"),
    ] {
        let (found, notes) = read_all(&files(&["V1__x.sql", path]), &[]);
        assert_eq!(found.len(), 1);
        let messages: Vec<&str> = notes.problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(messages, [message]);
    }
    assert_eq!(read_all(&files(&["V1__x.sql", "Version.java", "V1.sh"]), &[]).1, Notes::default());
}

#[test]
fn a_baseline_replaces_what_is_gone() {
    let (found, notes) = read_all(
        &files(&["B2__old.sql", "B3__so_far.sql", "U3__x.sql", "V4__x.sql", "U2__x.sql"]),
        &[],
    );
    assert_eq!(shown(&found), ["3 so far: B3__so_far.sql U3__x.sql", "4 x: V4__x.sql"]);
    let ignored: Vec<&str> = notes.ignored.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(ignored, ["B2__old.sql", "U2__x.sql"]);

    let (found, notes) = read_all(&files(&["B3__so_far.sql", "V2__x.sql", "V4__x.sql"]), &[]);
    assert_eq!(shown(&found), ["2 x: V2__x.sql", "4 x: V4__x.sql"]);
    assert_eq!(notes.ignored[0].0, "B3__so_far.sql");
}

#[test]
fn an_undo_may_be_alone() {
    let (found, notes) = read_all(&files(&["U1__x.sql"]), &[]);
    assert_eq!(shown(&found), ["1 x: U1__x.sql"]);
    assert_eq!((found[0].up.as_deref(), found[0].down.is_some()), (None, true));
    assert_eq!(notes, Notes::default());
}

#[test]
fn applies_settings_of_a_script() {
    let texts = [
        ("V1__x.sql", "CREATE INDEX CONCURRENTLY"),
        ("V1__x.sql.conf", "executeInTransaction=false"),
        ("V2__y.sql", "SELECT '${z}'"),
        ("V2__y.sql.conf", "\nplaceholderReplacement=false"),
        ("V3__off.sql", ""),
        ("V3__off.sql.conf", "shouldExecute=false"),
        ("V4__gone.sql.conf", "executeInTransaction=false"),
        ("V5__z.sql", ""),
        ("U5__z.sql", ""),
        ("U5__z.sql.conf", "executeInTransaction=false"),
    ];
    let files: Vec<File> = texts.iter().map(|(path, text)| File { path, text }).collect();
    let (found, notes) = read_all(&files, &[]);
    assert_eq!(
        shown(&found),
        [
            "1 x: V1__x.sql V1__x.sql.conf",
            "2 y: V2__y.sql V2__y.sql.conf",
            "5 z: V5__z.sql U5__z.sql U5__z.sql.conf"
        ]
    );
    assert_eq!(found[0].transactional, Some(false));
    assert_eq!(found[1].transactional, None);
    let problems: Vec<_> = notes.problems.iter().map(|p| (p.path.as_str(), p.line)).collect();
    assert_eq!(problems, [("V2__y.sql.conf", Some(2)), ("U5__z.sql.conf", None)]);
    let ignored: Vec<&str> = notes.ignored.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(ignored, ["V4__gone.sql.conf", "V3__off.sql"]);
}

#[test]
fn applies_configured_names() {
    let texts = [
        ("flyway.conf", "flyway.sqlMigrationPrefix=\nflyway.executeInTransaction=false"),
        ("sql/1_1__x.sql", ""),
        ("sql/R__y.sql", ""),
    ];
    let files: Vec<File> = texts.iter().map(|(path, text)| File { path, text }).collect();
    let (found, _) = read_all(&files, &[]);
    assert_eq!(shown(&found), ["1.1 x: sql/1_1__x.sql", "- y: sql/R__y.sql"]);
    assert_eq!(found[0].transactional, Some(false));
    let (found, notes) = read_all(&files, &[("prefix", "V")]);
    assert_eq!(shown(&found), ["- y: sql/R__y.sql"]);
    assert_eq!((notes.ignored.len(), notes.unread.len()), (1, 1));
}

#[test]
fn claims_its_names() {
    for (paths, claim) in [
        (&["V1__x.sql"][..], Claim::Sure),
        (&["R__x.sql"], Claim::Sure),
        (&["flyway.toml", "1__x.sql"], Claim::Sure),
        (&["V1__x.sql", "U1__x.sql"], Claim::Sure),
        (&["V1__x.sql", "U2__x.sql"], Claim::Possible),
        (&["afterMigrate.sql"], Claim::Possible),
        (&["V1__x.sql", "V2__x.rs"], Claim::No),
        (&["1_x.sql", "V1.sql", "README.md"], Claim::No),
        (&[], Claim::No),
    ] {
        assert_eq!(Flyway.claims(&files(paths)), claim, "{paths:?}");
    }
    let file = File { path: "V1__x.sql", text: "--liquibase formatted sql" };
    assert_eq!(Flyway.claims(&[file]), Claim::Possible);
}

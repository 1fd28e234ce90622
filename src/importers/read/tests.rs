use super::super::testing::{detected, files, importer, read_as};
use super::*;

const GOOSE: &str = "-- +goose Up\nSELECT 1;";
const DBMATE: &str = "-- migrate:up\nSELECT 1;";

#[test]
fn shared_names_are_not_ambiguous() {
    assert_eq!(detected(&[("1_a.sql", "SELECT 1")]), "numbered");
    assert_eq!(detected(&[("1_a.up.sql", ""), ("1_a.down.sql", "")]), "golang-migrate");
    assert_eq!(detected(&[("1_a.up.sql", ""), ("2_a.sql", "")]), "numbered");
    assert_eq!(detected(&[("1_a.sql", GOOSE), ("2_b.sql", "")]), "goose");
    assert_eq!(detected(&[("1_a.up.sql", "-- no-transaction"), ("2_b.up.sql", "")]), "sqlx");
}

#[test]
fn what_is_ambiguous_is_a_problem() {
    let all = files(&[("1_a.sql", GOOSE), ("2_a.sql", DBMATE)]);
    let Err(problem) = read(&all, None, &Options::default()) else {
        unreachable!("it was read");
    };
    assert_eq!(problem.message, "the files could be those of dbmate or goose");
    assert_eq!(problem.hint, "Specify one: convention => 'dbmate' or convention => 'goose'.");
    assert!(read(&all, Some(importer("goose")), &Options::default()).is_ok());
}

fn with(ignore: &str) -> Options {
    [("ignore".to_owned(), ignore.to_owned())].into_iter().collect()
}

#[test]
fn what_has_the_name_of_a_migration_is_read_or_a_problem() {
    for (convention, text) in [
        ("golang-migrate", ""),
        ("numbered", ""),
        ("dbmate", DBMATE),
        ("goose", GOOSE),
        ("sqlx", ""),
        ("node-pg-migrate", ""),
        ("drizzle", ""),
    ] {
        for name in [
            "2_b.up.psql",
            "2_b.ddl",
            "2_b.sql.bak",
            "2_b.sql.gz",
            "2_b.txt",
            "2_b.rb",
            "2_b",
            "x.pgsql",
            "x.dml",
            "x.down.pg",
            "V2__b.psql",
            "R__b.pg",
            "old/0_a.sql",
            "old/0_a.ddl",
        ] {
            let all = files(&[("m/1_a.up.sql", text), ("m/3_c.up.sql", text)]);
            let path = format!("m/{name}");
            let all = [&all[..], &[File { path: &path, text: "SELECT 1" }]].concat();
            let problems = read(&all, Some(importer(convention)), &Options::default())
                .map_or_else(|problem| vec![problem], |set| set.problems);
            let paths: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
            assert_eq!(paths, [path.as_str()], "{convention:?}: {problems:?}");
            let ignore = with(&format!("{}*", &path[..path.len() - 2]));
            let set = read(&all, Some(importer(convention)), &ignore);
            let problems = set.map(|set| set.problems);
            assert_eq!(problems, Ok(Vec::new()), "{convention:?} and {path}");
        }
    }
}

#[test]
fn what_others_may_have_beside_is_none() {
    let all = [
        ("1_a.up.sql", ""),
        ("seed.sql", ""),
        ("README.md", ""),
        ("001_notes.md", ""),
        ("meta/0000_snapshot.json", ""),
        ("1_a_test.go", ""),
    ];
    let set = read_as("golang-migrate", &all);
    assert_eq!(set.problems, []);
    let paths: Vec<&str> = set.ignored.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["seed.sql"]);
}

#[test]
fn a_convention_reads_most_of_the_files() {
    let names: Vec<String> = (0..609).map(|n| format!("db/{n:04}_x.sql")).collect();
    let views: Vec<String> = (0..7).map(|n| format!("R__v{n}.sql")).collect();
    let all: Vec<File> = names.iter().chain(&views).map(|path| File { path, text: "" }).collect();
    for convention in [None, Some(importer("flyway"))] {
        let Err(problem) = read(&all, convention, &Options::default()) else {
            unreachable!("it was read");
        };
        assert_eq!(
            problem.message,
            "flyway reads 7 of the 616 files of SQL and leaves 609 out, such as \"db/0000_x.sql\", \"db/0001_x.sql\", \"db/0002_x.sql\""
        );
    }
    let set = read(&all, None, &with("db/**"));
    assert_eq!(set.map(|set| (set.migrations.len(), set.ignored.len())), Ok((7, 609)));
    let set = read(&all, None, &with("R__*.sql"));
    assert_eq!(set.map(|set| set.migrations.len()), Ok(609));
}

#[test]
fn knows_when_it_knows_nothing() {
    assert_eq!(
        detected(&[("README.md", ""), ("db/init.sql", "")]),
        "file name \"init.sql\" is not that of a migration"
    );
    assert_eq!(detected(&[]), "file name \"\" is not that of a migration");
}

#[test]
fn options_are_checked() {
    let options: Options = [("prefix".to_owned(), "V".to_owned())].into_iter().collect();
    let Err(problem) = read(&files(&[("1_a.sql", GOOSE)]), None, &options) else {
        unreachable!("it was read");
    };
    assert_eq!(problem.message, "goose has no option \"prefix\"");
}

#[test]
fn what_no_tool_may_have_is_refused() {
    let long = format!("{}_a.sql", "1".repeat(201));
    let set = read_as(
        "numbered",
        &[("1_two\nlines.sql", ""), (&long, ""), ("C:\\app\\3_c.sql", ""), ("./4_d.sql", "")],
    );
    assert_eq!(set.migrations.len(), 3, "{:?}", set.migrations);
    let messages: Vec<_> = set.problems.iter().map(|p| p.message.as_str()).collect();
    assert!(messages[0].starts_with("invalid migration name"), "{messages:?}");
}

use super::*;

fn read_all(
    files: &[(&str, &str)],
    given: &[(&str, &str)],
) -> (Result<Vec<ImportedMigration>, Problem>, Notes) {
    let files: Vec<File> = files.iter().map(|(path, text)| File { path, text }).collect();
    let options = given.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let mut notes = Notes::default();
    (Sqitch.read(&files, &options, &mut notes), notes)
}

const PLAN: &str = "%syntax-version=1.0.0\n%project=shop\n\nschema 2024-01-31T12:00:00Z A <a@b>\n\
    @v1 2024-01-31T12:00:00Z A <a@b>\nusers [schema @v1] 2024-01-31T12:00:00Z A <a@b>\n";

#[test]
fn reads_a_project() {
    let (found, notes) = read_all(
        &[
            ("sqitch.conf", "[core]\n\ttop_dir = sql"),
            ("sql/sqitch.plan", PLAN),
            ("sql/deploy/schema.sql", "BEGIN; CREATE SCHEMA x; COMMIT;"),
            ("sql/revert/schema.sql", "DROP SCHEMA x"),
            ("sql/verify/schema.sql", "BEGIN;\nSELECT 1/0;\nROLLBACK;"),
            ("sql/deploy/users.sql", "CREATE TABLE x.users ()"),
            ("sql/deploy/users@v1.sql", "old"),
            ("README.md", ""),
        ],
        &[],
    );
    let found = found.unwrap_or_default();
    assert_eq!(
        found,
        [
            ImportedMigration {
                version: Some("0001".to_owned()),
                name: "schema".to_owned(),
                up: Some("BEGIN; CREATE SCHEMA x; COMMIT;".to_owned()),
                down: Some("DROP SCHEMA x".to_owned()),
                verify: Some("      \nSELECT 1/0;\n;SELECT true".to_owned()),
                paths: ["deploy", "revert", "verify"]
                    .map(|folder| format!("sql/{folder}/schema.sql"))
                    .to_vec(),
                ..ImportedMigration::default()
            },
            ImportedMigration {
                version: Some("0002".to_owned()),
                name: "users".to_owned(),
                up: Some("CREATE TABLE x.users ()".to_owned()),
                requires: vec!["0001".to_owned()],
                paths: vec!["sql/deploy/users.sql".to_owned()],
                ..ImportedMigration::default()
            },
        ]
    );
    assert_eq!(notes.problems, []);
    let ignored: Vec<&str> =
        notes.ignored.iter().chain(&notes.unread).map(|(path, _)| path.as_str()).collect();
    assert_eq!(ignored, ["sqitch.conf", "sql/sqitch.plan", "sql/deploy/users@v1.sql"]);
    assert!(notes.ignored[1].1.ends_with("its tags are not kept: @v1 is 0001"));
}

#[test]
fn a_script_is_missing() {
    let (found, notes) =
        read_all(&[("x/sqitch.plan", PLAN), ("x/deploy/schema.sql", "SELECT 1")], &[]);
    // One without any script is no migration.
    assert_eq!(found.map(|found| found.len()), Ok(1));
    let problems: Vec<_> =
        notes.problems.iter().map(|p| (p.path.as_str(), p.line, p.message.as_str())).collect();
    let message = "change users has no script x/deploy/users.sql";
    assert_eq!(problems, [("x/sqitch.plan", Some(6), message)]);
}

#[test]
fn other_projects_are_given_by_an_option() {
    let files =
        [("sqitch.plan", "%project=shop\na [auth:roles auth:x@v1]"), ("deploy/a.sql", "SELECT 1")];
    let (_, notes) = read_all(&files, &[]);
    assert_eq!(notes.problems.len(), 2);
    assert!(notes.problems[0].hint.contains("auth:roles=auth:0001"));
    let option = ("requires", "auth:roles = auth:0003, auth:x@v1=login:0001");
    let (found, notes) = read_all(&files, &[option]);
    assert_eq!(notes.problems, []);
    let requires = found.map(|mut found| found.pop().map(|found| found.requires));
    assert_eq!(requires, Ok(Some(vec!["auth:0003".to_owned(), "login:0001".to_owned()])));
    assert!(read_all(&files, &[("requires", "auth:roles")]).0.is_err());
}

#[test]
fn other_projects_are_found_by_their_plans() {
    let files = [
        ("shop/sqitch.plan", "%project=shop\na [auth:roles auth:users@v1 auth:@v1 auth:gone]"),
        ("shop/sqitch.conf", "[core]\nengine = pg"),
        ("shop/deploy/a.sql", "SELECT 1"),
        ("auth/sqitch.plan", "%project=auth\nusers\nroles\n@v1"),
        ("auth/sqitch.conf", "[core]\nextension = no"),
    ];
    let (found, notes) = read_all(&files, &[("plan", "shop/sqitch.plan")]);
    let requires = found.map(|mut found| found.pop().map(|found| found.requires));
    let expected = ["auth:0002", "auth:0001", "auth:0002"].map(str::to_owned).to_vec();
    assert_eq!(requires, Ok(Some(expected)));
    let messages: Vec<&str> = notes.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(messages, ["change a requires auth:gone, whose version is not known"]);
}

#[test]
fn the_plan_is_found() {
    let message = |files: &[(&str, &str)], options: &[(&str, &str)]| {
        read_all(files, options).0.err().map(|problem| problem.message)
    };
    assert_eq!(message(&[], &[]).as_deref(), Some("the folder holds no sqitch.plan"));
    let two = [("a/sqitch.plan", "%project=a"), ("b/sqitch.plan", "%project=b")];
    let expected = "the folder holds several plans, such as a/sqitch.plan and b/sqitch.plan";
    assert_eq!(message(&two, &[]).as_deref(), Some(expected));
    assert_eq!(message(&two, &[("plan", "./b/sqitch.plan")]), None);
    let conf = ("sqitch.conf", "[core]\nengine = sqlite");
    let (_, notes) = read_all(&[conf, ("sqitch.plan", "%project=a")], &[]);
    assert_eq!(notes.problems[0].message, "the project is for sqlite");
}

#[test]
fn claims_by_the_plan() {
    for (path, text, claim) in [
        ("db/sqitch.plan", "", Claim::Sure),
        ("db/my.plan", "%syntax-version=1.0.0", Claim::Sure),
        ("db/my.plan", "", Claim::No),
        ("deploy/x.sql", "", Claim::No),
    ] {
        assert_eq!(Sqitch.claims(&[File { path, text }]), claim, "{path}");
    }
}

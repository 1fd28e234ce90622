//! Adverse files for all importers: deeply nested brackets, quotes and lists, and many of everything.

use super::include;
use super::{File, IMPORTERS, Options, read};
use crate::domain::halt;
use std::time::{Duration, Instant};

/// Beginnings and separators of the formats, which are repeated.
const PARTS: [&str; 62] = [
    "(",
    "[",
    "{",
    "<a>",
    "<!--",
    "<![CDATA[",
    "/*",
    "\"",
    "'",
    "`",
    "${",
    "$a$",
    "$$",
    "- ",
    "? ",
    "[[",
    "{\"a\":",
    "[{\"entries\":[",
    "{\"tag\":\"a\"},",
    "\\i ",
    "\\i b.sql\n",
    "BEGIN ATOMIC ",
    "CASE ",
    "!(",
    "not (",
    "a,",
    "a|",
    "&a [",
    "*a ",
    "--rollback (",
    "--rollback a\n",
    "-- +goose StatementBegin\n",
    "-- +goose StatementEnd\n",
    "-- +goose Down\n",
    "-- migrate:up\n",
    "-- migrate:down\n",
    "-- Down Migration\n",
    "--> statement-breakpoint",
    "--! Previous: a\n",
    "--changeset a:1\n",
    "/* liquibase rollback\n",
    "a [a a] 2024-01-01T\n",
    "@a\n",
    "x = [\n",
    "<include file=\"a/b/c/d/e.sql\"/>\n",
    "- includeAll: {path: a}\n",
    "a.",
    "a=1\n",
    "[[a]]\n",
    "\\\n",
    "\\u",
    "? [",
    "a: &b [*b,",
    "- - ",
    "a:\n",
    "<a b=\"",
    "a=\"\" ",
    "&amp;",
    "-- atlas:delimiter \\n\n",
    "{{ .a }}",
    "h1:x\n",
    "1_a.sql h1:x\n",
];

/// Texts before them.
const HEADS: [&str; 9] = [
    "",
    "-- migrate:up\n-- +goose Up\n-- Up Migration\n--! Previous: -\n--! Hash: x\n",
    "--liquibase formatted sql\n--changeset a:1 labels:",
    "--liquibase formatted sql\n--changeset a:1 context:\"",
    "[flyway]\nx = ",
    "databaseChangeLog: ",
    "%project=a\na [",
    "<a ",
    "-- atlas:delimiter -- a\n",
];

/// The names of files that importers read.
const PATHS: [&str; 18] = [
    "1_a.up.sql",
    "V1__a.sql",
    "1_a/up.sql",
    "1_a/metadata.toml",
    "committed/000001.sql",
    "meta/_journal.json",
    "flyway.conf",
    "flyway.toml",
    "V1__a.sql.conf",
    "sqitch.plan",
    "sqitch.conf",
    "verify/a.sql",
    "changelog.xml",
    "changelog.yaml",
    "changelog.json",
    "liquibase.properties",
    "flyway.user.toml",
    "atlas.sum",
];

/// Has all importers read a file beside others.
fn try_all(path: &str, text: &str) {
    let whole = [("2_z.sql", "SELECT 1"), ("V2__z.sql", ""), ("deploy/a.sql", ""), (path, text)];
    let files: Vec<File> = whole.iter().map(|(path, text)| File { path, text }).collect();
    let options: Options = [("contexts", text), ("labels", text)]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let all = IMPORTERS.iter().copied().map(Some).chain([None]);
    for importer in all {
        let has_labels = importer.is_some_and(|it| it.options().contains(&"labels"));
        let options = if has_labels { &options } else { &Options::default() };
        let _ = read(&files, importer, options);
    }
    let _ = include::resolve(
        whole.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect(),
    );
}

/// The number of checks for interrupts, which is proportional to the work that the code reports.
fn checks(of: impl FnOnce()) -> usize {
    halt::testing::checks(of)
}

#[test]
fn recursion_is_limited() {
    // A hundredth of the server's stack.
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let read = small.spawn(|| {
        for path in PATHS {
            for part in PARTS {
                for head in HEADS {
                    try_all(path, &format!("{head}{}", part.repeat(3000 / part.len())));
                }
            }
        }
    });
    assert!(read.is_ok_and(|read| read.join().is_ok()));
}

#[test]
fn work_is_proportional_to_size() {
    const SMALL: usize = 1 << 17;
    for path in [
        "1_a.sql",
        "x.sql",
        "flyway.toml",
        "flyway.conf",
        "sqitch.plan",
        "sqitch.conf",
        "changelog.xml",
        "changelog.yaml",
    ] {
        for part in PARTS {
            let head = match path {
                "x.sql" => "--liquibase formatted sql\n--changeset a:0\n",
                "sqitch.plan" => "%project=a\n",
                _ => "",
            };
            let text = |size: usize| format!("{head}{}", part.repeat(size / part.len()));
            let (small, large) = (text(SMALL), text(4 * SMALL));
            let started = Instant::now();
            let few = checks(|| try_all(path, &small));
            let many = checks(|| try_all(path, &large));
            assert!(many <= 6 * few + 20, "{part:?} in {path}: {few}, then {many}");
            assert!(started.elapsed() < Duration::from_secs(60), "{part:?} in {path}");
        }
    }
}

//! Files made against the readers: brackets, quotes and lists in each other without end, and
//! many of everything. They hold for whatever reads these formats.

use super::include;
use super::{Convention, File, Options, read};
use crate::domain::halt;
use std::time::{Duration, Instant};

/// What begins something in one of the formats, or stands between.
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

/// What may stand before them.
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

/// The files that are read by one reader or another.
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

/// Reads a file beside others by all conventions.
fn try_all(path: &str, text: &str) {
    let whole = [("2_z.sql", "SELECT 1"), ("V2__z.sql", ""), ("deploy/a.sql", ""), (path, text)];
    let files: Vec<File> = whole.iter().map(|(path, text)| File { path, text }).collect();
    let options: Options = [("contexts", text), ("labels", text)]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    for convention in Convention::ALL.into_iter().map(Some).chain([None]) {
        let options = match convention {
            Some(Convention::Liquibase) => &options,
            _ => &Options::default(),
        };
        let _ = read(&files, convention, options);
    }
    let _ = include::resolve(
        whole.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect(),
    );
}

/// The work that something counts itself, as a multiple of what is checked between.
fn checks(of: impl FnOnce()) -> usize {
    halt::testing::checks(of)
}

#[test]
fn nothing_calls_itself_without_end() {
    // A hundredth of the stack that the server has.
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
fn work_is_in_proportion() {
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

//! All functions that take input of a user's size check for interrupts at least once for each
//! megabyte.

use super::include;
use super::{File, IMPORTERS, Options, read};
use crate::domain::bundle::Bundle;
use crate::domain::checksum::checksum;
use crate::domain::halt::testing::checks;
use crate::domain::plan::{Graph, Node, merge};
use crate::domain::script;
use crate::domain::script::prepare::{Syntax, Variables, prepare};
use crate::domain::script::scan::scan;

const MB: usize = 1 << 20;

fn often(what: &str, size: usize, work: impl FnOnce()) {
    let counted = checks(work);
    assert!(counted >= size / MB, "{what}: {counted} checks for {} MB", size / MB);
}

#[test]
fn texts() {
    // One token, or very many. The scanner has no faster path for these letters.
    for part in
        ["x", "SELECT 1;\n", "'", "$a$", "--", "/*", "\\echo x\n", "${x} ", "\r\n", " ", "é"]
    {
        for head in ["", "'", "/*", "COPY t FROM stdin;\n"] {
            let text = format!("{head}{}", part.repeat(2 * MB / part.len()));
            let size = text.len();
            let what = |name: &str| format!("{name} of {part:?} after {head:?}");
            often(&what("scan"), size, || drop(scan(&text, true)));
            often(&what("scan"), size, || drop(scan(&text, false)));
            let values = [("x".to_owned(), "1".to_owned())].into();
            for syntax in [Syntax::None, Syntax::Dollar, Syntax::Psql] {
                let values =
                    Variables { syntax, values: Clone::clone(&values), ..Variables::default() };
                often(&what("prepare"), size, || drop(prepare(&text, true, &values)));
            }
            often(&what("checksum"), size - MB, || assert_ne!(checksum(&text), [0; 32]));
            often(&what("line_at"), size, || assert!(script::line_at(&text, size) > 0));
            often(&what("names"), size, || drop(script::names(&text)));
            let whole = text.chars().count();
            let counted = || assert!(script::bytes_of_characters(text.as_bytes(), whole) == size);
            often(&what("bytes_of_characters"), size, counted);
        }
    }
    for blank in [" ", "-- x\n", "/* x */"] {
        let text = blank.repeat(4 * MB / blank.len());
        often("skip_blank", text.len(), || assert_eq!(script::skip_blank(&text, 0), text.len()));
    }
}

#[test]
fn files() {
    let text = format!(
        "-- migrate:up\n-- +goose Up\n-- Up Migration\n--! Previous: -\n--! Hash: x\n{}",
        "SELECT 1;\n".repeat(MB / 2)
    );
    let committed = text.replacen("-- migrate:up\n-- +goose Up\n-- Up Migration\n", "", 1);
    let changes = format!("--liquibase formatted sql\n--changeset a:1\n{text}");
    for importer in IMPORTERS {
        let path = match importer.name() {
            "flyway" | "refinery" => "V1__a.sql",
            "golang-migrate" => "1_a.up.sql",
            "graphile-migrate" => "committed/000001.sql",
            "prisma" => "1_a/migration.sql",
            "sqitch" => "verify/a.sql",
            "diesel" => "1_a/metadata.toml",
            _ => "1_a.sql",
        };
        let text = match importer.name() {
            "liquibase" => changes.as_str(),
            "graphile-migrate" => &committed,
            // Files that are not SQL are never so large.
            "diesel" => &text[..2 * MB],
            _ => &text,
        };
        let files = [
            File { path: "sqitch.plan", text: "%project=a\na" },
            File { path: "deploy/a.sql", text: "" },
            File { path: "1_a/up.sql", text: "" },
            File { path, text },
        ];
        let files = match importer.name() {
            "sqitch" | "diesel" => &files[..],
            _ => &files[3..],
        };
        let read = || {
            let set = read(files, Some(*importer), &Options::default());
            assert!(set.is_ok_and(|set| !set.migrations.is_empty()), "{}", importer.name());
        };
        match importer.name() {
            // They only copy the text.
            "golang-migrate" | "flyway" | "refinery" | "prisma" | "sqlx" => read(),
            name => often(name, text.len(), read),
        }
    }
    let files = vec![
        ("1_a.sql".to_owned(), "\\ir b.sql\n".repeat(20)),
        ("b.sql".to_owned(), "x".repeat(MB)),
    ];
    often("include", 20 * MB, || assert!(include::resolve(files).is_ok()));
}

#[test]
fn bundles_and_plans() {
    let text = "SELECT 1;".repeat(MB / 2);
    let json = serde_json::json!({
        "format": 1, "project": "p", "migrations": [{"version": "1", "name": "a", "up": text}],
    });
    often("bundle", text.len(), || assert!(Bundle::read(&json.to_string()).is_ok()));
    const COUNT: usize = 100_000;
    let key = |n: usize| n.to_be_bytes().to_vec();
    let node = |n: usize| Node {
        key: key(n),
        requires: vec![key(n.saturating_sub(1)), key(n / 2)],
        applied: n == 0,
    };
    let nodes: Vec<Node> = (0..COUNT).map(node).collect();
    // A step counts as several bytes.
    let size = COUNT * crate::domain::halt::STEP;
    often("graph", size, || assert!(Graph::new(nodes.clone()).order().is_ok()));
    let graph = Graph::new(nodes);
    often("order", size, || assert_eq!(graph.order().map(|order| order.len()), Ok(COUNT - 1)));
    often("closure", size, || assert!(graph.closure(COUNT - 1).is_ok()));
    often("out_of_order", size, || assert!(graph.out_of_order(None).0.is_empty()));
    // Projects that wait for each other, step by step.
    let needs = |project: usize, step: usize| match project {
        0 => Vec::new(),
        _ => vec![(project - 1, step)],
    };
    let lengths = vec![COUNT / 1000; 1000];
    often("merge", size, || assert_eq!(merge(&lengths, needs).map(|all| all.len()), Ok(COUNT)));
}

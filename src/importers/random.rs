//! Random files for all importers.

use super::{File, IMPORTERS, Options, Set, read};
use crate::domain::script::origin;

/// The names that tools have for files.
const PATHS: [&str; 24] = [
    "1_a.up.sql",
    "01_a.down.sql",
    "2_b.sql",
    "10-c.SQL",
    "20240131_é.sql",
    "3.sql",
    "x.sql",
    "V1__a.sql",
    "R__b.sql",
    "U1__a.sql",
    "d/up.sql",
    "2_d/up.sql",
    "2_d/down.sql",
    "2_d/metadata.toml",
    "20240101_p/migration.sql",
    "meta/_journal.json",
    "0000_x.sql",
    "committed/000001-x.sql",
    "current.sql",
    "sqitch.plan",
    "deploy/a.sql",
    "4_e.go",
    "20200513070724505_n.sql",
    "V1__a.sql.conf",
];

/// Lines with the markers of tools.
const LINES: [&str; 28] = [
    "SELECT 1;",
    "SELECT 'é'",
    "",
    "  ",
    "-- a note",
    "-- +goose Up",
    "-- +goose Down",
    "-- +goose StatementBegin",
    "-- +goose StatementEnd",
    "-- +goose NO TRANSACTION",
    "-- migrate:up",
    "-- migrate:down transaction:false",
    "--migrate:up x:y",
    "-- Up Migration",
    "---down migration",
    "--! Previous: -",
    "--! Hash: sha1:é",
    "--! Message: é: é",
    "--! no-transaction",
    "--> statement-breakpoint",
    "-- no-transaction",
    "---- create above / drop below ----",
    "--liquibase formatted sql",
    "--changeset é:1",
    "--rollback SELECT 2;",
    "run_in_transaction = false",
    "%project=x",
    "a [b !c] 2024-01-01T00:00:00Z é <e@x> # n",
];

/// Reads random combinations of names and lines. No importer may panic, and the lines of a section
/// must be those of the file.
#[test]
fn random_files_are_read_or_refused() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |n: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % n
    };
    for _ in 0..1500 {
        let mut set: Vec<(&str, String)> = Vec::new();
        for _ in 0..1 + next(4) {
            let end = ["\n", "\r\n"][next(2)];
            let lines: Vec<&str> = (0..next(9)).map(|_| LINES[next(LINES.len())]).collect();
            let path = PATHS[next(PATHS.len())];
            if set.iter().all(|(other, _)| *other != path) {
                set.push((path, lines.join(end)));
            }
        }
        let given: Vec<File> = set.iter().map(|(path, text)| File { path, text }).collect();
        let all = IMPORTERS.iter().copied().map(Some).chain([None]);
        all.filter_map(|importer| read(&given, importer, &Options::default()).ok())
            .for_each(|read| check_sections(&given, &read));
    }
}

/// Checks the sections of migrations that are made of one file.
fn check_sections(files: &[File], set: &Set) {
    // These change texts.
    if matches!(set.convention.name(), "liquibase" | "sqitch") {
        return;
    }
    for migration in &set.migrations {
        let [path] = &migration.paths[..] else { continue };
        let file = files.iter().find(|file| file.path == path);
        for section in [&migration.up, &migration.down].into_iter().flatten() {
            check_lines(section, file.map_or("", |file| file.text), set);
        }
    }
}

fn check_lines(section: &str, text: &str, set: &Set) {
    let (first, section) = origin::split(section);
    let mut whole = text.lines().skip(first - 1);
    let mut before = "";
    for line in section.lines() {
        let there = whole.next().unwrap_or_default();
        let plain = line.strip_prefix(';').unwrap_or(line);
        let fits = [there, before].contains(&plain) || plain.is_empty();
        assert!(fits, "{line:?} of {section:?} in {text:?} of {}", set.convention.name());
        before = there;
    }
}

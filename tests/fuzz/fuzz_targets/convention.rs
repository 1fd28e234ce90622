//! What must hold for any files that are given as those of a tool: reading them panics nowhere,
//! calls itself to no depth, and takes work and memory in proportion.
#![no_main]
#![allow(dead_code)]

#[path = "../../../src/domain/mod.rs"]
mod domain;
#[path = "../../../src/importers/mod.rs"]
mod importers;

use domain::halt;
use domain::script::origin;
use importers::{File, IMPORTERS, Options, include, read};
use std::cell::Cell;

thread_local! {
    static CHECKS: Cell<usize> = const { Cell::new(0) };
}

/// Far more than files of the fuzzer's length need.
fn bounded() {
    CHECKS.set(CHECKS.get() + 1);
    assert!(CHECKS.get() < 1000, "the work has no end");
}

// The first byte says the tool, the rest is files: each begins with a line `=== path`.
libfuzzer_sys::fuzz_target!(|input: &str| {
    let mut letters = input.chars();
    let tool = letters.next().map_or(0, |letter| letter as usize);
    let rest = letters.as_str();
    let whole: Vec<(String, String)> = rest
        .split("=== ")
        .filter_map(|part| part.split_once('\n'))
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    halt::install(bounded);
    CHECKS.set(0);
    let Ok(whole) = include::resolve(whole) else { return };
    let files: Vec<File> = whole.iter().map(|(path, text)| File { path, text }).collect();
    let size: usize = whole.iter().map(|(path, text)| path.len() + text.len()).sum();
    let option = |name: &str| (name.to_owned(), rest.chars().take(40).collect::<String>());
    let options: Options = match tool / 32 % 2 {
        0 => Options::default(),
        _ => ["contexts", "labels"].map(option).into_iter().collect(),
    };
    let importer = IMPORTERS.get(tool % 32).copied();
    let Ok(set) = read(&files, importer, &options) else { return };
    let mut made = 0;
    for found in &set.migrations {
        for text in [&found.up, &found.down, &found.verify].into_iter().flatten() {
            made += text.len();
            assert!(origin::split(text).0 <= 1 + rest.matches('\n').count());
        }
    }
    // Each line of a file is in one part, behind at most the line that says where it begins.
    assert!(made <= 32 * size, "{made} bytes of {size}");
});

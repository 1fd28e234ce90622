//! What must hold for any text that is registered as a migration.
#![no_main]
#![allow(dead_code)]

#[path = "../../../src/domain/mod.rs"]
mod domain;

libfuzzer_sys::fuzz_target!(|text: &str| domain::script::properties::hold(text));

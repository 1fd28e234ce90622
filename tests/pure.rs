//! The unit tests of the rooms that are plain Rust. They are compiled without pgrx, so they run
//! without a server and without its symbols: `cargo test --test pure`.

// What only the other rooms use. The library itself is compiled without this.
#![allow(dead_code, unused_imports)]

#[path = "../src/domain/mod.rs"]
mod domain;
#[path = "../src/importers/mod.rs"]
mod importers;

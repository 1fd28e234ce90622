//! Reads the migration files of other tools as they are.
//!
//! Each tool is an [`Importer`] with a file of its own. It knows the tool's file names and the
//! markers in the files. [`read`] detects the tool unless the caller names it, lets its importer
//! read the files, and checks the result. A feature of a tool that is not supported is a
//! [`Problem`]. So is a file that has the name of a migration but is not read.
//!
//! # How to add a tool
//!
//! 1. Write `src/importers/TOOL.rs` with a unit struct, and implement [`Importer`] for it. Required
//!    are `name`, `claims` and `read`; [`golang_migrate`] is a short example. The functions in
//!    [`folder`], [`name`] and [`section`] do what most tools need: they find the folder, parse
//!    numbered names, pair up and down files, keep the tool's order, and cut files at markers.
//!    Unit tests go to the end of the file; [`testing`] has helpers for them.
//! 2. Add `mod TOOL;` below, and the struct to [`IMPORTERS`]. Add it at the end of the list: the
//!    order decides between tools that read the same files in the same way. If the tool needs other
//!    file names than `1_a.sql`, add one to the test `files` in `interruptible`.
//! 3. Add a folder `tests/conventions/TOOL` with files as the tool has them, together with
//!    `TOOL.expected` (the registry after loading) and `TOOL.schema` (the catalog after applying).
//!    Run `tests/tools/test conventions`. It fails, and writes the actual output to
//!    `target/results/conventions`; check it, and copy it.
//!
//! If the importer reads files that are not SQL (`reads_beside_sql`), add their names to the function
//! `files` of the loader `pg_migrations.sh`, and to `PATHS` in the test `adverse`.
//!
//! Everything else follows from the list: the values that the argument `convention` accepts,
//! detection, and the tests with adverse and random files.

#[cfg(test)]
mod adverse;
mod atlas;
mod checks;
mod dbmate;
mod detection;
mod diesel;
mod drizzle;
mod flyway;
mod folder;
mod format;
mod glob;
mod golang_migrate;
mod goose;
mod graphile_migrate;
mod importer;
pub mod include;
#[cfg(test)]
mod interruptible;
pub mod limits;
mod liquibase;
mod migration;
mod name;
mod need;
mod node_pg_migrate;
mod notes;
mod numbered;
mod path;
mod prisma;
mod problem;
#[cfg(test)]
mod random;
mod read;
mod reading;
mod refinery;
mod section;
mod sqitch;
mod sqlx;
#[cfg(test)]
mod testing;

pub use importer::{Claim, File, Importer, Options};
pub use migration::{ImportedMigration, Part};
pub use name::is_any_sql;
pub use need::{Need, need};
pub use notes::Notes;
pub use problem::Problem;
pub use read::{Set, is_ignored, read};

/// All importers. If several read the same files in the same way, the first one is taken.
pub static IMPORTERS: &[&dyn Importer] = &[
    &golang_migrate::GolangMigrate,
    &numbered::Numbered,
    &dbmate::Dbmate,
    &goose::Goose,
    &flyway::Flyway,
    &sqitch::Sqitch,
    &diesel::Diesel,
    &sqlx::Sqlx,
    &refinery::Refinery,
    &node_pg_migrate::NodePgMigrate,
    &graphile_migrate::GraphileMigrate,
    &prisma::Prisma,
    &drizzle::Drizzle,
    &liquibase::Liquibase,
    &atlas::Atlas,
];

/// The importer with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Importer> {
    IMPORTERS.iter().copied().find(|importer| importer.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn importers_are_found_by_name() {
        for importer in IMPORTERS {
            assert_eq!(by_name(importer.name()).map(|found| found.name()), Some(importer.name()));
        }
        assert!(by_name("Flyway").is_none());
        let names: HashSet<&str> = IMPORTERS.iter().map(|importer| importer.name()).collect();
        assert_eq!(names.len(), IMPORTERS.len());
    }
}

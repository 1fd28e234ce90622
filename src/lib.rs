//! pg_migrations: schema migrations that live and run inside PostgreSQL.
//!
//! | module | what it holds |
//! |---|---|
//! | [`api`] | the SQL-callable functions: arguments in, one call, rows out |
//! | [`look`] | what a person reads: the state of migrations |
//! | [`repair`] | changes of the record that run nothing |
//! | [`registry`] | what is known: migrations, folders, bundles, projects |
//! | [`engine`] | plans and runs |
//! | [`catalog`] | the server's catalog, read as the caller |
//! | [`store`] | our own tables as Rust values |
//! | [`importers`] | the migration files of other tools; plain Rust |
//! | [`domain`] | what a migration is and in which order they run; plain Rust |
//! | [`pg`] | the server, wrapped thinly; the only place with `unsafe` |
//! | [`error`] | every error that a call can end in |

mod api;
mod catalog;
mod domain;
mod engine;
mod error;
mod importers;
mod look;
mod pg;
mod registry;
mod repair;
mod store;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/tables.sql", name = "tables", bootstrap);
pgrx::extension_sql_file!("../sql/history.sql", name = "history", requires = ["tables"]);
pgrx::extension_sql_file!("../sql/backups.sql", name = "backups", requires = ["tables"]);
pgrx::extension_sql_file!("../sql/guards.sql", name = "guards", requires = ["tables"]);
pgrx::extension_sql_file!("../sql/functions.sql", name = "functions", requires = ["guards"]);
pgrx::extension_sql_file!("../sql/grants.sql", name = "grants", finalize);

/// Called by the server when it loads the library.
#[allow(non_snake_case)]
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    pg::interrupt::watch();
    pg::settings::define();
    pg::constraint::watch();
    pg::leftover::watch();
    pg::transaction::watch();
    pg::utility::watch();
}

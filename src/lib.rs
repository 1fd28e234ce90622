//! pg_migrations: schema migrations that live and run inside PostgreSQL.
//!
//! | module | what it holds |
//! |---|---|
//! | [`api`] | the SQL-callable functions: arguments in, one call, rows out |
//! | [`runner`] | runs a plan |
//! | [`store`] | our tables as Rust values |
//! | [`domain`] | what a migration is and in which order they run; plain Rust |
//! | [`pg`] | the server, wrapped thinly; the only place with `unsafe` |
//! | [`error`] | every error that a call can end in |

pub mod api;
#[allow(dead_code)]
pub mod domain;
pub mod error;
pub mod pg;
pub mod runner;
pub mod store;

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
